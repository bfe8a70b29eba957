"""Pictures of every page of the running product, signed out and signed in as the demo account."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.conf import settings
from django.core.cache import cache
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.allauth_internals import totp
from healing.models import Answer
from journal.models import Letter, Revision, Words
from journal.saving import save_words
from journal.submitted_letter import Submission
from operations.demo_account import EMAIL, PASSWORD, create_demo_account

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from accounts.models import User

WIDTHS = (390, 1280)
HEIGHT = 844
SCHEMES = ("light", "dark")

# A virtual authenticator, as the DevTools protocol describes it.
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}

CONTACT_SHEET_CSS = """
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
    "exercise-scale": "/steps/1/moments/",
    "exercise-checklist": "/steps/2/looking/",
    "exercise-people": "/steps/6/circle/",
    "saved": "/saved/",
    "saved-cards": "/saved/cards/",
    "then-and-now": "/saved/then-and-now/",
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
# Pages that ask for the password even right after a sign-in.
BEHIND_REAUTHENTICATION = {
    "lock": "/accounts/lock/",
    "devices": "/accounts/devices/",
    "email": "/accounts/email/",
    "passkey": "/accounts/2fa/passkeys/add/",
}


def take(folder: Path, *, now: datetime) -> int:
    """Photograph every page, at each width and in each scheme; return the number of pictures."""
    # Before Playwright runs its event loop, in which Django refuses to query.
    private = PRIVATE | _create_private_pages(create_demo_account(now=now), now)
    for width, scheme in product(WIDTHS, SCHEMES):
        # Each round signs in and reauthenticates several times. On a fast machine all four fall
        # into one window of the rate limits and get 429, so each starts with empty counts.
        cache.clear()
        with _started_browser() as browser:
            _photograph(browser, folder / f"{width}-{scheme}", private, width, scheme)
    with _started_browser() as browser:
        _photograph_contact_sheets(browser, folder)
    return len(list(folder.glob("*/*.png")))


@contextmanager
def _started_browser() -> Iterator["Browser"]:
    # A server has no Playwright.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM"),
            args=["--no-sandbox", "--disable-dev-shm-usage", "--font-render-hinting=none"],
        )
        yield browser
        browser.close()


def _photograph(
    browser: "Browser", folder: Path, private: dict[str, str], width: int, scheme: Any
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHT},
        color_scheme=scheme,
        reduced_motion="reduce",
        base_url=settings.SITE_URL,
    )
    page = context.new_page()
    folder.mkdir(parents=True, exist_ok=True)
    for name in _walk(page, private):
        # As tall as the page, so that the bar at its foot does not cover the middle.
        height = page.evaluate("() => document.documentElement.scrollHeight")
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=folder / f"{name}.png")
        page.set_viewport_size({"width": width, "height": HEIGHT})
    context.close()


def _walk(page: "Page", private: dict[str, str]) -> Iterator[str]:
    """Yield the name of each page once it is open."""
    yield from _open(page, PUBLIC)
    _enter_email_and_password(page)
    page.wait_for_url("/today/")
    yield from _open(page, private)
    yield from _find_words_and_names(page)
    page.goto("/accounts/lock/")
    yield "password-again"
    _enter_password(page)
    yield from _open(page, BEHIND_REAUTHENTICATION)
    yield from _set_up_second_factors(page)
    yield from _return_after_leaving(page)
    yield from _return_after_sign_out(page)
    yield from _remove_second_factors(page)


def _open(page: "Page", addresses: dict[str, str]) -> Iterator[str]:
    for name, path in addresses.items():
        page.goto(path)
        yield name


def _find_words_and_names(page: "Page") -> Iterator[str]:
    page.goto("/journal/")
    page.fill("input[name=text]", "nobody")
    _follow(page, "main form:has(input[name=text]) button")
    yield "search"
    page.goto("/journal/")
    _change_names(page)
    yield "shelf-names"
    # The next round begins without them.
    _change_names(page)


def _change_names(page: "Page") -> None:
    page.click("main details summary")
    _follow(page, "main form[action^='/journal/names/'] button")


def _enter_email_and_password(page: "Page") -> None:
    page.goto("/accounts/login/")
    page.fill("input[name=login]", EMAIL)
    _enter_password(page)


def _enter_password(page: "Page") -> None:
    page.fill("input[name=password]", PASSWORD)
    _submit(page)


def _follow(page: "Page", selector: str) -> None:
    # `wait_for_load_state` after a click may return for the page that is still open.
    with page.expect_event("load"):
        page.click(selector)


def _submit(page: "Page") -> None:
    # Not a button of a script, such as a first line to borrow.
    _follow(page, "main button:not([type=button]) >> nth=0")


def _set_up_second_factors(page: "Page") -> Iterator[str]:
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    page.goto("/accounts/2fa/app/")
    yield "app"
    # A code of the last half minute is refused: try once more with the next.
    for _ in range(2):
        if not page.url.endswith("/app/"):
            break
        secret = page.inner_text("main .copied").replace(" ", "")
        page.fill(
            "input[name=code]",
            totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30)),
        )
        _follow(page, "main button >> nth=0")
    yield "codes-not-shown"
    _submit(page)
    yield "codes"
    yield from _open(page, {"codes-shown": "/accounts/2fa/codes/"})
    yield from _open(page, {"codes-new": "/accounts/2fa/codes/new/"})
    page.goto("/accounts/2fa/passkeys/add/")
    page.click("main button >> nth=0")
    page.wait_for_url("/accounts/2fa/")
    yield "second-step"


