"""A tab of any engine: what people do in it, and what it shows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from allauth.account.models import EmailAddress
from django.conf import settings
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from accounts.models import User
from tests.support.client import PASSWORD, Client
from tests.support.firefox import Firefox
from tests.support.live_site import NEUTRAL, Site
from tests.support.waiting import PATIENCE
from tests.support.webkit import WebKit

Driver = Firefox | WebKit

NEW = "/journal/write/them/"
PAPER = "textarea[name=body]"
# The desk shows its sign that the words are saved.
IS_SAVED = "return !document.querySelector('[data-desk-kept]').hidden"
IS_ON_PAPER = "return document.querySelector('textarea[name=body]')?.value === arguments[0]"
# The bar at the bottom would take a click meant for what is below it.
CENTRE = "arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })"
PASTE = """
const [paper, words] = arguments;
paper.value += words;
paper.dispatchEvent(new Event("input", { bubbles: true }));
"""
HAS_LOADED = "return window.nameInTests !== arguments[0] && document.readyState === 'complete'"
# How many encrypted copies of unsaved words the site has left in this browser.
COPIES = """
const done = arguments[0];
const request = indexedDB.open("desk");
// Opening a database that does not exist would create it.
request.onupgradeneeded = () => request.transaction.abort();
request.onerror = (event) => {
  event.preventDefault();
  done(0);
};
request.onsuccess = ({ target: { result: database } }) => {
  database.transaction("copies").objectStore("copies").count().onsuccess = ({ target }) => {
    database.close();
    done(target.result);
  };
};
"""


class Tab:
    def __init__(self, driver: Driver, site: Site) -> None:
        self.driver, self.site = driver, site
        self._handle = driver.current_window_handle
        # While a page is being replaced, an engine may refuse to look at it.
        self._wait = WebDriverWait(driver, PATIENCE, 0.03, [WebDriverException])

    def another(self) -> "Tab":
        self.driver.switch_to.new_window("tab")
        return Tab(self.driver, self.site)

    def close_others(self) -> None:
        for handle in self.driver.window_handles:
            if handle != self._handle:
                self.driver.switch_to.window(handle)
                self.driver.close()
        self.focus()

    def focus(self) -> None:
        self.driver.switch_to.window(self._handle)

    def open(self, path: str) -> None:
        with self._another_page():
            self.driver.get(self.site.url + path)

    @property
    def path(self) -> str:
        return urlsplit(self.driver.current_url).path

    def find(self, css: str) -> WebElement:
        """Wait for it."""
        found: WebElement = self._wait.until(
            lambda driver: driver.find_element(By.CSS_SELECTOR, css), css
        )
        return found

    def until(self, script: str, *args: Any) -> Any:
        """Wait until the body of a function returns something true, and return that."""
        return self._wait.until(lambda driver: driver.execute_script(script, *args), script)

    def reload(self) -> None:
        with self._another_page():
            self.driver.refresh()

    def back(self) -> None:
        with self._another_page():
            self.driver.execute_script("history.back()")

    @contextmanager
    def _another_page(self) -> Iterator[None]:
        """Wait until another page has loaded. The drivers do not agree on what they wait for."""
        name = uuid4().hex
        self.driver.execute_script("window.nameInTests = arguments[0]", name)
        yield
        self.until(HAS_LOADED, name)

    def wait_for_path(self, pattern: str) -> None:
        self.until("return RegExp(arguments[0]).test(location.pathname)", f"^{pattern}$")

    def wait_for_neutral_page(self) -> None:
        self.until("return document.body?.textContent === arguments[0]", NEUTRAL)

    def click(self, css: str) -> None:
        element = self.find(css)
        self.driver.execute_script(CENTRE, element)
        element.click()

    def follow(self, css: str) -> None:
        """Click, and wait for the page that this leads to."""
        with self._another_page():
            self.click(css)

    def type(self, css: str, text: str) -> None:
        # WebKit's driver types no line feed.
        self.find(css).send_keys(text.replace("\n", Keys.ENTER))

    def value(self, css: str = PAPER) -> str:
        value: str = self.find(css).get_property("value")
        return value

    def words(self) -> str:
        """All that can be read on the page, in its fields too."""
        return str(
            self.driver.execute_script(
                "const fields = [...document.querySelectorAll('input, textarea')];"
                "return [document.body.textContent, ...fields.map(({ value }) => value)].join(' ');"
            )
        )

    def copies(self) -> int:
        return int(self.driver.execute_async_script(COPIES))

    def wait_for_copies(self, count: int) -> None:
        self._wait.until(lambda _: self.copies() == count, f"{count} copies on the device")

    # --- What people do --------------------------------------------------------------------

    def sign_in(self, client: Client) -> None:
        name = settings.SESSION_COOKIE_NAME
        self.driver.add_cookie({"name": name, "value": client.cookies[name].value, "path": "/"})

    def sign_in_with_password(self, person: User, onward: str) -> None:
        """Sign in on the pages for it, for the first time."""
        EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
        self.open(f"/accounts/login/?next={onward}")
        self.type("input[name=login]", person.email)
        self.give_password()
        self.follow("main form button")

    def give_password(self) -> None:
        self.type("main input[type=password]", PASSWORD)
        self.follow("main form button")

    def sit_down(self, address: str = NEW) -> None:
        """Open the desk, and wait until its script has started."""
        self.open(address)
        self.until("return history.state?.paper")

    def paste(self, words: str) -> None:
        """Add words to the paper in one change, and wait until the device has its copy of them."""
        self.driver.execute_script(PASTE, self.find(PAPER), words)
        self.wait_for_copies(1)

    def write_and_wait(self, words: str) -> None:
        """Write, and wait until the words are saved."""
        self.type(PAPER, words)
        self.until(IS_SAVED)

    def leave_by_click(self) -> None:
        self.click("a.leave")
        self.wait_for_neutral_page()

    def leave_by_shift(self) -> None:
        keys = ActionChains(self.driver)
        for _ in range(3):
            keys.key_down(Keys.SHIFT).key_up(Keys.SHIFT)
        keys.perform()
        self.wait_for_neutral_page()
