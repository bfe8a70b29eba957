"""Time zones: their names, and a form field in which people choose theirs by a place."""

from functools import cache
from importlib import resources
from itertools import groupby
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

# The zone of an account whose person has not chosen a place: we do not guess one.
NO_ZONE_CHOSEN = "UTC"

# Names in the database of zones that are nobody's place: the zone of this machine, or none at all.
NO_PLACES = frozenset({"Factory", "localtime", "posixrules"})

# ((region, ((place, place), …)), …): choices in groups, as a form field takes them.
ZoneChoices = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


@cache
def zone_names() -> frozenset[str]:
    """Every zone this machine knows. Cached: finding them walks hundreds of files."""
    return frozenset(available_timezones()) - NO_PLACES


@cache
def _current_names() -> dict[str, str]:
    """Return the listed zone for each older name of one, as `Asia/Kolkata` for `Asia/Calcutta`.

    Source: the links in the time zone database of IANA.
    """
    table = resources.files("tzdata").joinpath("zoneinfo/tzdata.zi").read_text(encoding="utf-8")
    links = (line.split() for line in table.splitlines() if line.startswith("L "))
    listed = set(places().values())
    return {old: zone for _l, zone, old in links if zone in listed and old not in listed}


def current_zone(name: str) -> str:
    """Return the zone that a browser means by this name; an empty string for an unknown one.

    Browsers report many places by the names they had long ago.
    """
    return _current_names().get(name, name if name in zone_names() else "")


def validate_zone(name: str) -> None:
    if name not in zone_names():
        raise ValidationError(_("Choose a place from the list."), code="unknown_zone")


@cache
def places() -> dict[str, str]:
    """The zones of the world's countries by place, such as `Argentina, Buenos Aires`."""
    table = resources.files("tzdata").joinpath("zoneinfo/zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    return {place_of(row[2]): row[2] for row in sorted(rows, key=lambda row: row[2])}


@cache
def zone_choices() -> ZoneChoices:
    def region(pair: tuple[str, str]) -> str:
        return pair[1].partition("/")[0]

    return tuple(
        (name, tuple((place, place) for place, _zone in group))
        for name, group in groupby(places().items(), key=region)
    )


def place_of(zone: str) -> str:
    """Return the place a zone is named after; an empty string for UTC."""
    return zone.partition("/")[2].replace("/", ", ").replace("_", " ")


class ZoneSelect(forms.Select):
    """A select whose option values are the places themselves (see the template): names and values
    apart would double the page. A zone that is not listed gets an option of its own when it is
    chosen. Where none is, an empty option is: browsers would show the first place as chosen."""

    option_template_name = "accounts/_zone.html"

    def optgroups(self, name: str, value: list[str], attrs: Any = None) -> list[Any]:
        groups = super().optgroups(name, value, attrs)
        chosen = any(option["selected"] for _name, options, _index in groups for option in options)
        other = value[0] if value else ""
        if chosen:
            return groups
        zone, label = "", str(_("Choose a place"))
        if other in zone_names():
            zone, label = other, other.replace("_", " ")
        option = self.create_option(name, zone, label, selected=True, index=0)
        return [(None, [option], 0), *groups]


class ZoneField(forms.ChoiceField):
    """Takes a listed place or the name of a zone; the cleaned value is the name of a zone."""

    widget = ZoneSelect

    def prepare_value(self, value: Any) -> Any:
        place = place_of(str(value))
        return place if places().get(place) == value else value

    def to_python(self, value: Any) -> str:
        name = str(super().to_python(value))
        return places().get(name) or current_zone(name) or name

    def valid_value(self, value: str) -> bool:
        return value in zone_names()
