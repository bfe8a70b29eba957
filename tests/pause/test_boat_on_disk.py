"""What is typed on the boat’s page is nowhere in the profile that the browser keeps on the disk.

Browsers write plain fields into their session files within seconds, under `no-store` too. So in
each browser a plain field on the same page must be found first: the search can fail, and the
session was written after the boat’s words.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright

from local.firefox_and_webkit import FIREFOX, MISSING
from tests.support.browser import STILL
from tests.support.chromium import running_chromium
from tests.support.firefox import running_firefox
from tests.support.live_site import Site
from tests.support.profile_search import MOZ_LZ4, files_with
from tests.support.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

# Letters without a pattern: no compression takes them apart.
CANARY = "vqzjxkwbhpfm"
LETTER = " ".join(["words", "that", "nobody", CANARY, "gets"] * 1000)
PLAIN = ["wkqzvjhxtb", "jzhqvwxkpd", "xvkzqhjwgs", "qhzwxvjkfm"]

FIELD = "document.querySelector('[data-boat-field]')"
TYPE = f"{FIELD}.focus(); document.execCommand('insertText', false, arguments[0]);"
# A field as any page has it, on this one.
TYPE_PLAIN = """
const plain = document.querySelector("#plain") ?? document.createElement("textarea");
plain.id = "plain";
document.querySelector("main").append(plain);
plain.focus();
plain.select();
document.execCommand("insertText", false, arguments[0]);
"""
FOLD = "document.querySelector('[data-boat-fold]').click();"
IS_GONE = "return document.activeElement.textContent === 'It is gone';"
IS_READY = f"return document.readyState === 'complete' && {FIELD} !== null"
FONTS = "return document.fonts.ready.then(() => true);"
# What the page may have stored in the browser, counted.
STORED = """
return Promise.all([indexedDB.databases(), caches.keys()]).then(([databases, stores]) => [
  localStorage.length, sessionStorage.length, databases.length, stores.length,
  Number(history.state !== null), document.cookie.length,
]);
"""


@dataclass(frozen=True)
class Tab:
    go: Callable[[str], object]
    reload: Callable[[], object]
    back: Callable[[], object]
    run: Callable[..., Any]

    def open_boat(self, site: Site) -> None:
        self.go(f"{site.url}/boat/")
        self.wait_for(IS_READY)

    def wait_for(self, script: str) -> None:
        wait_for(lambda: self.run(script), script)


@contextmanager
def in_chromium(profile: Path, request: pytest.FixtureRequest) -> Iterator[Tab]:
    playwright: Playwright = request.getfixturevalue("playwright")
    with running_chromium(playwright, profile, **STILL) as page:

        def run(script: str, *given: Any) -> Any:
            return page.evaluate(f"(given) => (function () {{ {script} }})(...given)", given)

        yield Tab(page.goto, page.reload, page.go_back, run)


@contextmanager
def in_firefox(profile: Path, request: pytest.FixtureRequest) -> Iterator[Tab]:
    if FIREFOX in os.environ.get(MISSING, "").split():
        pytest.skip("NOT RUN: there is no Firefox here")
    # Its driver turns the first off, and by default it writes every 15 seconds.
    often = {"browser.sessionstore.resume_from_crash": True, "browser.sessionstore.interval": 100}
    with running_firefox(profile, often) as firefox:
        yield Tab(firefox.get, firefox.refresh, firefox.back, firefox.execute_script)


def test_search_reads_what_is_compressed(tmp_path: Path) -> None:
    # Four bytes as they are, eight copied from four back, one more byte.
    block = b"\x44boat\x04\x00\x10!"
    (tmp_path / "session.jsonlz4").write_bytes(MOZ_LZ4 + (13).to_bytes(4, "little") + block)
    (tmp_path / "plain").write_bytes("boat".encode("utf-16-le"))

    assert files_with("boatboatboat!", tmp_path) == ["session.jsonlz4"]
    assert files_with("boat", tmp_path) == ["plain", "session.jsonlz4"]


@pytest.mark.parametrize(
    "browser",
    [
        pytest.param(in_chromium, marks=pytest.mark.browser, id="Chromium"),
        pytest.param(in_firefox, marks=pytest.mark.engines, id="Firefox"),
    ],
)
def test_words_of_the_boat_are_nowhere_on_the_disk(
    browser: Callable[..., Any], site: Site, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    def writes(words: str) -> None:
        """Type into a plain field, and wait until the browser has written it to the disk."""
        tab.run(TYPE_PLAIN, words)
        wait_for(lambda: files_with(words, tmp_path), "the session on the disk", every=0.3)

    with browser(tmp_path, request) as tab:
        tab.open_boat(site)
        tab.run(FONTS)
        asked_before = site.handled.qsize()

        # Few words first: Chromium leaves out a page whose fields hold very many.
        tab.run(TYPE, CANARY)
        writes(PLAIN[0])
        assert files_with(CANARY, tmp_path) == []

        tab.run(TYPE, f" {LETTER}")
        assert tab.run(f"return {FIELD}.value.split(' ').length") == 5001
        writes(PLAIN[1])
        assert files_with(CANARY, tmp_path) == []

        tab.run(FOLD)
        tab.wait_for(IS_GONE)
        writes(PLAIN[2])
        assert files_with(CANARY, tmp_path) == []
        assert tab.run(STORED) == [0, 0, 0, 0, 0, 0]
        assert site.handled.qsize() == asked_before

        tab.reload()
        tab.wait_for(IS_READY)
        tab.run(TYPE, LETTER)
        tab.reload()
        tab.wait_for(f"{IS_READY} && {FIELD}.value === ''")
        tab.run(TYPE, LETTER)
        tab.go(f"{site.url}/help/")
        tab.back()
        tab.wait_for(f"{IS_READY} && {FIELD}.value === ''")
        tab.run(TYPE, LETTER)
        writes(PLAIN[3])
        assert files_with(CANARY, tmp_path) == []

    assert files_with(PLAIN[3], tmp_path) != []
    assert files_with(CANARY, tmp_path) == []
