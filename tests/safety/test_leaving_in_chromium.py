"""Leaving, from every kind of page and by every way, in a browser that holds pages for Back.

What a browser shows afterwards is looked at in three moments: in memory, as a page is brought back;
when it has settled; and in what its fields hold. None of it may be a private word.
"""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.conf import settings
from playwright.sync_api import ConsoleMessage, Error, Page, expect

from accounts.actions import choose_name
from accounts.models import User
from healing import actions as healing
from healing.guide import guide
from journal.models import Letter, LetterContents, Opening
from tests.conftest import PASSWORD, Client
from tests.support.letters import a_draft, a_letter
from tests.support.site_in_chromium import NEUTRAL, PATIENCE, NewPage, Site, Weather

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NAME = "Quillonda"
LETTER = "the lighthouse at Varr"
DEAR = "Torvaldine"
ANSWER = "marzipan left on the table"
TYPED = "a ferry ticket from Oskarshavn"
WORDS = [NAME, LETTER, DEAR, ANSWER, TYPED]

# A person who left meets the page that asks for the password, and never the sign-in page, however
# late the answer to leaving arrives.
LOCK, SIGN_IN = "/accounts/reauthenticate/", "/accounts/login/"

# Of our pages that may come up again, of the neutral one, and of the browser's own.
TITLES = {
    *(
        f"{words} – Notes"
        for words in ("Welcome back", "Sign in", "Step 1", "Reading", "Help", "Not found", "Write")
    ),
    *("Weather", "localhost", "127.0.0.1", ""),
}

# Written into every page before its own scripts: it says what is there as the page appears.
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
TELL_WHEN_PAINTED = """
() => addEventListener("keyup", () => requestAnimationFrame(() => requestAnimationFrame(() => {
  const { hidden } = document.documentElement;
  if (!hidden) return;
  const painted = [location.pathname, hidden, document.body.innerHTML];
  console.debug(JSON.stringify({ painted }));
})))
"""
SETTLED = "() => document.readyState === 'complete' && document.body?.childElementCount > 0"


class Tab:
    """One tab, and what was seen in it."""

    def __init__(self, page: Page, *, scripts: bool) -> None:
        self.page = page
        self.scripts = scripts
        page.set_default_timeout(PATIENCE * 1000)
        # (brought back from memory, private words in it), as each page appeared.
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
        """Private words in the page as it is now, its title and its fields."""
        found = " ".join(self.page.evaluate(ALL))
        return [word for word in WORDS if word in found]

    def sign_in(self, person: User) -> None:
        """As someone does who comes back to this tab later."""
        value = signed_in(person).cookies[settings.SESSION_COOKIE_NAME].value
        [cookie] = (
            cookie
            for cookie in self.page.context.cookies()
            if cookie["name"] == settings.SESSION_COOKIE_NAME
        )
        self.page.context.add_cookies([{**cookie, "value": value}])

    def leave(self, way: Callable[[Page], None]) -> None:
        way(self.page)
        self.has_left()

    def has_left(self) -> None:
        expect(self.page.locator("body")).to_have_text(NEUTRAL)
        self.appeared.clear()

    def back(self) -> None:
        self._step(lambda: self.page.go_back(wait_until="commit"))

    def forward(self) -> None:
        self._step(lambda: self.page.go_forward(wait_until="commit"))

    def far_back(self, pages: int) -> None:
        """As by a long press on Back, or from the list of the history."""
        with self.page.expect_navigation(wait_until="commit"):
            self.page.evaluate(f"() => {{ history.go(-{pages}) }}")
        self._settle()

    def look_around(self, pages: int) -> list[str]:
        """Back as often as that, and forward again: where each press led, away from the blank."""
        paths = []
        for go in (*[self.back] * pages, *[self.forward] * pages):
            go()
            self.sees_nothing_private()
            paths.append(self.path)
        return [path for path in paths if path not in {"blank", "/"}]

    def sees_nothing_private(self) -> None:
        assert self.words() == []
        assert self.page.title() in TITLES
        assert [words for _, words in self.appeared if words] == []

    def _step(self, go: Callable[[], object]) -> None:
        # Without a connection it leads to no page, which Playwright calls an error.
        with suppress(Error):
            go()
        self._settle()

    def _settle(self) -> None:
        """A page that was brought back asks for itself again: wait for what then comes."""
        if self.page.url == "about:blank":
            return
        self.page.locator("body > *").first.wait_for(state="attached")
        if self.scripts:
            self.page.wait_for_function(SETTLED)


