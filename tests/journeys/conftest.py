"""The whole product, started by its own door, and a real browser in front of it."""

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from local.folder import HOME, ROOT, RUN, LocalFolder
from local.stack import settings_names
from mail.dev_inbox.mailbox import CaughtMail, newest
from tests.support.chromium import launch
from tests.support.gunicorn_server import cookie as cookie
from tests.support.gunicorn_server import server as server

READY = "Ready: "
START_SECONDS = 120


@dataclass(frozen=True)
class Product:
    """`./dev run`, ready: its address, its folder, and the environment that reaches its servers."""

    url: str
    place: LocalFolder
    environment: dict[str, str]

    def manage(self, *arguments: str) -> str:
        """What `./dev manage …` prints beside the running product."""
        done = subprocess.run(
            [sys.executable, "-m", "local", "manage", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout

    def sql(self, statement: str, *parameters: object) -> None:
        """Moves a clock that lies in a row. Nothing else in the journeys goes past the pages."""
        state = self.place.read_state()
        assert state
        with psycopg.connect(state.environment["DATABASE_URL"]) as connection:
            connection.execute(statement, parameters)

    def mail_to(self, address: str, subject: str, *, seconds: float = 100) -> CaughtMail:
        """The newest mail of this subject to this address, once the worker has really sent it."""
        folder = self.place.path / "mail"
        return _wait_for(
            lambda: next(
                (
                    caught
                    for caught in newest(folder)
                    if caught.mail["To"] == address and caught.mail["Subject"] == subject
                ),
                None,
            ),
            seconds=seconds,
        )


def _wait_for(find: Callable[[], CaughtMail | None], *, seconds: float) -> CaughtMail:
    tick = threading.Event()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := find():
            return found
        tick.wait(0.1)
    raise AssertionError(f"no such mail within {seconds} seconds")


@pytest.fixture(scope="package")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Started as a person would, in a folder with a space in its name, with nothing set."""
    place = LocalFolder(tmp_path_factory.mktemp("a home") / "local folder")
    ours = settings_names() | {HOME, RUN}
    environment = {
        name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in ours
    } | {HOME: str(place.path), "PORT": "0", "DOTENV": os.devnull}
    launcher = subprocess.Popen(
        [sys.executable, "-m", "local", "run"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield Product(_address(launcher), place, environment)
    finally:
        launcher.terminate()
        said, _ = launcher.communicate(timeout=90)
    assert launcher.returncode == 0, said


def _address(launcher: "subprocess.Popen[str]") -> str:
    """The address it prints when it is ready; what it said instead when it ends before."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        assert launcher.stdout
        for line in iter(launcher.stdout.readline, ""):
            lines.put(line)
            if line.startswith(READY):
                return
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    said = []
    while (line := lines.get(timeout=START_SECONDS)) is not None:
        said.append(line)
        if line.startswith(READY):
            return line.removeprefix(READY).strip().rstrip("/")
    raise AssertionError("".join(said))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


NewContext = Callable[..., BrowserContext]


@pytest.fixture
def new_context(browser: Browser, product: Product) -> Iterator[NewContext]:
    """A browser of its own for each person. Any script error or policy violation is collected."""
    with _contexts(browser, product) as make:
        yield make


@pytest.fixture(scope="module")
def new_context_of_module(browser: Browser, product: Product) -> Iterator[NewContext]:
    with _contexts(browser, product) as make:
        yield make


@contextmanager
def _contexts(browser: Browser, product: Product) -> Iterator[NewContext]:
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(base_url=product.url, **options)
        context.on("page", lambda page: _listen(page, wrong, product.url))
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert wrong == []


def _listen(page: Page, wrong: list[str], url: str) -> None:
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console",
        lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None,
    )
    page.on(
        "request",
        lambda request: None if request.url.startswith(url) else wrong.append(request.url),
    )