def _return_after_leaving(page: "Page") -> Iterator[str]:
    _write_on_the_desk(page)
    page.request.get("/leave/", max_redirects=0)
    _send_without_script(page)
    yield "locked"
    pages = {"": "lock-password", "2fa/": "lock-code", "2fa/passkeys/": "lock-passkey"}
    for path, name in pages.items():
        yield from _open(page, {name: f"/accounts/{path}reauthenticate/"})
    page.click("main button >> nth=0")
    page.wait_for_url("/today/")


def _return_after_sign_out(page: "Page") -> Iterator[str]:
    _write_on_the_desk(page)
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    _send_without_script(page)
    yield "signed-out"
    _enter_email_and_password(page)
    yield "sign-in-second-step"
    page.click("[data-passkey] button")
    page.wait_for_url("/today/")


def _write_on_the_desk(page: "Page") -> None:
    page.goto("/journal/write/them/")
    page.fill("textarea[name=body]", "I am still here.")


def _send_without_script(page: "Page") -> None:
    # The desk's script would stay on the page and say that its words are not saved.
    with page.expect_event("load"):
        page.evaluate("document.querySelector('main form:has(textarea)').submit()")


def _remove_second_factors(page: "Page") -> Iterator[str]:
    page.goto("/accounts/2fa/app/remove/")
    _enter_password(page)
    yield "app-remove"
    _submit(page)
    _follow(page, "main a[href$='/remove/']")
    yield "passkey-remove"
    _submit(page)
    yield "second-step-removed"


# --- Pages of one letter or answer ---------------------------------------------------------


def _create_private_pages(person: "User", now: datetime) -> dict[str, str]:
    """Return the addresses by the names of their pictures."""
    kept = Letter.objects.of(person).newest_first().reverse()[0]
    answer = Answer.objects.of(person).for_exercise(1, "filling-in")[0]
    return {
        **_addresses(kept, "letter", "seal", "let_go"),
        **_create_draft_pages(person, now),
        **_create_ended_pages(person, now),
        **{
            f"exercise-{name}": reverse(f"healing:{name}", args=[1, "filling-in", answer.pk])
            for name in ("answer", "answer_delete")
        },
    }


def _addresses(letter: Letter, *names: str) -> dict[str, str]:
    return {f"journal-{name}": reverse(f"journal:{name}", args=[letter.pk]) for name in names}


def _create_draft_pages(person: "User", now: datetime) -> dict[str, str]:
    draft = _draft(person, "I nearly told you about the rain.", now)
    words = Words("M.", "I nearly told you about the rain.\n\nThen I told the kettle.")
    for version in (1, 1):
        # The second save comes from a page that did not know of the first: a late version.
        save_words(person=person, id=draft.pk, submission=Submission(words, version), now=now)
        words = Words("M.", "On the stairs, with the phone: it rained.")
    earlier, late = Revision.objects.of(person).filter(letter=draft).order_by("is_late")
    return _addresses(draft, "edit", "close", "throw_away", "versions") | {
        "journal-version": reverse("journal:version", args=[draft.pk, earlier.pk]),
        "journal-version-late": reverse("journal:version", args=[draft.pk, late.pk]),
    }


def _create_ended_pages(person: "User", now: datetime) -> dict[str, str]:
    sealed, ready, let_go = (_draft(person, "Not tonight.", now) for _ in range(3))
    long_ago = now - timedelta(days=30)
    sealed.seal_until(now.date() + timedelta(days=30), tell_hour=None, person=person, now=now)
    ready.seal_until(now.date() - timedelta(days=2), tell_hour=None, person=person, now=long_ago)
    let_go.let_go(leaves_line=False, now=now)
    return _addresses(sealed, "unseal") | {
        "journal-sealed": reverse("journal:letter", args=[sealed.pk]),
        "journal-ready": reverse("journal:letter", args=[ready.pk]),
        "journal-on_the_water": reverse("journal:letter", args=[let_go.pk]),
        "journal-settle": reverse("journal:settle", args=[let_go.pk]),
    }


def _draft(person: "User", text: str, now: datetime) -> Letter:
    submission = Submission(Words("M.", text))
    return save_words(person=person, id=uuid4(), kind="them", submission=submission, now=now).letter


def _photograph_contact_sheets(browser: "Browser", folder: Path) -> None:
    """Save one picture for each width and scheme with the top of every page."""
    for subfolder in sorted(path for path in folder.iterdir() if path.is_dir()):
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        names = [path.stem for path in sorted(subfolder.glob("*.png"))]
        context = {"names": names, "title": subfolder.name}
        html = render_to_string("operations/contact_sheet.html", context)
        file = subfolder / "contact-sheet.html"
        file.write_text(html, encoding="utf-8")
        page.goto(file.as_uri())
        page.add_style_tag(content=CONTACT_SHEET_CSS)
        page.screenshot(path=folder / f"contact-sheet-{subfolder.name}.png", full_page=True)
        page.close()
