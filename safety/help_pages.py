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


def render(path: str) -> str:
    """The page at this URL path; for any other path the page for countries we do not have."""
    by_path = {reverse("safety:lines", args=[code]): each for code, each in countries().items()}
    with translation.override(settings.LANGUAGE_CODE):
        if path == reverse("safety:help"):
            return _render_template("safety/help.html")
        if path in by_path:
            return _render_template("safety/lines.html", by_path[path])
        return _render_template("safety/elsewhere.html")


def _render_template(template: str, country: Country | None = None) -> str:
    """Without a request: the page is the same for everyone."""
    context = {**site(None), "country": country, "countries": list(countries().values())}
    return render_to_string(template, context)


def file(path: str) -> Path:
    """Where the page at this URL path is stored, in the folder of its language."""
    return Path(settings.PAGES_ROOT, settings.LANGUAGE_CODE, f"{path.strip('/')}.html")


def write(path: str) -> Path:
    """Render one page to its file, atomically: a reader never sees half a page."""
    target = file(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".new")
    temporary.write_text(render(path), encoding="utf-8")
    return temporary.replace(target)


def read_all() -> dict[str, bytes]:
    """The rendered pages by URL path, as far as there are files that can be read."""
    pages = {}
    for path in paths():
        with suppress(OSError):
            pages[path] = file(path).read_bytes()
    return pages
