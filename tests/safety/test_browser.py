"""Leaving and the Content Security Policy, in a real browser."""

from datetime import datetime
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import ConsoleMessage, Page

from accounts.models import User
from journal.models import Letter
from mail.emails import build_from_payload
from mail.models import Message
from tests.support.accounts import code_in
from tests.support.browser import NewPage
from tests.support.client import PASSWORD, Client
from tests.support.letters import a_draft, a_letter
from tests.support.live_site import NEUTRAL, NeutralPage, Site
from tests.support.second_factors import enter_admin
from tests.support.waiting import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SECRET = "the lighthouse at Varr"


@pytest.fixture
def letter(alice: User, now: datetime) -> Letter:
    return a_letter(alice, SECRET, to="Ina", now=now)


def _back(page: Page) -> None:
    page.go_back(wait_until="commit")
    page.wait_for_load_state()


@pytest.mark.back_forward_cache
def test_browser_restores_pages_from_memory(new_page: NewPage, neutral_url: str) -> None:
    """Otherwise the tests below would prove nothing."""
    page = new_page()
    page.goto(neutral_url)
    page.evaluate("() => { window.kept = 'as it was' }")
    page.goto(f"{neutral_url}?elsewhere")

    page.go_back(wait_until="commit")

    assert page.evaluate("() => window.kept") == "as it was"


def _ways_back(page: Page, site: Site) -> list[str]:
    """Where each press of Back leads, up to the first page. None may show what was written."""
    found = []
    while page.url != "about:blank":
        _back(page)
        assert SECRET not in page.content()
        found.append(urlsplit(page.url).path)
    return found[:-1]


def _read_and_write(page: Page, site: Site, letter: Letter) -> None:
    page.goto(f"{site.url}/journal/{letter.pk}/")
    draft = a_draft(letter.owner, SECRET, now=letter.created_at)
    page.goto(f"{site.url}/journal/{draft.pk}/edit/")
    assert SECRET in page.content()


DOOR = "/accounts/reauthenticate/"


@pytest.mark.back_forward_cache
@pytest.mark.parametrize(
    ("scripts", "doors"), [(True, [DOOR]), (False, [DOOR, DOOR])], ids=["scripts", "no scripts"]
)
def test_leave_now_then_back_asks_for_the_password(
    new_page: NewPage,
    site: Site,
    neutral_url: str,
    as_alice: Client,
    letter: Letter,
    scripts: bool,
    doors: list[str],
) -> None:
    page = new_page(as_alice, scripts=scripts)
    _read_and_write(page, site, letter)
    NeutralPage.referrers.clear()

    page.get_by_role("link", name="Leave now").click()
    page.wait_for_url(neutral_url)

    assert NEUTRAL in page.content()
    assert set(NeutralPage.referrers) == {None}
    assert _ways_back(page, site) == doors


@pytest.mark.back_forward_cache
def test_shift_three_times_leaves_and_capitals_do_not(
    new_page: NewPage, site: Site, neutral_url: str, as_alice: Client, letter: Letter
) -> None:
    page = new_page(as_alice)
    _read_and_write(page, site, letter)
    page.locator("textarea").press_sequentially("ABC")
    for letters in ("X", "Y", "Z"):
        page.keyboard.press(f"Shift+{letters}")
    assert SECRET in page.content()

    for _ in range(3):
        page.keyboard.press("Shift")
    page.wait_for_url(neutral_url)

    assert _ways_back(page, site) == [DOOR]


@pytest.mark.back_forward_cache
def test_leaving_unheard_still_locks(
    new_page: NewPage, site: Site, neutral_url: str, as_alice: Client, letter: Letter
) -> None:
    """The request that locks is lost. A cookie asks the next request to lock."""
    page = new_page(as_alice)
    _read_and_write(page, site, letter)
    page.context.route("**/leave/", lambda route: route.abort())

    page.get_by_role("link", name="Leave now").click()
    page.wait_for_url(neutral_url)

    assert _ways_back(page, site) == [DOOR]
    assert [cookie["name"] for cookie in page.context.cookies(site.url)].count("left") == 0