NewTab = Callable[..., Tab]


@pytest.fixture
def new_tab(new_page: NewPage) -> NewTab:
    def make(client: Client | None = None, *, scripts: bool = True) -> Tab:
        return Tab(new_page(client, scripts=scripts), scripts=scripts)

    return make


@pytest.fixture
def letter(alice: User, now: datetime) -> Letter:
    return a_letter(alice, LETTER, to=DEAR, now=now)


@pytest.fixture
def lived_in(alice: User, letter: Letter, now: datetime) -> User:
    """Alice, with something private of every sort."""
    choose_name(person=alice, name=NAME, now=now)
    step = guide().steps[1]
    healing.save_answer(
        person=alice,
        id=uuid4(),
        step=step,
        exercise=step.exercises[0],
        answer={"moments": [{"happened": ANSWER, "filled_in": ""}], "stands_out": ""},
        now=now,
    )
    return alice


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


# --- The kinds of pages, each with the private words that it shows -----------------------------


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
    """What was sent from a page that was too old is shown again."""
    first_line(page, letter)
    page.context.clear_cookies(name=settings.CSRF_COOKIE_NAME)
    page.get_by_role("button", name="Keep this line").click()
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


# --- The ways of leaving ------------------------------------------------------------------------


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


# --- Back, and what it shows --------------------------------------------------------------------


def test_browser_brings_pages_back_from_memory(new_tab: NewTab, weather: str) -> None:
    """Otherwise everything below would show nothing."""
    tab = new_tab()
    tab.page.goto("/learn/signs/")
    tab.page.goto(weather)
    tab.page.evaluate("() => { window.kept = 'as it was' }")
    tab.page.goto("/learn/signs/")

    tab.back()

    assert tab.page.evaluate("() => window.kept") == "as it was"
    assert (True, []) in tab.appeared


def test_page_brought_back_while_signed_in_is_asked_for_again(
    new_tab: NewTab, lived_in: User, letter: Letter, weather: str, now: datetime
) -> None:
    tab = new_tab(signed_in(lived_in))
    # The first answer to a sign-in brings a cookie, and so is not held in memory.
    tab.page.goto("/today/")
    letter_itself(tab.page, letter)
    assert tab.words() == [LETTER, DEAR]
    tab.page.goto(weather)
    letter.seal(lived_in.key, LetterContents(to="", body="Changed meanwhile."), now=now)
    letter.save()

    tab.page.go_back(wait_until="commit")
    expect(tab.page.locator("article")).to_contain_text("Changed meanwhile.")

    assert (True, []) in tab.appeared


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_of_page_shows_a_private_word_once_it_was_left(
    new_tab: NewTab, lived_in: User, letter: Letter, kind: str
) -> None:
    tab = new_tab(signed_in(lived_in))
    for way in (by_click, by_keyboard, by_shift):
        tab.sign_in(lived_in)
        tab.page.goto("/you/" if kind == "today" else "/today/")
        see(kind, tab, letter)

        tab.leave(way)

        tab.back()
        tab.sees_nothing_private()
        assert tab.path == LOCK


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_of_page_shows_a_private_word_once_it_was_left_by_the_plain_link(
    new_tab: NewTab, lived_in: User, letter: Letter, kind: str
) -> None:
    tab = new_tab(signed_in(lived_in), scripts=False)
    tab.page.goto("/you/" if kind == "today" else "/today/")
    see(kind, tab, letter)

    tab.leave(by_click)

    assert {*tab.look_around(2)} & {LOCK}


BEHIND = ["today", "letter", "exercise", "you", "editing"]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_five_pages_back_forward_and_by_the_history_all_ask_for_the_password(
    new_tab: NewTab,
    lived_in: User,
    letter: Letter,
    scripts: bool,
) -> None:
    tab = new_tab(signed_in(lived_in), scripts=scripts)
    for kind in BEHIND:
        KINDS[kind][0](tab.page, letter)
    desk(tab.page, letter)

    tab.leave(by_click)

    assert {*tab.look_around(5)} - {"/steps/1/filling-in/"} <= {LOCK}
    if scripts:
        tab.far_back(4)
        tab.sees_nothing_private()
    for address in ("/today/", f"/journal/{letter.pk}/", "/you/"):
        tab.page.goto(address)
        tab.sees_nothing_private()
        assert tab.path == LOCK


