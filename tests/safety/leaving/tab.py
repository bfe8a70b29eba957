"""A browser tab in which somebody reads, writes and leaves.

What it shows afterwards is checked at three moments: as a page is restored from the back/forward
cache, when it has settled, and in the values of its fields. None may hold a private word.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from django.conf import settings
from playwright.sync_api import ConsoleMessage, Error, Page, expect

from accounts.models import User
from journal.models import Letter
from tests.support.letters import a_draft
from tests.support.live_site import NEUTRAL
from tests.support.people import signed_in

NAME = "Quillonda"
LETTER = "the lighthouse at Varr"
DEAR = "Torvaldine"
ANSWER = "marzipan left on the table"
TYPED = "a ferry ticket from Oskarshavn"
WORDS = [NAME, LETTER, DEAR, ANSWER, TYPED]

# After leaving, every page leads to the lock, and never to the sign-in page, however late the
# response to leaving arrives.
LOCK, SIGN_IN = "/accounts/reauthenticate/", "/accounts/login/"

# Titles that may be seen after leaving: of ours, of the neutral page, and of the browser's own.
TITLES = {
    *(
        f"{words} – Notes"
        for words in (
            *("Welcome back", "Sign in", "Step 1", "Reading", "Help", "Not found", "Write"),
            *("Try again", "Not open", "Start", "Sign out"),
        )
    ),
    *("Weather", "localhost", "127.0.0.1", ""),
}

# Added to every page before its own scripts: log which private words are in it as it appears.
WITNESS = """
addEventListener("pageshow", (event) => {
  const fields = [...document.querySelectorAll("input, textarea")].map((field) => field.value);
  const all = [document.title, document.documentElement.outerHTML, ...fields].join(" ");
  const words = %s.filter((word) => all.includes(word));
  console.debug(JSON.stringify({ witness: { kept: event.persisted, words } }));
});
"""
ALL = """
() => [document.title, document.documentElement.outerHTML,
  ...[...document.querySelectorAll("input, textarea")].map((field) => field.value)]