def test_password_opens_what_leaving_closed(
    new_page: NewPage, site: Site, neutral_url: str, as_alice: Client, letter: Letter
) -> None:
    page = new_page(as_alice, scripts=False)
    page.goto(f"{site.url}/journal/{letter.pk}/")
    page.get_by_role("link", name="Leave now").click()
    page.wait_for_url(neutral_url)
    page.goto(f"{site.url}/journal/{letter.pk}/")

    page.locator("input[type=password]").fill(PASSWORD)
    page.locator("main form button").first.click()
    page.wait_for_url(f"{site.url}/journal/{letter.pk}/")

    assert SECRET in page.content()


def _click_there(page: Page) -> None:
    """Click where the pointer is, without Playwright's waiting."""
    page.mouse.down()
    page.mouse.up()


def test_double_click_makes_one_account_and_stays_on_the_page_for_its_code(
    new_page: NewPage, site: Site
) -> None:
    page, sent = new_page(), list[str]()
    page.on("request", lambda asked: sent.append(asked.url) if asked.method == "POST" else None)
    page.goto(f"{site.url}/accounts/signup/")
    page.get_by_label("Email address").fill("erin@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("checkbox").check()

    page.get_by_role("button", name="Make my account").hover()
    site.request_gate.hold("/accounts/signup/")
    _click_there(page)
    assert site.request_gate.arrived.wait(PATIENCE)
    _click_there(page)
    site.request_gate.open()
    page.wait_for_url("**/accounts/confirm-email/")
    page.get_by_label("Code").fill(code_in(build_from_payload(Message.objects.get())))
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/accounts/first/**")

    assert sent == [f"{site.url}/accounts/signup/", f"{site.url}/accounts/confirm-email/"]


OPEN = ["/", "/learn/", "/steps/", "/steps/1/", "/help/", "/help/gb/", "/help/xx/", "/safety/"]
OURS = ["/today/", "/journal/", "/journal/write/them/", "/progress/", "/you/", "/you/reminders/"]
DOORS = ["/accounts/login/", "/accounts/signup/", "/nowhere/"]


def _complaints(page: Page) -> list[str]:
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))

    def hear(message: ConsoleMessage) -> None:
        # Chromium logs a 404 as an error. Every other error counts.
        if message.type == "error" and "status of 404" not in message.text:
            said.append(f"{page.url}: {message.text}")

    page.on("console", hear)
    return said


def test_our_pages_keep_to_their_policy(new_page: NewPage, site: Site, as_alice: Client) -> None:
    stranger, alice = new_page(), new_page(as_alice)
    heard = [_complaints(stranger), _complaints(alice)]

    for address in [*OPEN, *DOORS]:
        stranger.goto(site.url + address)
    for address in [*OPEN, *OURS]:
        alice.goto(site.url + address)

    assert heard == [[], []]


def test_what_is_written_into_a_page_does_not_run(
    new_page: NewPage, site: Site, as_alice: Client
) -> None:
    page = new_page(as_alice)
    said = _complaints(page)
    page.goto(f"{site.url}/today/")

    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.append("window.ran = true");
            document.body.append(script);
        }"""
    )

    assert page.evaluate("() => window.ran") is None
    assert said != []
    assert all("TrustedScript" in line for line in said)


def test_admin_works_under_its_policy(new_page: NewPage, site: Site, alice: User) -> None:
    alice.is_staff = alice.is_superuser = True
    alice.save(update_fields=["is_staff", "is_superuser"])
    client = Client()
    client.force_login(alice)
    enter_admin(client, alice)
    stranger, operator = new_page(), new_page(client)
    heard = [_complaints(stranger), _complaints(operator)]

    stranger.goto(f"{site.url}/admin/")
    assert "/accounts/login/" in stranger.url
    for address in ["", "accounts/user/", f"accounts/user/{alice.pk}/change/", "nowhere/"]:
        operator.goto(f"{site.url}/admin/{address}")

    assert heard == [[], []]