def test_forward_to_a_page_that_was_read_before_leaving_shows_nothing(
    new_tab: NewTab, lived_in: User, letter: Letter
) -> None:
    """Leaving takes the place of one page. Those that lie ahead of it stay in the history."""
    tab = new_tab(signed_in(lived_in))
    tab.page.goto("/today/")
    letter_itself(tab.page, letter)
    tab.back()

    tab.leave(by_click)
    tab.forward()

    tab.sees_nothing_private()
    assert tab.path == LOCK


# --- When the connection or the server fails ----------------------------------------------------


def wait_until_elsewhere(page: Page) -> None:
    """The browser's own page, which says that there is no connection."""
    page.wait_for_function("() => location.protocol === 'chrome-error:'")


def read_then_write(tab: Tab, letter: Letter) -> None:
    tab.page.goto("/today/")
    letter_itself(tab.page, letter)
    desk(tab.page, letter)
    assert tab.words() == [TYPED]


def test_leaving_and_coming_back_without_a_connection(
    new_tab: NewTab, lived_in: User, letter: Letter
) -> None:
    tab = new_tab(signed_in(lived_in))
    read_then_write(tab, letter)
    tab.page.context.set_offline(True)

    by_shift(tab.page)
    wait_until_elsewhere(tab.page)
    tab.appeared.clear()
    tab.look_around(2)

    tab.page.context.set_offline(False)
    assert {*tab.look_around(2)} <= {LOCK}


def test_leaving_with_a_connection_and_coming_back_without(
    new_tab: NewTab, lived_in: User, letter: Letter
) -> None:
    tab = new_tab(signed_in(lived_in))
    read_then_write(tab, letter)

    tab.leave(by_click)
    tab.page.context.set_offline(True)

    tab.look_around(2)


def test_leaving_while_the_server_is_down_locks_when_it_is_up_again(
    new_tab: NewTab, server: Site, lived_in: User, letter: Letter
) -> None:
    tab = new_tab(signed_in(lived_in))
    read_then_write(tab, letter)
    server.stop()

    tab.leave(by_click)
    tab.look_around(2)

    server.start()
    assert {*tab.look_around(2)} <= {LOCK}


def test_leaving_does_not_wait_for_the_server(
    new_tab: NewTab, server: Site, lived_in: User, letter: Letter
) -> None:
    tab = new_tab(signed_in(lived_in))
    read_then_write(tab, letter)
    server.gate.hold("/leave/")

    tab.leave(by_click)

    assert server.gate.arrived.wait(PATIENCE)
    assert {*tab.look_around(2)} <= {LOCK}
    server.gate.open()


def test_back_meets_the_lock_while_its_answer_is_under_way(
    new_tab: NewTab, server: Site, lived_in: User, letter: Letter
) -> None:
    """The session has moved to a new key, and the browser still sends the old cookie."""
    tab = new_tab(signed_in(lived_in))
    read_then_write(tab, letter)
    server.way_back.hold("/leave/")

    tab.leave(by_shift)
    assert server.way_back.arrived.wait(PATIENCE)

    assert {*tab.look_around(2)} <= {LOCK}
    tab.page.goto(f"/journal/{letter.pk}/")
    assert tab.path == LOCK
    tab.page.get_by_label("Password").fill(PASSWORD)
    tab.page.get_by_role("button", name="Open my pages").first.click()
    expect(tab.page.locator("article")).to_contain_text(LETTER)
    server.way_back.open()


def test_page_is_empty_before_the_neutral_one_answers(
    new_tab: NewTab, lived_in: User, letter: Letter
) -> None:
    tab = new_tab(signed_in(lived_in))
    read_then_write(tab, letter)
    Weather.gate.hold("/")
    # The page itself says what it shows, once it was painted: nobody can ask it while it goes.
    tab.page.evaluate(TELL_WHEN_PAINTED)

    with tab.page.expect_console_message(lambda message: "painted" in message.text) as told:
        by_shift(tab.page)

    assert json.loads(told.value.text)["painted"][1:] == [True, ""]
    assert Weather.gate.arrived.wait(PATIENCE)
    Weather.gate.open()
    expect(tab.page.locator("body")).to_have_text(NEUTRAL)


