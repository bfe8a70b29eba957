import os
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from django.conf import settings
from django.test import override_settings
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pytest_django import Settings

from safety import help_pages
from tests.conftest import Client
from tests.support.chromium import launch
from tests.support.site_in_chromium import Gate, NewPage, Site, Weather


@pytest.fixture
def visitor() -> Client:
    """Somebody without an account. Without the `db` fixture, any statement fails the test."""
    return Client(raise_request_exception=False)


@pytest.fixture(scope="module")
def weather() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Weather)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright keeps an event loop in this thread; Django would refuse its database for that.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = launch(
            playwright,
            # Pages held for Back are what leaving is about.
            ignore_default_args=["--disable-back-forward-cache"],
        )
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="module")
def stored(weather: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The help pages, with the way out that is to be had here."""
    folder = tmp_path_factory.mktemp("pages")
    with override_settings(LEAVE_URL=weather, PAGES_ROOT=folder):
        for address in help_pages.paths():
            help_pages.write(address)
    return folder


@pytest.fixture
def server(
    transactional_db: None, weather: str, stored: Path, settings: Settings
) -> Iterator[Site]:
    settings.LEAVE_URL = weather
    settings.PAGES_ROOT = stored
    server = Site()
    Weather.gate = Gate()
    yield server
    server.gate.open()
    server.way_back.open()
    Weather.gate.open()
    server.stop()


@pytest.fixture
def site(server: Site) -> str:
    return server.url


@pytest.fixture
def new_page(browser: Browser, site: str) -> Iterator[NewPage]:
    """A page, signed in with a client's cookie if one is given."""
    contexts: list[BrowserContext] = []

    def make(client: Client | None = None, *, scripts: bool = True) -> Page:
        context = browser.new_context(java_script_enabled=scripts, base_url=site)
        contexts.append(context)
        if client is not None:
            name = settings.SESSION_COOKIE_NAME
            value = client.cookies[name].value
            context.add_cookies([{"name": name, "value": value, "url": site, "httpOnly": True}])
        return context.new_page()

    yield make
    for context in contexts:
        context.close()
