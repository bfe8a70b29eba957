"""Help pages, rendered for nobody in particular, so that they stay when all else is down."""

from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from safety.context_processors import site
from safety.helpline_types import Country
from safety.helplines import countries


def addresses() -> list[str]:
    """Every help page, the one for an unknown country last."""
    known = [reverse("safety:lines", args=[code]) for code in countries()]
    return [reverse("safety:help"), *known, unknown_address()]


def unknown_address() -> str:
    return reverse("safety:lines", args=["unknown"])


def rendered(address: str) -> str:
    """The page at this address. One that we do not have is that of an unknown country."""
    by_address = {reverse("safety:lines", args=[code]): each for code, each in countries().items()}
    with translation.override(settings.LANGUAGE_CODE):
        if address == reverse("safety:help"):
            return _page("safety/help.html")
        country = by_address.get(address)
        return _page("safety/lines.html", country) if country else _page("safety/unknown.html")


def _page(template: str, country: Country | None = None) -> str:
    context = {**site(None), "country": country, "countries": list(countries().values())}
    return render_to_string(template, context)


def file(address: str) -> Path:
    """Where the page at this address is kept, under the folder of its language."""
    return Path(settings.PAGES_ROOT, settings.LANGUAGE_CODE, f"{address.strip('/')}.html")


def store(address: str) -> Path:
    """Render one page to its file. A reader sees the old page or the new one, never half of one."""
    path = file(address)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(rendered(address), encoding="utf-8")
    return fresh.replace(path)


def stored() -> dict[str, bytes]:
    """What has been rendered to files; nothing before the first collectstatic."""
    found = {}
    for address in addresses():
        with suppress(FileNotFoundError):
            found[address] = file(address).read_bytes()
    return found
