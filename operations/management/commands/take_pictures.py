import os
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts.allauth_internals import totp
from healing.models import Answer
from journal.models import Letter, Revision, Words
from journal.saving import save_words
from journal.submission import Submission
from operations.demo_account import EMAIL, PASSWORD, fill

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from accounts.models import User

WIDTHS = (390, 1280)
SCHEMES = ("light", "dark")

# What the device in front of the browser can do, as the browser's own tools name it.
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}

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
    "terms": "/terms/",
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
    "shelf-narrowed": "/journal/?show=free",
    "cover": "/journal/cover/",
    "write": "/journal/write/",
    "write-why": "/journal/write/?why=1",
    "desk": "/journal/write/them/",
    "desk-plain": "/journal/write/plain/",
    "openings": "/journal/write/them/lines/",
    "progress": "/progress/",
    "you": "/you/",
    "reminders": "/you/reminders/",
    "my-privacy": "/you/privacy/",
    "erase": "/you/privacy/erase/",
    "password": "/accounts/password/change/",
    "sign-out": "/accounts/logout/",
    "first": "/accounts/first/",
    "coming-in": "/accounts/",
    "activity": "/accounts/activity/",
    "second-step-none": "/accounts/2fa/",
}
# Pages that ask for the password first, even of somebody who has just signed in.
BEHIND_THE_PASSWORD = {
    "lock": "/accounts/lock/",
    "devices": "/accounts/devices/",
    "email": "/accounts/email/",
    "passkey": "/accounts/2fa/passkeys/add/",
}


class Command(BaseCommand):
    help = "Photographs every page of the running product into .local/pictures/."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.MAIL_CATCHER:
            raise CommandError("This is for a laptop: it needs the local mail catcher.")
        from playwright.sync_api import sync_playwright

        # The browser's own loop runs below: the database is asked before.
        now = timezone.now()
        private = PRIVATE | _pages_of_words(fill(now=now), now)
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
    for name in _walk(page, private):
        # As tall as the page itself, so that the bar at its foot does not lie across the middle.
        height = page.evaluate("() => document.documentElement.scrollHeight")
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=into / f"{name}.png")
        page.set_viewport_size({"width": width, "height": 844})
    context.close()


def _walk(page: "Page", private: dict[str, str]) -> Iterator[str]:
    """The name of each page, once it is open."""
    yield from _open(page, PUBLIC)
    _type_password(page)
    page.wait_for_url("**/today/")
    yield from _open(page, private)
    page.goto("/accounts/lock/")
    yield "password-again"
    _prove_again(page)
    yield from _open(page, BEHIND_THE_PASSWORD)
    yield from _second_step(page)
    yield from _doors(page)
    yield from _removed(page)


def _open(page: "Page", addresses: dict[str, str]) -> Iterator[str]:
    for name, path in addresses.items():
        page.goto(path)
        yield name


def _type_password(page: "Page") -> None:
    page.goto("/accounts/login/")
    page.fill("input[name=login]", EMAIL)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button >> nth=0")
    page.wait_for_load_state()


def _prove_again(page: "Page") -> None:
    page.fill("input[name=password]", PASSWORD)
    page.click("main button >> nth=0")
    page.wait_for_load_state()


def _second_step(page: "Page") -> Iterator[str]:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    page.goto("/accounts/2fa/app/")
    yield "app"
    # Once more, where a half minute was just over.
    for _ in range(2):
        if not page.url.endswith("/app/"):
            break
        secret = page.inner_text("main .copied").replace(" ", "")
        code = totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30))
        page.fill("input[name=code]", code)
        page.click("main button >> nth=0")
        page.wait_for_load_state()
    yield "codes-not-shown"
    page.click("main button >> nth=0")
    page.wait_for_load_state()
    yield "codes"
    yield from _open(page, {"codes-shown": "/accounts/2fa/codes/"})
    yield from _open(page, {"codes-new": "/accounts/2fa/codes/new/"})
    page.goto("/accounts/2fa/passkeys/add/")
    page.click("main button >> nth=0")
    page.wait_for_url("**/accounts/2fa/")
    yield "second-step"


