"""What tests of the desk do on its page, and how they look at what is stored on the device."""

import re
from collections.abc import Callable
from datetime import datetime

from allauth.account.models import EmailAddress
from playwright.sync_api import Locator, Page, Request, Route, expect

from accounts.models import User
from tests.support.client import PASSWORD

# Several scripts, and what is easily lost: lines at either end, tabs, characters beyond the first
# plane, characters made of several, and a change of writing direction.
WORDS = (
    "\n  I kept the ticket from Øskarshavn.\t— Ärlig\n\n"
    "雪が降る 👩\u200d👧 e\u0301 שלום <b>&amp;\u00a0\n"
)
MORE = f"{WORDS}And one line more, gläserne Brücke.\n"
NEW = "/journal/write/them/"
SAVE = "**/autosave/"
SCRIPT = "**/js/desk/main.*"
KEPT = re.compile(r"Saved at \d")
EDIT_OF = "/journal/%s/edit/"
EDITING = re.compile(r"/journal/[0-9a-f-]{36}/edit/(\?since=\d+)?$")

Desk = Callable[..., Page]


def other_tab(page: Page, address: str = NEW) -> Page:
    """Open another tab of the same browser."""
    other = page.context.new_page()
    other.goto(address)
    return other


# --- The page ------------------------------------------------------------------------------


def paper(page: Page) -> Locator:
    return page.locator("main textarea")


def status(page: Page) -> Locator:
    return page.locator("[data-desk]")


def version(page: Page) -> Locator:
    """The newest version of the letter that the page knows of."""
    return page.locator("main form [name=version]")


def button(page: Page, name: str) -> Locator:
    return page.locator("main").get_by_role("button", name=name)


def write(page: Page, words: str = WORDS) -> None:
    paper(page).fill(words)


def write_and_wait(page: Page, words: str = WORDS) -> int:
    """Write, and wait for the response of the autosave. Return its status."""
    with page.expect_response(SAVE) as response:
        write(page, words)
    return response.value.status


def write_unsaved(page: Page, words: str = WORDS) -> None:
    """Write where no autosave succeeds, and wait until the page says so."""
    write(page, words)
    expect(status(page)).to_contain_text("on this device, encrypted")


# Typing a long text would take the browser longer than the desk.
PASTE = """
(paper, words) => {
  paper.value = words;
  paper.dispatchEvent(new Event("input", { bubbles: true }));
}
"""


def dispatch(page: Page, event: str) -> None:
    """Dispatch a window event that a browser without windows does not have of itself."""
    page.evaluate("(name) => dispatchEvent(new Event(name))", event)


def wait_for_script(page: Page) -> None:
    """Wait until the desk's script has started."""
    page.wait_for_function("() => history.state?.paper")


# --- Requests ------------------------------------------------------------------------------


def autosaves(page: Page) -> list[Request]:
    """A list to which every autosave is added that the page sends from now on."""
    sent: list[Request] = []
    page.on("request", lambda each: sent.append(each) if "/autosave/" in each.url else None)
    return sent


def lose_response(route: Route) -> None:
    """The request arrives, and its response does not."""
    route.fetch()
    route.abort()


def refuse_autosaves(page: Page) -> None:
    """No autosave reaches the server, until `page.unroute(SAVE)`."""
    page.route(SAVE, lambda route: route.abort())


# Note of each request whether it is to outlive the page.
RECORD_KEEPALIVE = """
() => {
  window.keepalive = [];
  const send = window.fetch;
  window.fetch = (address, options) => {
    window.keepalive.push(options.keepalive);
    return send(address, options);
  };
}
"""


# --- Access --------------------------------------------------------------------------------


def sign_in(page: Page, person: User, now: datetime) -> None:
    """On the sign-in page, as a person with a verified address who has been here before."""
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    person.shown_safety_at = now
    person.save(update_fields=["shown_safety_at"])
    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    button(page, "Sign in").first.click()


def unlock(page: Page) -> None:
    page.get_by_label("Password").fill(PASSWORD)
    button(page, "Unlock").first.click()


def lock(page: Page) -> None:
    """Lock the session, as leaving in another tab does."""
    page.context.request.get("/leave/", max_redirects=0)
