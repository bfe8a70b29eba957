"""Fixtures: browsers, started once in each process of the suite, and the site that they visit."""

from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import override_settings
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    Playwright,
    Route,
    expect,
    sync_playwright,
)
from pytest_django import Settings

from safety import help_pages
from tests.support.chromium import launch, launch_shell
from tests.support.client import Client
from tests.support.live_site import Gate, NeutralPage, Site
from tests.support.waiting import PATIENCE

expect.set_options(timeout=PATIENCE * 1000)

# With motion, the boat that bobs has each open page drawn all the time, also while a test waits: a
# quarter of a core for each. tests/look/test_geometry.py looks at pages that move.
STILL: dict[str, Any] = {"reduced_motion": "reduce"}

NewContext = Callable[..., BrowserContext]
NewPage = Callable[..., Page]


def follow(locator: Locator) -> None:
    """Click, and wait until the page that this leads to has loaded.

    Playwright does not wait for a navigation that a click begins, and `wait_for_load_state` returns
    at once for the page that is still open.
    """
    with locator.page.expect_event("load"):
        locator.click()


def hold(page: Page, address: str) -> Callable[[], None]:
    """Hold this script of the page back, until the function that this returns is called.

    The page does not finish loading meanwhile: open it with `wait_until="commit"`.
    """
    # Scripts that an earlier page loaded would come from memory.
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    held: list[Route] = []
    is_released = False

    def pass_or_hold(route: Route) -> None:
        if is_released:
            route.continue_()
        else:
            held.append(route)

    def release() -> None:
        nonlocal is_released
        is_released = True
        if not held:
            page.wait_for_event("request", lambda request: fnmatch(request.url, address))
        for route in held:
            route.continue_()

    page.route(address, pass_or_hold)
    return release


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright leaves an event loop in this thread, beside which Django refuses its database.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = launch_shell(playwright)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def caching_browser(playwright: Playwright) -> Iterator[Browser]:
    """A browser that restores pages from memory, as people have it."""
    browser = launch(playwright)
    yield browser
    browser.close()


@pytest.fixture
def new_context(request: pytest.FixtureRequest, playwright: Playwright) -> Iterator[NewContext]:
    """Open a browser context, as for another person or device. It is closed after the test.

    Playwright's event loop hides connections that were opened before it from Django: naming
    `playwright` here starts it before any test opens its transaction.
    """
    is_caching = request.node.get_closest_marker("back_forward_cache")
    browser = request.getfixturevalue("caching_browser" if is_caching else "browser")
    contexts: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(**STILL | options)
        context.set_default_timeout(PATIENCE * 1000)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def neutral_url() -> Iterator[str]:
    """The address of the neutral page: another site, on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), NeutralPage)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def help_pages_folder(neutral_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rendered help pages, which link to the neutral page of this suite."""
    folder = tmp_path_factory.mktemp("pages")
    with override_settings(LEAVE_URL=neutral_url, PAGES_ROOT=folder):
        for address in help_pages.paths():
            help_pages.write(address)
    return folder


@pytest.fixture
def site(
    transactional_db: None, neutral_url: str, help_pages_folder: Path, settings: Settings
) -> Iterator[Site]:
    """The application on a port, in front of the test's own database."""
    settings.LEAVE_URL = neutral_url
    settings.PAGES_ROOT = help_pages_folder
    site = Site()
    NeutralPage.gate = Gate()
    yield site
    site.request_gate.open()
    site.response_gate.open()
    NeutralPage.gate.open()
    site.stop()


@pytest.fixture
def new_page(site: Site, new_context: NewContext) -> NewPage:
    """Open a page in a context of its own, signed in like `client` if that is given."""

    def make(client: Client | None = None, *, scripts: bool = True) -> Page:
        context = new_context(java_script_enabled=scripts, base_url=site.url)
        if client is not None:
            name = django_settings.SESSION_COOKIE_NAME
            value = client.cookies[name].value
            context.add_cookies([{"name": name, "value": value, "url": site.url, "httpOnly": True}])
        return context.new_page()

    return make
