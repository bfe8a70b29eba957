"""Back to a page that answered a form: the browser sends the form again, whoever is there by then.

Some browsers ask first. That is no protection.
"""

from collections.abc import Callable
from datetime import datetime

import pytest
from playwright.sync_api import Page, Response, expect

from accounts.erasure import erase
from accounts.models import User
from healing.models import Answer
from journal.models import Letter
from tests.safety.leaving.tab import NAME, TYPED, NewTab, Tab, by_click
from tests.support.browser import follow
from tests.support.client import PASSWORD
from tests.support.people import signed_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.back_forward_cache,
    pytest.mark.django_db(transaction=True),
]

EXERCISE = "/steps/1/filling-in/"
# More than the field takes, so that the answer to the form is a page.
TOO_LONG = f"{TYPED} {'and on ' * 300}"
SCRIPTS = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])

Gone = Callable[[Tab, User], None]


class Heard:
    """Every page that the server answers with, and which of them was the answer to a form."""

    def __init__(self, page: Page) -> None:
        self.posts: list[int] = []
        self.pages: list[str] = []
        self._responses: list[Response] = []
        page.on("response", self._hear)

    def _hear(self, response: Response) -> None:
        if response.request.resource_type == "document":
            self._responses.append(response)

    def read(self) -> None:
        """Read what has come since: the browser forgets it at the next page."""
        for response in self._responses:
            if response.request.method == "POST":
                self.posts.append(response.status)
            # A redirect has no body.
            if response.status not in range(300, 400):
                self.pages.append(response.text())
        self._responses.clear()


def leave(tab: Tab, person: User) -> None:
    tab.leave(by_click)


def lock_elsewhere(tab: Tab, person: User) -> None:
    """As by an idle while: the page that is open notices nothing."""
    tab.page.request.get("/leave/", max_redirects=0)


def sign_out(tab: Tab, person: User) -> None:
    tab.page.goto("/accounts/logout/")
    follow(tab.page.locator("main").get_by_role("button", name="Sign out"))


def erase_account(tab: Tab, person: User) -> None:
    erase(person=person, now=datetime.now().astimezone())


def sign_in_someone_else(tab: Tab, person: User) -> None:
    tab.sign_in(User.objects.create_user("bob@example.org", PASSWORD))


def answered_form(tab: Tab) -> None:
    """Send more than the exercise takes, and go on to Today."""
    tab.page.goto(EXERCISE)
    tab.page.locator("main textarea").last.fill(TOO_LONG)
    follow(tab.page.locator("main form button.btn").last)
    assert TYPED in tab.words()
    tab.page.goto("/today/")
    assert tab.words() == [NAME]


def send_again_if_asked(tab: Tab) -> None:
    """Reload the browser’s own page that says so: whoever is there can."""
    if tab.page.url.startswith("chrome-error:"):
        tab.page.reload()


@SCRIPTS
@pytest.mark.parametrize(
    "gone", [leave, lock_elsewhere, sign_out, erase_account, sign_in_someone_else]
)
def test_form_that_is_sent_again_shows_nothing(
    new_tab: NewTab, lived_in: User, letter: Letter, gone: Gone, scripts: bool
) -> None:
    tab = new_tab(signed_in(lived_in), scripts=scripts)
    answered_form(tab)
    gone(tab, lived_in)
    tab.appeared.clear()
    heard = Heard(tab.page)

    # To Today or the sign-out page, to the answer of the form, and to the form.
    for _ in range(4):
        tab.back()
        send_again_if_asked(tab)
        heard.read()
        tab.sees_nothing_private()

    # It was sent again: otherwise this test shows nothing.
    assert heard.posts == [403]
    assert not [page for page in heard.pages if TYPED in page]


@SCRIPTS
def test_words_come_back_after_the_proof(
    new_tab: NewTab, lived_in: User, letter: Letter, scripts: bool
) -> None:
    tab = new_tab(signed_in(lived_in), scripts=scripts)
    Answer.objects.all().delete()
    tab.page.goto(EXERCISE)
    tab.page.locator("main textarea").last.fill(TYPED)
    lock_elsewhere(tab, lived_in)
    follow(tab.page.locator("main form button.btn").last)
    tab.sees_nothing_private()

    follow(tab.page.get_by_role("button", name="Unlock, and show what I sent"))
    tab.sees_nothing_private()
    tab.page.get_by_label("Password").fill(PASSWORD)
    follow(tab.page.locator("main form button.btn").first)
    expect(tab.page.locator("main textarea").last).to_have_value(TYPED)
    follow(tab.page.get_by_role("button", name="Send it again"))

    expect(tab.page).to_have_url(f"{tab.page.url.partition('/steps/')[0]}{EXERCISE}")
    assert tab.words() == [TYPED]
    assert Answer.objects.of(lived_in).count() == 1


@SCRIPTS
def test_form_of_a_visitor_who_left_shows_nothing(new_tab: NewTab, scripts: bool) -> None:
    """They have no session, and so no lock: leaving ends their forms."""
    tab = new_tab(scripts=scripts)
    tab.page.goto("/accounts/login/")
    tab.page.get_by_label("Email address").fill("eve@example.org")
    tab.page.get_by_label("Password").fill("a guess at it")
    follow(tab.page.get_by_role("button", name="Sign in", exact=True))
    assert "eve@example.org" in tab.page.content()
    tab.page.goto("/learn/signs/")
    tab.leave(by_click)
    heard = Heard(tab.page)

    for _ in range(2):
        tab.back()
        send_again_if_asked(tab)
        heard.read()
        assert "eve@example.org" not in tab.page.content()

    assert heard.posts == [403]
    assert not [page for page in heard.pages if "eve@example.org" in page]
