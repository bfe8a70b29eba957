"""Countries, their helplines and emergency numbers, as the help pages show them."""

import re
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

ALWAYS = "always"


class Kind(TextChoices):
    CRISIS = "crisis", _("When it is too much, or you think of ending your life")
    ABUSE = "abuse", _("When you are afraid of someone, or hurt or controlled")
    YOUNG = "young", _("For children and young people")


@dataclass(frozen=True)
class Number:
    """A number as it is dialled inside the country."""

    text: str

    @property
    def digits(self) -> str:
        return re.sub(r"\D", "", self.text)

    @property
    def href(self) -> str:
        return f"tel:{self.digits}"

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Sms:
    """Where to text, and the keyword that some services want first."""

    number: Number
    word: str = ""

    @property
    def href(self) -> str:
        return f"sms:{self.number.digits}" + (f"?body={self.word}" if self.word else "")


@dataclass(frozen=True, kw_only=True)
class Sourced:
    """The page a number was read on, and the day one of us last tried it (None: not yet)."""

    source: str
    read_on: date
    checked_on: date | None

    @property
    def source_name(self) -> str:
        return _bare_hostname(self.source)


@dataclass(frozen=True, kw_only=True)
class Emergency(Sourced):
    number: Number
    note: str


@dataclass(frozen=True, kw_only=True)
class Helpline(Sourced):
    name: str
    kind: Kind
    numbers: tuple[Number, ...]
    sms: Sms | None
    web: str
    hours: str  # ALWAYS, “09:00–23:00”, or empty when we do not know
    free: bool | None
    languages: str
    note: str

    @property
    def is_always_open(self) -> bool:
        return self.hours == ALWAYS

    @property
    def web_name(self) -> str:
        return _bare_hostname(self.web)


@dataclass(frozen=True, kw_only=True)
class Country:
    code: str
    name: str
    emergency: tuple[Emergency, ...]
    lines: tuple[Helpline, ...]

    def by_kind(self) -> list[tuple[Kind, list[Helpline]]]:
        """The lines of every kind: the page says what to do where there are none."""
        return [(kind, [line for line in self.lines if line.kind == kind]) for kind in Kind]

    @property
    def has_untried_numbers(self) -> bool:
        return any(found.checked_on is None for found in (*self.emergency, *self.lines))


def _bare_hostname(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")
