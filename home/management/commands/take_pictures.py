import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from healing.models import Answer
from home.demo import EMAIL, PASSWORD, fill
from journal.models import Letter

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from accounts.models import User

WIDTHS = (390, 1280)
SCHEMES = ("light", "dark")

SHEET = """
  body { font: 14px sans-serif; display: flex; flex-wrap: wrap; gap: 16px; }
  h1 { flex-basis: 100%; }
  figure { margin: 0; inline-size: 260px; block-size: 440px; overflow: hidden; }
  img { inline-size: 100%; }
"""

PUBLIC = {
    "start": "/",
    "learn": "/learn/",
    "reading": "/learn/what-it-is/",
    "voices": "/learn/voices/",
    "steps": "/steps/",
    "step-1": "/steps/1/",
    "step-3": "/steps/3/",
    "exercise-visitor": "/steps/1/filling-in/",
    "help": "/help/",
    "help-country": "/help/gb/",
    "safety": "/safety/",
    "privacy": "/privacy/",
    "about": "/about/",
    "accessibility": "/accessibility/",
    "signup": "/accounts/signup/",
    "login": "/accounts/login/",
    "reset": "/accounts/password/reset/",
    "goodbye": "/goodbye/",
    "not-found": "/nowhere/",
    "help-unknown": "/help/xx/",
    "inbox": "/dev/inbox/",
}
PRIVATE = {
    "today": "/today/",
    "steps-signed-in": "/steps/",
    "step-5": "/steps/5/",
    "exercise": "/steps/1/filling-in/",
    "exercise-boundary": "/steps/5/boundary/",
    "shelf": "/journal/",
    "write": "/journal/write/",
    "progress": "/progress/",
    "you": "/you/",
    "reminders": "/you/reminders/",
    "my-privacy": "/you/privacy/",
    "erase": "/you/privacy/erase/",
    "password": "/accounts/password/change/",
    "sign-out": "/accounts/logout/",
}


class Command(BaseCommand):
    help = "Photographs every page of the running product into .local/pictures/."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.MAIL_CATCHER:
            raise CommandError("This is for a laptop: it needs the local mail catcher.")
        from playwright.sync_api import sync_playwright

        # The browser's own loop runs below: the database is asked before.
        private = PRIVATE | _pages_of_words(fill(now=timezone.now()))
        folder = Path(os.environ.get("PAPER_BOAT_HOME", settings.BASE_DIR / ".local")) / "pictures"
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=os.environ.get("CHROMIUM"),
                args=["--no-sandbox", "--disable-dev-shm-usage", "--font-render-hinting=none"],
            )
            for width in WIDTHS:
                for scheme in SCHEMES:
                    _photograph(browser, folder, private, width, scheme)
            _contact_sheet(browser, folder)
            browser.close()
        self.stdout.write(f"{len(list(folder.glob('*/*.png')))} pictures in {folder}")


def _photograph(
    browser: "Browser", folder: Path, private: dict[str, str], width: int, scheme: Any
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme=scheme,
        reduced_motion="reduce",
        base_url=settings.SITE_URL,
    )
    page = context.new_page()
    into = folder / f"{width}-{scheme}"
    into.mkdir(parents=True, exist_ok=True)
    for name, path in _walk(page, private):
        page.set_viewport_size({"width": width, "height": 844})
        page.goto(path)
        # As tall as the page itself, so that the bar at its foot does not lie across the middle.
        height = page.evaluate("() => document.documentElement.scrollHeight")
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=into / f"{name}.png")
    context.close()


def _walk(page: "Page", private: dict[str, str]) -> Iterator[tuple[str, str]]:
    yield from PUBLIC.items()
    page.goto("/accounts/login/")
    page.fill("input[name=login]", EMAIL)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url("**/today/")
    yield from private.items()


def _pages_of_words(person: "User") -> dict[str, str]:
    letter = Letter.objects.of(person).newest_first().reverse()[0]
    answer = Answer.objects.of(person).to(1, "filling-in")[0]
    return {
        f"journal-{name}": reverse(f"journal:{name}", args=[letter.pk])
        for name in ("letter", "edit", "delete")
    } | {
        f"exercise-{name}": reverse(f"healing:{name}", args=[1, "filling-in", answer.pk])
        for name in ("answer", "answer_delete")
    }


def _contact_sheet(browser: "Browser", folder: Path) -> None:
    """All pictures of one width and scheme beside each other, the top of each."""
    for sheet in sorted(path for path in folder.iterdir() if path.is_dir()):
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        names = [path.stem for path in sorted(sheet.glob("*.png"))]
        file = sheet / "contact-sheet.html"
        context = {"names": names, "title": sheet.name}
        file.write_text(render_to_string("home/contact_sheet.html", context), encoding="utf-8")
        page.goto(file.as_uri())
        page.add_style_tag(content=SHEET)
        page.screenshot(path=folder / f"contact-sheet-{sheet.name}.png", full_page=True)
        page.close()