def _doors(page: "Page") -> Iterator[str]:
    """How it looks to come back after leaving, and to sign in once more."""
    page.goto("/journal/write/them/")
    page.fill("textarea[name=body]", "I am still here.")
    page.request.get("/leave/", max_redirects=0)
    page.click("main button >> nth=0")
    page.wait_for_load_state()
    yield "locked"
    doors = {"": "lock-password", "2fa/": "lock-code", "2fa/passkeys/": "lock-passkey"}
    for door, name in doors.items():
        yield from _open(page, {name: f"/accounts/{door}reauthenticate/"})
    page.click("main button >> nth=0")
    page.wait_for_url("**/today/")
    page.goto("/journal/write/them/")
    page.fill("textarea[name=body]", "I am still here.")
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.click("main button >> nth=0")
    page.wait_for_load_state()
    yield "signed-out"
    _type_password(page)
    yield "sign-in-second-step"
    page.click("[data-passkey] button")
    page.wait_for_url("**/today/")


def _removed(page: "Page") -> Iterator[str]:
    page.goto("/accounts/2fa/app/remove/")
    _prove_again(page)
    yield "app-remove"
    page.click("main button >> nth=0")
    page.wait_for_load_state()
    page.click("main a[href$='/remove/']")
    page.wait_for_load_state()
    yield "passkey-remove"
    page.click("main button >> nth=0")
    page.wait_for_load_state()
    yield "second-step-removed"


def _pages_of_words(person: "User", now: datetime) -> dict[str, str]:
    kept = Letter.objects.of(person).newest_first().reverse()[0]
    answer = Answer.objects.of(person).to(1, "filling-in")[0]
    return {
        **_pages_about(kept, "letter", "seal", "let_go"),
        **_pages_of_a_draft(person, now),
        **_pages_of_endings(person, now),
        **{
            f"exercise-{name}": reverse(f"healing:{name}", args=[1, "filling-in", answer.pk])
            for name in ("answer", "answer_delete")
        },
    }


def _pages_about(letter: Letter, *names: str) -> dict[str, str]:
    return {f"journal-{name}": reverse(f"journal:{name}", args=[letter.pk]) for name in names}


def _pages_of_a_draft(person: "User", now: datetime) -> dict[str, str]:
    draft = _draft(person, "I nearly told you about the rain.", now)
    words = Words("M.", "I nearly told you about the rain.\n\nThen I told the kettle.")
    for version in (1, 0):
        # The second time from a page that knew nothing of the first.
        save_words(person=person, id=draft.pk, submission=Submission(words, version), now=now)
        words = Words("M.", "On the stairs, with the phone: it rained.")
    earlier, late = Revision.objects.of(person).filter(letter=draft).order_by("is_late")
    return _pages_about(draft, "edit", "close", "throw_away", "versions") | {
        "journal-version": reverse("journal:version", args=[draft.pk, earlier.pk]),
        "journal-version-late": reverse("journal:version", args=[draft.pk, late.pk]),
    }


def _pages_of_endings(person: "User", now: datetime) -> dict[str, str]:
    sealed, ready, afloat = (_draft(person, "Not tonight.", now) for _ in range(3))
    long_ago = now - timedelta(days=30)
    sealed.seal_until(now.date() + timedelta(days=30), tell_hour=None, person=person, now=now)
    ready.seal_until(now.date() - timedelta(days=2), tell_hour=None, person=person, now=long_ago)
    afloat.let_go(leaves_line=False, now=now)
    return _pages_about(sealed, "unseal") | {
        "journal-sealed": reverse("journal:letter", args=[sealed.pk]),
        "journal-ready": reverse("journal:letter", args=[ready.pk]),
        "journal-on_the_water": reverse("journal:letter", args=[afloat.pk]),
        "journal-settle": reverse("journal:settle", args=[afloat.pk]),
    }


def _draft(person: "User", text: str, now: datetime) -> Letter:
    submission = Submission(Words("M.", text))
    return save_words(person=person, id=uuid4(), kind="them", submission=submission, now=now).letter


def _contact_sheet(browser: "Browser", folder: Path) -> None:
    """All pictures of one width and scheme beside each other, the top of each."""
    for sheet in sorted(path for path in folder.iterdir() if path.is_dir()):
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        names = [path.stem for path in sorted(sheet.glob("*.png"))]
        file = sheet / "contact-sheet.html"
        context = {"names": names, "title": sheet.name}
        file.write_text(
            render_to_string("operations/contact_sheet.html", context), encoding="utf-8"
        )
        page.goto(file.as_uri())
        page.add_style_tag(content=SHEET)
        page.screenshot(path=folder / f"contact-sheet-{sheet.name}.png", full_page=True)
        page.close()