# --- More than one tab --------------------------------------------------------------------------


def beside(tab: Tab) -> Tab:
    return Tab(tab.page.context.new_page(), scripts=True)


def test_leaving_takes_the_other_tabs_along(
    new_tab: NewTab, lived_in: User, letter: Letter
) -> None:
    tab = new_tab(signed_in(lived_in))
    other = beside(tab)
    read_then_write(other, letter)
    tab.page.goto("/help/gb/")

    tab.leave(by_click)

    expect(other.page.locator("body")).to_have_text(NEUTRAL)
    other.appeared.clear()
    assert {*other.look_around(2)} <= {LOCK}


def test_what_is_done_in_a_tab_after_signing_out_in_another_reaches_nothing(
    new_tab: NewTab, lived_in: User, letter: Letter
) -> None:
    tab = new_tab(signed_in(lived_in))
    other = beside(tab)
    first_line(other.page, letter)
    tab.page.goto("/accounts/logout/")
    tab.page.locator("main").get_by_role("button", name="Sign out").click()
    expect(tab.page).to_have_url(re.compile("/$"))

    other.page.get_by_role("button", name="Keep this line").click()

    # Their own text comes back to them, and that is all there is.
    expect(other.page.locator("main textarea")).to_have_value(TYPED)
    assert other.words() == [TYPED]
    assert not Opening.objects.exists()
    other.page.goto(f"/journal/{letter.pk}/")
    other.appeared.clear()
    for _ in range(2):
        other.sees_nothing_private()
        other.back()
    assert other.path == SIGN_IN


# --- Shift ---------------------------------------------------------------------------------------


def test_capitals_do_not_leave(new_tab: NewTab, lived_in: User, letter: Letter) -> None:
    tab = new_tab(signed_in(lived_in))
    desk(tab.page, letter)

    for capital in "THISISNOTACRYFORHELP":
        tab.page.keyboard.press(f"Shift+{capital}")

    expect(tab.page.locator("main textarea")).to_have_value(f"{TYPED}THISISNOTACRYFORHELP")


def test_shift_with_something_between_does_not_leave(
    new_tab: NewTab, lived_in: User, letter: Letter
) -> None:
    tab = new_tab(signed_in(lived_in))
    desk(tab.page, letter)
    keys = tab.page.keyboard

    for between in ("a", "Enter", "ArrowLeft", "Control", "Shift+B"):
        keys.press("Shift")
        keys.press("Shift")
        keys.press(between)
    keys.press("Shift")
    keys.press("Shift")
    tab.page.locator("main textarea").click()
    keys.press("Shift")

    # Leaving empties the page at once, so what is here now stays.
    assert tab.words() == [TYPED]
    assert tab.path.startswith("/journal/")


def test_shift_can_be_turned_off_and_on_in_this_browser(
    new_tab: NewTab, lived_in: User, letter: Letter
) -> None:
    tab = new_tab(signed_in(lived_in))
    tab.page.goto("/safety/")
    tab.page.get_by_role("button", name="Turn Shift off").click()
    expect(tab.page.get_by_role("button", name="Turn Shift on")).to_be_focused()
    # In a cookie: what pages store otherwise goes when somebody signs out.
    assert tab.page.evaluate("() => Object.keys(localStorage)") == []
    [kept] = (each for each in tab.page.context.cookies() if each["name"] == "shift")
    assert (kept["value"], kept["sameSite"], kept["path"]) == ("off", "Lax", "/")
    desk(tab.page, letter)
    by_shift(tab.page)
    assert tab.words() == [TYPED]
    by_click_only = beside(tab)
    by_click_only.page.goto("/today/")
    by_click_only.leave(by_click)
    tab.has_left()

    tab.page.goto("/safety/")
    tab.page.get_by_role("button", name="Turn Shift on").click()
    tab.leave(by_shift)


def test_shift_is_not_spoken_of_without_scripts(new_tab: NewTab) -> None:
    tab = new_tab(scripts=False)
    tab.page.goto("/safety/")

    expect(tab.page.get_by_role("button", name="Turn Shift off")).to_be_hidden()
