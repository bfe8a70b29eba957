"""Browsers that refuse what scripts ask for, as Firefox does where cookies are blocked: leaving
works, and no page breaks."""

import re
from datetime import datetime

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from accounts.models import User
from tests.support.browser import NewPage, follow
from tests.support.client import Client
from tests.support.letters import a_draft, a_letter
from tests.support.live_site import NEUTRAL, Site

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# The help pages are written to files, and lead to the neutral page of another site.
LEFT = re.compile(f"^(ok|{re.escape(NEUTRAL)})$")
REFUSE = 'throw new DOMException("", "SecurityError");'


def refused(owner: str, name: str) -> str:
    """A property that throws when it is read or written."""
    whole = f"get() {{ {REFUSE} }}, set() {{ {REFUSE} }}"
    return f'Object.defineProperty({owner}, "{name}", {{ {whole} }});'


BROKEN = {
    "channels": f"window.BroadcastChannel = class {{ constructor() {{ {REFUSE} }} }};",
    "database": refused("window", "indexedDB"),
    "local storage": refused("window", "localStorage"),
    "session storage": refused("window", "sessionStorage"),
    "encryption": refused("Crypto.prototype", "subtle"),
    "cookies": refused("Document.prototype", "cookie"),
    "history": f"History.prototype.replaceState = () => {{ {REFUSE} }};",
    "media queries": f"window.matchMedia = () => {{ {REFUSE} }};",
    "workers": refused("Navigator.prototype", "serviceWorker"),
    "passkeys": refused("Navigator.prototype", "credentials"),
}
MISSING = "for (const name of ['BroadcastChannel', 'indexedDB']) delete window[name];"
EVERYTHING = "\n".join(BROKEN.values())

OPEN = ["/", "/learn/", "/learn/signs/", "/steps/", "/steps/1/", "/steps/2/hoping/", "/help/"]
OPEN += ["/help/gb/", "/safety/", "/accounts/login/", "/accounts/signup/", "/nowhere/"]
OURS = ["/today/", "/steps/2/hoping/", "/journal/", "/journal/write/", "/journal/write/them/"]
OURS += ["/progress/", "/you/", "/you/reminders/", "/you/privacy/", "/accounts/", "/safety/"]
OURS += ["/accounts/logout/", "/accounts/first/", "/journal/write/them/lines/", "/help/"]
# Pages which have all scripts of ours between them.
ALL_SCRIPTS = ["/steps/2/hoping/", "/accounts/logout/", "/safety/", "/journal/write/them/"]


@pytest.fixture(autouse=True)
def near(site: Site, settings: Settings) -> None:
    """Leave to a word of our own: for every page of another site Chromium starts a process, which
    takes longer than all else here."""
    settings.LEAVE_URL = f"{site.url}/healthz"


def broken_page(page: Page, script: str) -> list[str]:
    """Break this page. Returns the list of its errors from now on."""
    errors: list[str] = []
    page.add_init_script(script)
    page.on("pageerror", lambda error: errors.append(f"{page.url}: {error}"))
    # Otherwise each page would have to be unlocked. A route would keep files out of the cache.
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.send("Network.setBlockedURLs", {"urls": ["*/leave/"]})
    return errors


def leave_by_shift(page: Page, broken: str = "everything") -> None:
    assert "reauthenticate" not in page.url, broken
    for _ in range(3):
        page.keyboard.press("Shift")
    has_left(page, broken)


def has_left(page: Page, broken: str) -> None:
    expect(page.locator("body"), f"without {broken}").to_have_text(LEFT)
    page.context.clear_cookies(name="left")


def test_every_page_can_be_left_where_everything_is_refused(
    new_page: NewPage, site: Site, as_alice: Client, alice: User, now: datetime
) -> None:
    letter, draft = a_letter(alice, now=now), a_draft(alice, "first", now=now)
    letters = [
        f"/journal/{letter.pk}/",
        f"/journal/{draft.pk}/edit/",
        f"/journal/{draft.pk}/close/",
    ]
    for page, addresses in ((new_page(), OPEN), (new_page(as_alice), [*OURS, *letters])):
        errors = broken_page(page, EVERYTHING)
        for address in addresses:
            page.goto(address)
            leave_by_shift(page)
        assert errors == []


def test_no_single_refusal_breaks_a_page_with_scripts(
    new_page: NewPage, site: Site, as_alice: Client
) -> None:
    """One refusal after another, in the same tab."""
    page = new_page(as_alice)
    errors = broken_page(page, "")
    devtools = page.context.new_cdp_session(page)
    devtools.send("Page.enable")

    for name, script in (BROKEN | {"missing": MISSING}).items():
        added = devtools.send("Page.addScriptToEvaluateOnNewDocument", {"source": script})
        for address in ALL_SCRIPTS:
            page.goto(address)
            leave_by_shift(page, name)
        page.goto("/journal/write/them/")
        follow(page.locator("header .mark"))
        assert page.url.endswith("/today/"), name
        page.get_by_role("link", name="Leave now").click()
        has_left(page, name)
        assert errors == [], name
        devtools.send("Page.removeScriptToEvaluateOnNewDocument", added)


def test_words_are_saved_where_everything_is_refused(
    new_page: NewPage, site: Site, as_alice: Client
) -> None:
    page = new_page(as_alice)
    errors = broken_page(page, EVERYTHING)
    page.goto("/journal/write/them/")
    page.locator("main textarea").fill("one line")
    expect(page.locator("[data-desk]")).to_contain_text("Saved at")

    page.goto("/accounts/logout/")
    follow(page.locator("main").get_by_role("button", name="Sign out"))

    expect(page.get_by_text("You are signed out.")).to_be_visible()
    expect(page.get_by_text("Unsaved words may still be in this browser")).to_be_visible()
    assert errors == []
