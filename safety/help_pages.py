"""Render the help pages to files, so that they stay up when everything else is down (ADR 11)."""

from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from safety.context_processors import site
from safety.helpline_types import Country
from safety.helplines import countries


def paths() -> list[str]:
    """The URL path of every help page; the one for countries we do not have comes last."""
    known = [reverse("safety:lines", args=[code]) for code in countries()]
    return [reverse("safety:help"), *known, elsewhere_path()]


def elsewhere_path() -> str:
    return reverse("safety:lines", args=["elsewhere"])


def render(path: str, *, language: str, signed_in: bool = False) -> str:
    """The page at this URL path; for any other path the page for countries we do not have.

    With `signed_in`, its navigation is that of somebody who is signed in.
    """
    by_path = {reverse("safety:lines", args=[code]): each for code, each in countries().items()}
    with translation.override(language):
        if path == reverse("safety:help"):
            return _render_template("safety/help.html", signed_in=signed_in)
        if path in by_path:
            return _render_template("safety/lines.html", by_path[path], signed_in=signed_in)
        return _render_template("safety/elsewhere.html", signed_in=signed_in)


def _render_template(template: str, country: Country | None = None, *, signed_in: bool) -> str:
    """Without a request: the page is the same for everyone who is signed in, or is not."""
    context = {
        **site(None),
        "country": country,
        "countries": list(countries().values()),
        "user": {"is_authenticated": signed_in},
    }
    return render_to_string(template, context)


def forms() -> list[tuple[str, bool]]:
    """Each form of a page: its language, and whether it is for somebody who is signed in."""
    return [(code, signed_in) for code, _name in settings.LANGUAGES for signed_in in (False, True)]


def file(path: str, *, language: str = "", signed_in: bool = False) -> Path:
    """Where the page at this URL path is stored, in the folder of its language."""
    form = "signed-in" if signed_in else ""
    folder = language or settings.LANGUAGE_CODE
    return Path(settings.PAGES_ROOT, folder, form, f"{path.strip('/')}.html")


def write(path: str) -> None:
    """Render one page to its files, atomically: a reader never sees half a page."""
    for language, signed_in in forms():
        target = file(path, language=language, signed_in=signed_in)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_suffix(".new")
        html = render(path, language=language, signed_in=signed_in)
        temporary.write_text(html, encoding="utf-8")
        temporary.replace(target)


def in_memory() -> dict[str, bytes]:
    """The pages that a web process serves from memory. None before collectstatic."""
    return {} if settings.DEBUG else read_all(language=settings.LANGUAGE_CODE)


def read_all(*, language: str, signed_in: bool = False) -> dict[str, bytes]:
    """The rendered pages by URL path, as far as there are files that can be read."""
    pages = {}
    for path in paths():
        with suppress(OSError):
            pages[path] = file(path, language=language, signed_in=signed_in).read_bytes()
    return pages
