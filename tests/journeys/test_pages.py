"""Every page as people see it: checked for barriers, measured, weighed, and used by keyboard."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connections
from django.template.loader import render_to_string
from django.test import override_settings
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from playwright.sync_api import Browser, CDPSession, Locator, Page, expect

from accounts.returned_forms import ReturnedForm, SentField
from bench import page_weight
from healing.guide import guide
from operations.demo_account import EMAIL, PASSWORD
from safety.context_processors import site
from tests.support.browser import STILL, NewContext, follow
from tests.support.geometry import DOUBLE, SHORT_WINDOWS, USUAL, set_text_size, wrong_in_window
from tests.support.live_site import Site
from tests.support.product import Product
from tests.support.second_factors import code_of
from tests.support.text_colours import TEXT_COLOURS

pytestmark = pytest.mark.browser

AXE = (Path(__file__).parents[1] / "vendor" / "axe-core" / "axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast", "link-in-text-block"]
# The rules that depend on where elements are.
PLACES = ["target-size", "scrollable-region-focusable"]
RUN = """
axe.run(%s, {runOnly: %s, rules: %s, resultTypes: ["violations"], iframes: false}).then((found) =>
  found.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id} at ${node.target}`)))
"""
# Which elements of a page's main part are shown, in their order.
SHOWN = """
() => [...document.querySelectorAll("main, main *")].map((each) => {
  const { right, bottom } = each.getBoundingClientRect();
  const isShown = each.checkVisibility({ visibilityProperty: true });
  return isShown && right > 0 && bottom > -scrollY;
}).join()
"""
# All of a page but its main part, without tokens.
FRAME = """
() => {
  const body = document.body.cloneNode(true);
  body.querySelector("main").remove();
  return body.innerHTML.replaceAll(/value="[^"]*"/g, "");
}
"""
WIDE, NARROW = 1280, 320
TOO_WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"

# URL names that are not a page of ours, each with the reason.
NO_PAGE = {
    "healing:mark": "takes a form, shows nothing",
    "healing:follow_up": "takes a form, shows nothing",
    "journal:autosave": "takes what the desk's script sends",
    "journal:token": "what the desk's script asks before it sends",
    "journal:bring_back": "takes a form, shows nothing",
    "journal:write_on": "takes a form, shows nothing",
    "journal:remove_opening": "takes a form, shows nothing",
    "journal:names": "takes a form, shows nothing",
    "reminders:off": "takes a form, shows nothing",
    "reminders:pause": "takes a form, shows nothing",
    "healing:reply": "shows something to a form only: see visitor()",
    "healing:drop": "takes a form, shows nothing",
    "healing:make_account": "takes a form, shows nothing",
    "home:carry_over_take": "takes a form, shows nothing",
    "home:carry_over_delete": "takes a form, shows nothing",
    "home:pause_more": "takes a form, shows nothing",
    "home:pause_end": "takes a form, shows nothing",
    "home:pause_letter": "takes a form, shows nothing",
    "home:pause_stay": "takes a form, shows nothing",
    "safety:leave_out": "takes a form, shows nothing",
    "safety:bring_back": "takes a form, shows nothing",
    "safety:leave": "leads to another site",
    "dev_inbox:caught_html": "a mail as it was sent, for the frame of dev_inbox:caught",
    "safety:security_txt": "a file for machines",
    "healthz": "a word for machines",
    "readyz": "a word for machines",
    "account_well_known": "leads password managers to a page",
    "account_hold_returned": "takes a sealed form, shows nothing",
    "account_end_device": "takes a form, shows nothing",
    "account_end_others": "takes a form, shows nothing",
    "mfa_login_webauthn": "takes what a device answers, shows nothing",
    "mfa_passkey_options": "what a device is asked, for the script of the page",
    "account_set_password": "for accounts without a password, and there are none",
    "account_confirm_login_code": "signing in by a code is off",
}
Arguments = dict[str, list[list[object]]]
READABLE: Arguments = {
    "healing:reading": [["what-it-is"]],
    "healing:step": [[1]],
    "healing:exercise": [
        [1, "filling-in"],
        [1, "signs"],
        [1, "moments"],
        [2, "if-then"],
        [2, "looking"],
        [5, "going-round"],
        [6, "circle"],
        [6, "safety-page"],
        [7, "told-twice"],
        [8, "small-wins"],
    ],
    "healing:question": [[6, "safety-page", 1], [6, "safety-page", 5], [7, "told-twice", 3]],
    "healing:check": [[7, "told-twice"]],
    # Something has to be written before.
    "healing:discard": [],
    "healing:gathering": [["cards"], ["circle"], ["wins"]],
    "journal:paper": [["them"], ["plain"]],
    "journal:openings": [["them"]],
    # Opened by POST.
    "journal:search": [],
    "safety:lines": [["gb"], ["elsewhere"], ["xx"]],
}


def addresses(resolver: URLResolver, room: str = "") -> Iterator[tuple[str, bool]]:
    """Every URL name, and whether it takes arguments. The admin is Django's own."""
    for each in resolver.url_patterns:
        if isinstance(each, URLPattern):
            yield f"{room}{each.name}", bool(each.pattern.converters)
        elif each.namespace != "admin":
            yield from addresses(each, f"{each.namespace}:" if each.namespace else room)


PAGES = {name: given for name, given in addresses(get_resolver()) if name not in NO_PAGE}


@dataclass
class Audit:
    """Which pages were looked at, and what was found on them."""

    seen: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    frames: set[str] = field(default_factory=set)
    colours: set[str] = field(default_factory=set)
    barriers: list[str] = field(default_factory=list)
    wider: list[str] = field(default_factory=list)
    out_of_place: list[str] = field(default_factory=list)

    def walk(self, page: Page, names: Iterator[str]) -> None:
        """Look at each page that `names` opens, unless one with the same words was looked at."""
        # Never detached: a browser forgets its passkeys with the last session of its tools.
        devtools = page.context.new_cdp_session(page)
        for name in names:
            self.seen.add(name)
            words = page.locator("main").inner_text()
            if words not in self.words:
                self.words.add(words)
                self._look(page, devtools, name)

    def _look(self, page: Page, devtools: CDPSession, name: str) -> None:
        """Wide and narrow, by day and by night, and narrow with letters of twice the size.

        What cannot have changed is not asked again: night changes colours and nothing else, and a
        narrow window changes places, unless it shows other elements. Colours are looked at wherever
        a text has any that no text has had before. The frame around a page is the same on many
        pages: where its targets are is looked at once.
        """
        devtools.send("Runtime.evaluate", {"expression": AXE})
        is_new_frame = self._is_new_frame(page)
        self._resize(page, name, WIDE)
        shown = page.evaluate(SHOWN)
        self._ask(page, devtools, f"{name}, {WIDE} px, light", TAGS)
        page.emulate_media(color_scheme="dark")
        self._ask(page, devtools, f"{name}, {WIDE} px, dark", [])
        self._resize(page, name, NARROW)
        self._ask(page, devtools, f"{name}, {NARROW} px, dark", [])
        page.emulate_media(color_scheme="light")
        is_known = page.evaluate(SHOWN) == shown and not is_new_frame
        rules = PLACES if is_known else TAGS
        self._ask(page, devtools, f"{name}, {NARROW} px, light", rules)
        set_text_size(devtools, DOUBLE)
        self._measure(page, f"{name} with large letters")
        self._frame(page, name, (1280, 720))
        set_text_size(devtools, USUAL)
        for window in SHORT_WINDOWS:
            self._frame(page, name, window)

    def _resize(self, page: Page, name: str, width: int) -> None:
        page.set_viewport_size({"width": width, "height": 800})
        self._measure(page, f"{name} at {width} px")

    def _ask(self, page: Page, devtools: CDPSession, where: str, rules: list[str]) -> None:
        colours = {*page.evaluate(TEXT_COLOURS)}
        has_new_colours = not colours <= self.colours
        self.colours |= colours
        found = ask(devtools, rules, colours=has_new_colours)
        self.barriers += [f"{where}: {at}" for at in found]

    def _is_new_frame(self, page: Page) -> bool:
        frame = page.evaluate(FRAME)
        is_new = frame not in self.frames
        self.frames.add(frame)
        return is_new

    def _frame(self, page: Page, name: str, window: tuple[int, int]) -> None:
        found = wrong_in_window(page, *window)
        self.out_of_place += [f"{name} at {window}: {each}" for each in found]

    def _measure(self, page: Page, where: str) -> None:
        if page.evaluate(TOO_WIDE):
            self.wider.append(where)


def ask(devtools: CDPSession, rules: list[str], *, colours: bool) -> list[str]:
    """Run axe through the browser's own tools: our pages' policy lets no other script in."""
    without = {} if colours else {name: {"enabled": False} for name in COLOURS}
    part = "document" if colours or rules is TAGS else "'main'"
    if rules is not TAGS:
        rules, without = [*rules, *(COLOURS if colours else [])], {}
    if not rules:
        return []
    run = RUN % (part, json.dumps(rules), json.dumps(without))
    answer = devtools.send(
        "Runtime.evaluate", {"expression": run, "awaitPromise": True, "returnByValue": True}
    )
    assert "exceptionDetails" not in answer, answer
    found: list[str] = answer["result"]["value"]
    return found


def button(page: Page, name: str) -> Locator:
    return page.locator("main").get_by_role("button", name=name, exact=True)


def press(page: Page, name: str) -> None:
    follow(button(page, name))


def type_password(page: Page, email: str = EMAIL) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Sign in")


def sign_in(page: Page, email: str = EMAIL) -> None:
    type_password(page, email)
    expect(page).to_have_url(re.compile("/today/$"))


def reauthenticate(page: Page) -> None:
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Unlock")


def is_headed(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(words)


def type_code(page: Page, product: Product, email: str) -> None:
    code = re.search(r"code: (\S+)", product.mail_to(email, "Your code").text)
    assert code
    page.get_by_label("Code").fill(code[1])
    press(page, "Go on")


def open_pages(page: Page, more: Arguments) -> Iterator[str]:
    """Open every page that does not redirect this person."""
    for name, has_arguments in PAGES.items():
        for arguments in (READABLE | more).get(name, [] if has_arguments else [[]]):
            address = reverse(name, args=arguments)
            # Asked without a page: most lead a visitor to the same page for signing in.
            asked = page.request.head(address, max_redirects=0)
            if asked.headers.get("location", address).partition("?")[0] != address:
                continue
            page.goto(address)
            if urlsplit(page.url).path == address:
                yield name


def visitor(page: Page, product: Product) -> Iterator[str]:
    yield from open_pages(page, {})
    page.goto("/nowhere/")
    yield "a page that is not there"
    page.goto("/before/")
    for question in page.get_by_role("radio", name="Yes").all():
        question.check()
    press(page, "See where help is")
    yield "what the safety questions lead to"
    page.goto("/steps/5/calm-reply/")
    yield "what is left out"
    page.goto("/steps/1/signs/")
    press(page, "See what this may mean")
    yield "the reply to a grid"
    page.goto("/boat/")
    button(page, "Fold it").click()
    is_headed(page, "It is gone")
    yield "a boat that is gone"
    page.goto("/accounts/signup/")
    press(page, "Make my account")
    yield "a form with errors"
    page.goto("/accounts/login/")
    page.context.clear_cookies()
    press(page, "Sign in")
    yield "a form from a page too old"


NEW = "new@example.org"


def someone_new(page: Page, product: Product) -> Iterator[str]:
    """Right after signing up, with nothing written yet."""
    page.goto("/accounts/signup/")
    page.get_by_label("Email address").fill(NEW)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("checkbox").check()
    press(page, "Make my account")
    yield "account_email_verification_sent"
    type_code(page, product, NEW)
    yield "account_first"
    press(page, "I have read this")
    for address in ("/today/", "/journal/", "/progress/", "/you/reminders/"):
        page.goto(address)
        yield f"{address}, still empty"
    page.goto("/dev/inbox/")
    follow(page.locator("main .letters a").first)
    yield "dev_inbox:caught"


def someone_with_words(page: Page, product: Product) -> Iterator[str]:
    yield from signing_in_after_a_visitor(page)
    yield from open_pages(page, ids(page))
    yield from the_shelf(page)
    yield from a_question_a_page(page)
    yield from a_hard_moment(page, product)
    yield from a_life_of_a_letter(page, product)
    page.goto("/journal/write/them/")
    press(page, "Save")
    yield "an empty letter"
    begin_a_letter(page)
    with nowhere_for_letters(product):
        button(page, "Save").click()
        expect(page.get_by_text("Your words are on this device, encrypted.")).to_be_visible()
        yield "a letter that cannot reach us"
    with by_form_alone(page):
        yield from words_given_back(page, product)


def signing_in_after_a_visitor(page: Page) -> Iterator[str]:
    """Where something was saved without an account."""
    page.goto("/steps/1/both-true/")
    page.get_by_label("Both are true").fill("I miss our Sundays.")
    page.get_by_label("… and").fill("I am tired of waiting.")
    press(page, "Save")
    yield "an answer that was saved without an account"
    type_password(page)
    is_headed(page, "Is this yours?")
    yield "home:carry_over"
    press(page, "Delete it")
    expect(page).to_have_url(re.compile("/today/$"))


@contextmanager
def nowhere_for_letters(product: Product) -> Iterator[None]:
    product.sql("ALTER TABLE journal_letter RENAME TO nowhere")
    try:
        yield
    finally:
        product.sql("ALTER TABLE nowhere RENAME TO journal_letter")


@contextmanager
def by_form_alone(page: Page) -> Iterator[None]:
    """As where the desk's script did not load."""
    script = "**/js/desk/**"
    page.route(script, lambda route: route.fulfill(body="", content_type="text/javascript"))
    try:
        yield
    finally:
        page.unroute(script)


def words_given_back(page: Page, product: Product) -> Iterator[str]:
    begin_a_letter(page)
    with nowhere_for_letters(product):
        press(page, "Save")
    is_headed(page, "Something broke on our side")
    yield "a fault of ours"
    begin_a_letter(page)
    page.request.get("/leave/", max_redirects=0)
    press(page, "Save")
    is_headed(page, "Your pages are locked")
    yield "pages locked by leaving"
    press(page, "Unlock, and show what I sent")
    yield "account_reauthenticate"
    reauthenticate(page)
    is_headed(page, "Here is what you sent")
    yield "account_returned"
    begin_a_letter(page)
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    press(page, "Save")
    is_headed(page, "You were signed out meanwhile")
    yield "a sign-in that is over"
    sign_in(page)
    begin_a_letter(page)
    page.context.clear_cookies(name=settings.CSRF_COOKIE_NAME)
    press(page, "Save")
    is_headed(page, "Your browser sent no cookie")
    yield "a letter without a cookie"


def the_shelf(page: Page) -> Iterator[str]:
    """Filtered and searched."""
    for address in (
        "/journal/?show=kept&kind=them",
        "/journal/?show=sealed",
        "/journal/write/?why",
    ):
        page.goto(address)
        yield address
    for words in ("tea", "no such words", ""):
        page.goto("/journal/")
        page.get_by_label("Search your letters").fill(words)
        press(page, "Search")
        yield "journal:search_results" if words else "journal:search"
    page.goto(f"/journal/search/{uuid4()}/")
    yield "a search that is no longer kept"
    page.goto("/journal/write/them/lines/")
    press(page, "Save")
    yield "a first line without words"
    page.get_by_label("A first line").fill("The kitchen was quiet when")
    press(page, "Save")
    yield "a first line of one's own"


def a_life_of_a_letter(page: Page, product: Product) -> Iterator[str]:
    """Every state of a letter, one after another."""
    letter = part_of_link(page, "/journal/?show=kept", r'href="(/journal/[0-9a-f-]{36}/)"')
    page.goto(letter)
    press(page, "Write on")
    yield "journal:edit"
    yield from two_versions(page, f"{letter}edit/")
    page.goto(f"{letter}close/")
    yield "journal:close"
    page.get_by_label("warm").check()
    page.get_by_label("One thing for the next hour").fill("The window, and the street below")
    follow(page.get_by_role("button", name="Keep"))
    yield "a letter with the hour after it"
    yield from sealed(page, product, letter)
    page.goto(f"{letter}let-go/?long=1")
    yield "journal:let_go"
    press(page, "Let it go")
    yield "journal:settle"
    page.goto(letter)
    yield "a letter on the water"
    press(page, "Bring it back")
    press(page, "Write on")
    page.goto(f"{letter}throw-away/")
    yield "journal:throw_away"
    this_letter = f"id = '{letter.split('/')[2]}'"
    evening = "kind = 'evening-1', state = 'kept', created_at = now()"
    product.sql(f"UPDATE journal_letter SET {evening} WHERE {this_letter}")  # noqa: S608
    page.goto("/journal/write/evenings/")
    yield "journal:evenings"
    gone = "state = 'let_go', let_go_at = now() - interval '1 hour', leaves_line = true"
    product.sql(f"UPDATE journal_letter SET {gone} WHERE {this_letter}")  # noqa: S608
    page.goto(f"{letter}remove-line/")
    yield "journal:remove_line"


def two_versions(page: Page, desk: str) -> Iterator[str]:
    """Of one letter, edited on two pages."""
    other = page.context.new_page()
    other.goto(desk)
    page.locator("textarea").fill("These words came first.")
    press(page, "Save")
    other.locator("textarea").fill("These came later.")
    press(other, "Save")
    other.wait_for_url("**/versions/*/")
    page.goto(other.url)
    other.close()
    yield "journal:version"
    follow(page.get_by_role("link", name="Earlier versions"))
    yield "journal:versions"
    follow(page.locator("main .letters a").last)
    yield "an earlier version"
    press(page, "Leave the letter as it is")


def sealed(page: Page, product: Product, letter: str) -> Iterator[str]:
    page.goto(f"{letter}seal/")
    yield "journal:seal"
    press(page, "Seal it")
    yield "a seal without a day"
    page.get_by_label("On a day I pick").check()
    page.get_by_label("The day I pick").fill(f"{datetime.now(UTC).date() + timedelta(days=30)}")
    press(page, "Seal it")
    yield "a letter that is closed"
    follow(page.get_by_role("link", name="Open it early"))
    yield "journal:unseal"
    product.sql("UPDATE journal_letter SET opens_on = current_date - 1 WHERE state = 'sealed'")
    page.goto(letter)
    yield "a letter whose day has come"
    follow(page.get_by_role("button", name="Read it"))


def begin_a_letter(page: Page) -> None:
    page.goto("/journal/write/them/")
    page.get_by_label("What would you say").fill("I am still here.")


def a_hard_moment(page: Page, product: Product) -> Iterator[str]:
    """Each of its states: before, while it runs with each helper, over, and on the next day."""
    page.goto("/pause/")
    page.get_by_label("What you would send them").fill("Are you there?")
    press(page, "Wait with me ten minutes")
    yield "the water"
    for name in ("line", "call"):
        page.goto(f"/pause/?with={name}")
        yield f"the water, with {name}"
    earlier = "began_at = began_at - interval '{0}', ends_at = ends_at - interval '{0}'"
    product.sql(f"UPDATE pause_pause SET {earlier.format('1 hour')}")  # noqa: S608
    page.goto("/pause/")
    yield "water that is over"
    follow(page.get_by_role("button", name="I sent it"))
    yield "home:pause_after"
    after = urlsplit(page.url).path
    days = f"created_at = created_at - interval '2 days', {earlier.format('2 days')}"
    product.sql(f"UPDATE pause_pause SET {days}")  # noqa: S608
    page.goto("/today/")
    yield "a question about unsent words"
    for name in ("words", "delete"):
        page.goto(f"{after}{name}/")
        yield f"home:pause_{name}"


def a_question_a_page(page: Page) -> Iterator[str]:
    page.goto("/steps/6/safety-page/1/")
    page.get_by_label("Lines I can call").select_option("gb")
    press(page, "Next")
    press(page, "Enough for now")
    yield "an exercise to go on with"
    page.goto("/steps/6/safety-page/discard/")
    yield "healing:discard"
    page.goto("/steps/6/safety-page/5/")
    page.get_by_label("Who").first.fill("R.")
    press(page, "Next")
    press(page, "Next")
    yield "answers to be checked"
    press(page, "Save")
    yield "a plan that was saved"
    page.goto("/steps/6/safety-page/")
    yield "a plan to print"
    page.goto("/you/guide/")
    press(page, "Turn it on")
    page.goto("/steps/7/told-twice/")
    yield "an exercise that is left out"
    page.goto("/steps/3/three-evenings/")
    yield "letters that are left out"
    page.goto("/you/guide/")
    press(page, "Turn it off")


def ids(page: Page) -> Arguments:
    """Arguments of URLs, read from the links that people follow."""
    letter = part_of_link(page, "/journal/?show=kept", r'href="/journal/([0-9a-f-]{36})/"')
    answer = part_of_link(page, "/steps/1/filling-in/", r"/filling-in/([0-9a-f-]{36})/")
    token = part_of_link(page, "/you/reminders/", r"/r/([^/\s]+)/")
    return {
        "journal:letter": [[letter]],
        **{f"healing:{name}": [[1, "filling-in", answer]] for name in ("answer", "answer_delete")},
        "reminders:stop": [[token]],
    }


def part_of_link(page: Page, address: str, pattern: str) -> str:
    page.goto(address)
    found = re.search(pattern, page.locator("main").inner_html())
    assert found
    return found[1]


def someone_who_forgot(page: Page, product: Product) -> Iterator[str]:
    page.goto("/accounts/password/reset/")
    page.get_by_label("Email address").fill(EMAIL)
    press(page, "Send the code")
    yield "account_confirm_password_reset_code"
    type_code(page, product, EMAIL)
    yield "account_complete_password_reset"


def someone_careful(page: Page, product: Product) -> Iterator[str]:
    """The new person, with every second factor."""
    keep_passkeys(page)
    sign_in(page, NEW)
    page.goto("/accounts/2fa/app/")
    reauthenticate(page)
    yield "mfa_activate_totp"
    press(page, "Set it up")
    yield "an app without a code"
    add_app(page)
    yield "mfa_view_recovery_codes"
    press(page, "Show them")
    yield "recovery codes"
    page.goto("/accounts/2fa/passkeys/add/")
    yield "mfa_add_webauthn"
    page.get_by_role("button", name="Make a passkey on this device").click()
    page.wait_for_url("**/accounts/2fa/")
    yield "mfa_index"
    yield from pages_behind_the_password(page)
    yield from the_doors(page)
    yield from what_is_removed(page)


def keep_passkeys(page: Page) -> None:
    """Give this browser a device that stores passkeys and verifies its user."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def add_app(page: Page) -> None:
    # Once more if the code has just expired.
    for _ in range(2):
        if not page.url.endswith("/app/"):
            break
        secret = page.locator("main .copied").inner_text().replace(" ", "")
        page.get_by_label("Code").fill(code_of(secret))
        press(page, "Set it up")
    expect(page).to_have_url(re.compile("/2fa/codes/$"))


def pages_behind_the_password(page: Page) -> Iterator[str]:
    for address in ("lock", "devices", "activity", "email"):
        page.goto(f"/accounts/{address}/")
        yield f"account_{address}"
    press(page, "Send the code")
    yield "an address with a mistake"
    page.get_by_label("New email address").fill("other@example.org")
    press(page, "Send the code")
    is_headed(page, "A mail is on its way")
    yield "a code for another address"
    page.goto("/accounts/2fa/codes/")
    yield "recovery codes that were shown"
    page.goto("/accounts/2fa/codes/new/")
    yield "mfa_generate_recovery_codes"


def the_doors(page: Page) -> Iterator[str]:
    """The pages that ask who is there, after leaving and after signing out."""
    page.request.get("/leave/", max_redirects=0)
    page.goto("/today/")
    yield "a lock that opens in three ways"
    page.goto("/accounts/2fa/reauthenticate/")
    yield "mfa_reauthenticate"
    follow(page.get_by_role("link", name="Use a passkey instead"))
    yield "mfa_reauthenticate_webauthn"
    page.context.clear_cookies()
    type_password(page, NEW)
    yield "mfa_authenticate"
    press(page, "Go on")
    yield "a second step without a code"
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/today/")


def what_is_removed(page: Page) -> Iterator[str]:
    page.goto("/accounts/2fa/app/remove/")
    reauthenticate(page)
    yield "mfa_deactivate_totp"
    press(page, "Remove it")
    follow(page.get_by_role("link", name=re.compile("^Remove")))
    yield "mfa_remove_webauthn"
    press(page, "Remove it")
    yield "no two-step sign-in any more"
    yield from erased_elsewhere(page)


def erased_elsewhere(page: Page) -> Iterator[str]:
    """Only two connections at once can lead to this page, so it is rendered here."""
    again = ReturnedForm(
        "/journal/write/them/", "", [SentField("body", "I am still here.", True)], False
    )
    body = render_to_string("account/erased.html", site(None) | {"again": again})
    with by_form_alone(page):
        begin_a_letter(page)
        page.route(
            "**/journal/write/them/",
            lambda route: route.fulfill(status=403, body=body, content_type="text/html"),
        )
        press(page, "Save")
        is_headed(page, "This account was erased a moment ago")
        yield "an account erased elsewhere"


def someone_uninvited(page: Page) -> Iterator[str]:
    """Where accounts are by invitation, and where none can be made."""
    with elsewhere(registration="invitation") as other:
        page.goto(f"{other}/join/an-old-link/")
        is_headed(page, "This invitation is over")
        yield "account_join"
        page.goto(f"{other}/accounts/signup/")
        is_headed(page, "Accounts here are by invitation")
        yield "an account without an invitation"
        page.goto(f"{other}/accounts/login/")
        yield "signing in where accounts are by invitation"
    with elsewhere(registration="closed") as other:
        page.goto(f"{other}/accounts/signup/")
        is_headed(page, "No new accounts for now")
        yield "no new accounts"
        page.goto(f"{other}/accounts/login/")
        expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_visible()
        yield "signing in where there are no new accounts"


@contextmanager
def elsewhere(*, registration: str) -> Iterator[str]:
    """A site with this setting and without a database, which none of these pages needs."""
    with pytest.MonkeyPatch.context() as patch, override_settings(REGISTRATION=registration):
        patch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", False)
        server = Site()
        yield server.url
        server.stop()


def someone_whose_key_does_not_fit(page: Page, product: Product) -> Iterator[str]:
    sign_in(page)
    letter = part_of_link(page, "/journal/?show=kept", r'href="/journal/([0-9a-f-]{36})/"')
    answer = part_of_link(page, "/steps/1/filling-in/", r"/filling-in/([0-9a-f-]{36})/")
    product.sql("UPDATE journal_letter SET sealed = '\\x00' WHERE id = %s", letter)
    product.sql("UPDATE healing_answer SET sealed = '\\x00' WHERE id = %s", answer)
    page.goto(f"/journal/{letter}/")
    is_headed(page, "We cannot open this")
    yield "a letter that cannot be opened"
    page.goto("/steps/1/filling-in/")
    yield "an answer that cannot be opened"


@pytest.fixture(scope="module")
def demo(product: Product) -> None:
    product.manage("make_demo")


@pytest.fixture(scope="module")
def audit(product: Product, demo: None, browser: Browser, module_context: NewContext) -> Audit:
    """Several people walk through all pages, one after another."""
    audit = Audit()
    for person in (
        visitor,
        someone_new,
        someone_with_words,
        someone_who_forgot,
        someone_careful,
        someone_whose_key_does_not_fit,
    ):
        context = module_context()
        page = context.new_page()
        audit.walk(page, person(page, product))
        context.close()
    page = browser.new_page(**STILL)
    audit.walk(page, someone_uninvited(page))
    page.close()
    return audit


def test_every_page_was_looked_at(audit: Audit) -> None:
    assert PAGES.keys() - audit.seen == set()


def test_pages_put_up_no_barrier(audit: Audit) -> None:
    assert audit.barriers == []


def test_pages_fit_a_narrow_window_and_large_letters(audit: Audit) -> None:
    assert audit.wider == []


def test_leaving_is_whole_in_short_windows_and_nothing_collides(audit: Audit) -> None:
    assert audit.out_of_place == []


def weigh(page: Page, address: str) -> Counter[str]:
    """Each file that this page loads, with its bytes as transferred.

    Without headers: behind a proxy they are compressed too, to almost nothing after the first.
    """
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    asked: dict[str, str] = {}
    sizes: Counter[str] = Counter()
    devtools.on(
        "Network.requestWillBeSent",
        lambda sent: asked.update({sent["requestId"]: sent["request"]["url"]}),
    )
    devtools.on(
        "Network.dataReceived",
        lambda part: sizes.update({asked[part["requestId"]]: int(part["encodedDataLength"])}),
    )
    page.goto(address, wait_until="networkidle")
    return sizes


def test_first_visit_is_light(product: Product, new_context: NewContext) -> None:
    """At most 60 kB with the font, in at most five requests of ours besides the font.

    What counts: the page, its two stylesheets, its script, and the icon. A browser fetches the
    icon when all else is done, and some without a window never do: then it is added by hand.
    """
    page = new_context().new_page()

    sizes = weigh(page, "/")

    icon = str(page.locator("link[rel=icon]").get_attribute("href"))
    if not any(url.endswith(icon) for url in sizes):
        sizes[icon] = len(page.request.get(icon).body())
    fonts = [url for url in sizes if url.endswith(".woff2")]
    assert len(fonts) == 1
    assert len(sizes) - len(fonts) <= 5
    assert 45_000 < sizes.total() <= 60_000
    # `./dev bench` counts them without a browser.
    measured = page_weight.first_visit(urlsplit(product.url).port or 80)
    assert measured["first_visit_files"] == len(sizes) - len(fonts)


def test_later_pages_are_light(product: Product, demo: None, new_context: NewContext) -> None:
    """At most 6 kB of HTML, as transferred, and no file again that an earlier page has fetched."""
    page = new_context().new_page()
    sign_in(page)
    page.goto("/journal/?show=kept")
    letter = page.locator("main .letters a").first.get_attribute("href")

    cookies = {each["name"]: each["value"] for each in page.context.cookies()}
    addresses = [
        "/today/",
        *(f"/steps/{number}/" for number in guide().steps),
        "/steps/1/filling-in/",
        "/steps/1/signs/",
        "/where/",
        "/pause/",
        "/journal/",
        str(letter),
        "/help/",
        *(f"/learn/{slug}/" for slug in guide().readings),
    ]
    port = urlsplit(product.url).port or 80

    for address in addresses:
        head, body = page_weight.fetch(port, address, cookies)
        assert (" 200 ok" in head, "content-encoding: gzip" in head) == (True, True), address
        assert len(body) <= 6_000, address
    measured = page_weight.later_pages(port, addresses, cookies)
    assert (measured["later_page_files"], measured["other_sites"]) == (1, 0)


# A part of the focused element is visible, and it has an outline (WCAG 2.4.7, 2.4.11).
IN_SIGHT = """
() => {
  const at = document.activeElement;
  const box = at.getClientRects()[0];
  const parts = [0.1, 0.5, 0.9];
  const seen = parts.some((x) => parts.some((y) => at.contains(
    document.elementFromPoint(box.x + box.width * x, box.y + box.height * y))));
  return seen && getComputedStyle(at).outlineStyle !== "none";
}
"""
FOCUSED = "() => document.activeElement.outerHTML"


def tab_to(page: Page, what: str) -> None:
    """Press Tab until an element of this name has focus. On the way, focus is always visible."""
    named = (
        page.get_by_label(what)
        .or_(page.get_by_role("link", name=what))
        .or_(page.get_by_role("button", name=what))
        .locator("visible=true")
        .element_handles()
    )
    for _ in range(60):
        page.keyboard.press("Tab")
        assert page.evaluate(IN_SIGHT), page.evaluate(FOCUSED)
        if page.evaluate("(all) => all.includes(document.activeElement)", named):
            return
    raise AssertionError(f"Tab does not lead to {what}")


@pytest.mark.parametrize("width", [320, 1280])
def test_a_letter_is_kept_by_keyboard_alone(
    product: Product, demo: None, new_context: NewContext, width: int
) -> None:
    page = new_context(viewport={"width": width, "height": 640}).new_page()
    keys = page.keyboard
    page.goto("/")
    keys.press("Tab")
    assert page.evaluate(IN_SIGHT)
    expect(page.locator(":focus")).to_have_attribute("href", "#main")
    keys.press("Tab")
    expect(page.locator(":focus")).to_have_attribute("href", "/leave/")

    tab_to(page, "Sign in")
    keys.press("Enter")
    page.wait_for_url("**/accounts/login/")
    tab_to(page, "Email")
    keys.type(EMAIL)
    tab_to(page, "Password")
    keys.type(PASSWORD)
    keys.press("Enter")
    page.wait_for_url("**/today/")
    tab_to(page, "Write it down")
    keys.press("Enter")
    page.wait_for_url("**/journal/write/")
    tab_to(page, "To them")
    keys.press("Enter")
    page.wait_for_url("**/journal/write/them/")
    tab_to(page, "Dear")
    keys.type("the sea")
    tab_to(page, "What would you say")
    keys.type("You were loud tonight.")
    keys.press("Enter")
    keys.type("I slept all the same.")
    tab_to(page, "That’s enough for today")
    keys.press("Enter")
    page.wait_for_url("**/close/")
    tab_to(page, "One thing for the next hour")
    keys.type("The window")
    tab_to(page, "Keep")
    keys.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Dear the sea")
    expect(page.locator("article .written")).to_have_text(
        "You were loud tonight.\nI slept all the same.", use_inner_text=True
    )


@pytest.mark.parametrize("address", ["/", "/steps/1/", "/steps/1/filling-in/", "/help/gb/"])
def test_focus_is_never_hidden_behind_the_bars(
    product: Product, new_context: NewContext, address: str
) -> None:
    page = new_context(viewport={"width": 390, "height": 640}).new_page()
    page.goto(address)
    tab_through(page)


def test_focus_is_seen_where_others_are_kept_out(
    product: Product, demo: None, new_context: NewContext
) -> None:
    page = new_context(viewport={"width": 390, "height": 640}).new_page()
    sign_in(page)
    page.goto("/accounts/2fa/app/")
    reauthenticate(page)
    is_headed(page, "Set up an app")
    tab_through(page)
    page.goto("/accounts/devices/")
    is_headed(page, "Where you are signed in")
    tab_through(page)


def tab_through(page: Page) -> None:
    stops = page.locator("a, button, input, textarea, summary").locator("visible=true").count()

    for _ in range(stops):
        page.keyboard.press("Tab")
        assert page.evaluate(IN_SIGHT), page.evaluate(FOCUSED)