"""
SETTLED = "() => document.readyState === 'complete' && document.body?.childElementCount > 0"


class Tab:
    """A browser tab, and which private words each page in it held as it appeared."""

    def __init__(self, page: Page, *, scripts: bool) -> None:
        self.page = page
        self.scripts = scripts
        # (restored from the back/forward cache, private words in it), for each page.
        self.appeared: list[tuple[bool, list[str]]] = []
        page.on("console", self._hear)
        page.add_init_script(WITNESS % json.dumps(WORDS))

    def _hear(self, message: ConsoleMessage) -> None:
        if '"witness"' in message.text:
            said = json.loads(message.text)["witness"]
            self.appeared.append((said["kept"], said["words"]))

    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path

    def words(self) -> list[str]:
        """The private words in the page as it is now, in its title or its fields."""
        found = " ".join(self.page.evaluate(ALL))
        return [word for word in WORDS if word in found]

    def sign_in(self, person: User) -> None:
        """Sign in again in this tab, as somebody does who comes back later."""
        value = signed_in(person).cookies[settings.SESSION_COOKIE_NAME].value
        [cookie] = (
            cookie
            for cookie in self.page.context.cookies()
            if cookie["name"] == settings.SESSION_COOKIE_NAME
        )
        self.page.context.add_cookies([{**cookie, "value": value}])

    def leave(self, action: Callable[[Page], None]) -> None:
        action(self.page)
        self.has_left()

    def has_left(self) -> None:
        expect(self.page.locator("body")).to_have_text(NEUTRAL)
        self.appeared.clear()

    def back(self) -> None:
        self._step(lambda: self.page.go_back(wait_until="commit"))

    def forward(self) -> None:
        self._step(lambda: self.page.go_forward(wait_until="commit"))

    def far_back(self, pages: int) -> None:
        """Go back several pages at once, as from the list of the history."""
        with self.page.expect_navigation(wait_until="commit"):
            self.page.evaluate(f"() => {{ history.go(-{pages}) }}")
        self._settle()

    def look_around(self, pages: int) -> list[str]:
        """Go back so many pages and forward again. Return where that led, blank pages left out."""
        paths = []
        for go in (*[self.back] * pages, *[self.forward] * pages):
            go()
            self.sees_nothing_private()
            paths.append(self.path)
        return [path for path in paths if path not in {"blank", "/"}]

    def sees_nothing_private(self, kind: str = "any page") -> None:
        assert self.words() == [], kind
        title = self.page.title()
        assert title in TITLES, (kind, title)
        assert [words for _, words in self.appeared if words] == [], kind

    def _step(self, go: Callable[[], object]) -> None:
        # Without a connection Playwright raises an error.
        with suppress(Error):
            go()
        self._settle()

    def _settle(self) -> None:
        """A page from the back/forward cache is emptied and loads itself again: wait for that."""
        if self.page.url == "about:blank":
            return
        self.page.locator("body > *").first.wait_for(state="attached")
        if self.scripts:
            self.page.wait_for_function(SETTLED)


NewTab = Callable[..., Tab]


def other_tab(tab: Tab) -> Tab:
    return Tab(tab.page.context.new_page(), scripts=True)


# --- Kinds of pages, each with the private words that it shows ---------------------------------


def letter_itself(page: Page, letter: Letter) -> None:
    page.goto(f"/journal/{letter.pk}/")


def editing(page: Page, letter: Letter) -> None:
    draft = a_draft(letter.owner, LETTER, to=DEAR, now=letter.created_at)
    page.goto(f"/journal/{draft.pk}/edit/")


def desk(page: Page, letter: Letter) -> None:
    page.goto("/journal/write/them/")
    page.locator("main textarea").first.fill(TYPED)


def exercise(page: Page, letter: Letter) -> None:
    page.goto("/steps/1/filling-in/")
    page.locator("main textarea").first.fill(TYPED)


def first_line(page: Page, letter: Letter) -> None:
    page.goto("/journal/write/them/lines/")
    page.get_by_label("A first line of your own").fill(TYPED)


def given_back(page: Page, letter: Letter) -> None:
    """A form whose token is gone is shown again, with what was typed."""
    first_line(page, letter)
    page.context.clear_cookies(name=settings.CSRF_COOKIE_NAME)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main textarea")).to_have_value(TYPED)


def at(address: str) -> Callable[[Page, Letter], None]:
    def go(page: Page, letter: Letter) -> None:
        page.goto(address)

    return go


KINDS: dict[str, tuple[Callable[[Page, Letter], None], list[str]]] = {
    "today": (at("/today/"), [NAME]),
    "letter": (letter_itself, [LETTER, DEAR]),
    "desk": (desk, [TYPED]),
    "editing": (editing, [LETTER, DEAR]),
    "exercise": (exercise, [ANSWER, TYPED]),
    "given back": (given_back, [TYPED]),
    "you": (at("/you/"), [NAME]),
    "step": (at("/steps/1/"), []),
    "account": (at("/accounts/password/change/"), []),
    "error": (at("/nowhere/"), []),
    "public": (at("/learn/signs/"), []),
    "help": (at("/help/gb/"), []),
}


def see(kind: str, tab: Tab, letter: Letter) -> None:
    go, shown = KINDS[kind]
    go(tab.page, letter)
    assert set(shown) <= set(tab.words())


def read_then_write(tab: Tab, letter: Letter) -> None:
    tab.page.goto("/today/")
    letter_itself(tab.page, letter)
    desk(tab.page, letter)
    assert tab.words() == [TYPED]


# --- How to leave ------------------------------------------------------------------------------


def by_click(page: Page) -> None:
    page.get_by_role("link", name="Leave now").click()


def by_keyboard(page: Page) -> None:
    page.locator("a.skip").focus()
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_attribute("href", "/leave/")
    page.keyboard.press("Enter")


def by_shift(page: Page) -> None:
    for _ in range(3):
        page.keyboard.press("Shift")
