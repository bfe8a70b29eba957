"""A small page for the desk's modules: no Django, and answers that the test chooses."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, Route

MODULES = Path(settings.BASE_DIR) / "static" / "js" / "desk"
# Browsers encrypt on https and on localhost only. Nothing listens there: every request is routed.
ORIGIN = "http://localhost"
KEY, ANOTHER_KEY = "A" * 43 + "=", "B" * 43 + "="
LETTER, OTHER_LETTER = (f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2))

TEXTS = {
    "device": "On this device.",
    "screen": "On this screen only.",
    "offline": "No connection.",
    "unreached": "Not reached.",
    "closed": "Closed.",
    "someone": "Somebody else.",
    "back": "Back on the paper.",
    "delivered": "Delivered.",
    "empty": "Empty.",
    "gone": "Gone.",
    "to-pages": "Open pages",
    "to-both": "Look at both",
    "to-them": "Open them",
    "new-paper": "New paper",
    "delete-words": "Delete them",
    "long": "Too long.",
}
ATTRIBUTES = " ".join(f'data-{name}="{text}"' for name, text in TEXTS.items())
LINE = f"""
<p data-desk data-kind="them" data-key="{KEY}" {ATTRIBUTES} data-token="/token/"
   data-save="/save/00000000-0000-0000-0000-000000000000/"
><span data-desk-kept hidden>✓</span><span data-desk-said></span></p>
"""
WITHOUT_PAPER = f"<!doctype html><title>Shelf</title>{LINE}"
WITH_PAPER = f"""<!doctype html><title>Desk</title>
<form>
  <input type="hidden" name="csrfmiddlewaretoken" value="token of the page">
  <input type="hidden" name="id" value="{LETTER}">
  <input type="hidden" name="version" value="1">
  <input type="hidden" name="revision">
  <input name="to">
  <textarea name="body">As it was.</textarea>
  {LINE}
  <button>Save</button>
</form>
"""

WITH_ANSWER = f"""<!doctype html><title>Exercise</title>
<form>
  <input type="hidden" name="csrfmiddlewaretoken" value="token of the page">
  <input type="hidden" name="id" value="{LETTER}">
  <input type="hidden" name="saved-state" value="shown">
  <input type="hidden" name="device-copy">
  <p data-answer="{LETTER}" data-key="{KEY}" data-kept=""></p>
  <textarea name="long">Long.</textarea>
  <details><summary>More</summary><input name="lines-2"></details>
  <input type="checkbox" name="some" value="one" checked>
  <input type="checkbox" name="some" value="two">
  <input type="radio" name="which" value="one">
  <input type="radio" name="which" value="two">
  <input type="date" name="day" value="2026-03-12">
  <select name="where"><option value="">None</option><option value="gb">One</option></select>
  <button>Save</button>
</form>
"""

# What a server would answer: a status with JSON, or a function that deals with the request.
Answer = tuple[int, dict[str, Any]] | Callable[[Route], None]


def lose(route: Route) -> None:
    route.abort()


def redirect(route: Route) -> None:
    route.fulfill(status=302, headers={"Location": "/accounts/login/"})


@dataclass
class DeskPage:
    """A page at a fake origin. `saves` and `tokens` are used up in order; the last one stays."""

    page: Page
    html: str = WITH_PAPER
    saves: list[Answer] = field(default_factory=list)
    tokens: list[Answer] = field(default_factory=list)
    # Forms that were posted to be saved, with the token that came along.
    posted: list[dict[str, str]] = field(default_factory=list)
    # How often the page asked who is signed in.
    checks: int = 0

    def open(self, html: str = WITH_PAPER) -> None:
        self.html = html
        self.page.goto(f"{ORIGIN}/")

    def run(self, script: str, argument: Any = None) -> Any:
        """Run the body of an async function in the page, with `load` to import a module."""
        return self.page.evaluate(
            """async ([script, argument]) => {
              const Run = Object.getPrototypeOf(async () => {}).constructor;
              const load = (name) => import(`/static/js/desk/${name}.js`);
              return new Run("load", "argument", script)(load, argument);
            }""",
            [script, argument],
        )

    def handle(self, route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path == "/":
            route.fulfill(body=self.html, content_type="text/html; charset=utf-8")
        elif path.startswith("/static/js/desk/"):
            source = (MODULES / Path(path).name).read_text()
            route.fulfill(body=source, content_type="text/javascript; charset=utf-8")
        elif path == "/token/":
            self.checks += 1
            _fulfill(route, self.tokens)
        elif re.fullmatch("/save/[0-9a-f-]{36}/", path):
            sent = dict(parse_qsl(route.request.post_data or "", keep_blank_values=True))
            token = route.request.headers["x-csrftoken"]
            self.posted.append({**sent, "path": path, "token": token})
            _fulfill(route, self.saves)
        else:
            route.fulfill(status=404)


def _fulfill(route: Route, answers: list[Answer]) -> None:
    answer = answers.pop(0) if len(answers) > 1 else answers[0]
    if callable(answer):
        return answer(route)
    status, data = answer
    return route.fulfill(status=status, body=json.dumps(data), content_type="application/json")


@pytest.fixture
def desk(browser: Browser) -> Iterator[DeskPage]:
    with browser.new_context() as context:
        page = context.new_page()
        desk = DeskPage(page)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        context.route("**/*", desk.handle)
        desk.open()
        yield desk
        assert errors == []
