from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

from django import forms
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _

from accounts.local_times import day
from accounts.private_input_attributes import PRIVATE_INPUT_ATTRIBUTES
from accounts.returned_forms import not_writing
from accounts.time_zones import ZoneField, ZoneSelect, zone_choices
from accounts.unstripped_char_field import UnstrippedCharField
from journal.letter_kinds import LetterKind
from journal.models import EditSession, Words
from journal.submitted_letter import Submission
from mail.quiet_hours import HOUR_LABELS

MAX_CHARACTERS = 100_000
# After writing for this long, people are offered a moment to look up.
LONG_WRITING_TIME = timedelta(minutes=10)
# The choice of a day that the form does not name.
DAY_I_PICK = "day"
# How far ahead a letter can be sealed.
MAX_SEALED_FOR = timedelta(days=366 * 20)

# How a body may feel after writing: words, never a scale.
BODY_NOW = {
    "heavy": _("heavy"),
    "tight": _("tight"),
    "shaky": _("shaky"),
    "tired": _("tired"),
    "warm": _("warm"),
    "lighter": _("lighter"),
}


# Two ends of a letter, neither of them better.
ACCEPTANCE = {"accept": _("I accept …"), "not_yet": _("Not yet: …")}


class TrustedField(forms.Field):
    """A hidden field that our own page fills in, not the writer.

    It is never invalid, so that no words are refused because of it: `default` stands in for a
    value that `parse` rejects with ValueError or OverflowError.
    """

    widget = forms.HiddenInput

    def __init__(self, parse: Callable[[str], Any], default: Any = None) -> None:
        super().__init__(required=False)
        self.parse, self.default = parse, default

    def clean(self, value: Any) -> Any:
        try:
            return self.parse(value or "")
        except (ValueError, OverflowError):
            return self.default


def _parse_count(text: str) -> int:
    """Parse what fits in a PositiveIntegerField."""
    number = int(text)
    if not 0 <= number < 2**31:
        raise ValueError
    return number


def _parse_timestamp(text: str) -> int:
    """Parse Unix seconds. From 2**37 on, `datetime` has no such year."""
    number = int(text)
    if not 0 <= number < 2**37:
        raise ValueError
    return number


def _parse_moment(text: str) -> datetime:
    # Near the years 1 and 9999, the conversion to UTC raises OverflowError.
    return datetime.fromisoformat(text).astimezone(UTC)


@not_writing(
    *("id", "version", "revision", "answers", "since", "kind", "sitting", "turn", "waited"),
    # A button.
    "then",
)
class LetterForm(forms.Form):
    """A letter. There is no field for a recipient: it cannot be sent from here."""

    all_optional = True

    to = forms.CharField(
        label=_("Dear"),
        help_text=_("A nickname or one letter is fine."),
        required=False,
        strip=False,
        validators=[MaxLengthValidator(100, _("This line holds 100 characters."))],
        widget=forms.TextInput(attrs=PRIVATE_INPUT_ATTRIBUTES),
        error_messages={"null_characters_not_allowed": _("One character here can’t be saved.")},
    )
    body = UnstrippedCharField(
        validators=[
            MaxLengthValidator(
                MAX_CHARACTERS,
                _("This is longer than one letter holds (100,000 characters). Nothing was lost."),
            )
        ],
        widget=forms.Textarea(attrs=PRIVATE_INPUT_ATTRIBUTES | {"rows": 10, "class": "letter"}),
        error_messages={
            "required": _("The paper is still empty. One line counts as a letter."),
            "null_characters_not_allowed": _(
                "One character here can’t be saved. Take it out and try again."
            ),
        },
    )
    # The letter, and the version of it that the page showed; 0 for a new letter.
    id = forms.UUIDField(widget=forms.HiddenInput)
    version = TrustedField(_parse_count, 0)
    # The late revision that took earlier words of this page.
    revision = TrustedField(UUID)
    # The letter that this one answers.
    answers = TrustedField(UUID)
    # When the writer started, in Unix seconds.
    since = TrustedField(_parse_timestamp)
    # Needed when the letter, and its kind with it, has been deleted.
    kind = TrustedField(str, "")
    # Set by the script: the open page, how often it has sent words, and whether these may have
    # been sent before.
    sitting = TrustedField(UUID)
    turn = TrustedField(_parse_count, 0)
    waited = TrustedField(bool, False)

    def __init__(
        self, kind: LetterKind, data: Any = None, initial: dict[str, Any] | None = None
    ) -> None:
        defaults = {"id": uuid4(), "version": 0, "kind": kind.key}
        super().__init__(data, initial=defaults | (initial or {}))
        self.fields["body"].label = str(kind.question)
        if not kind.has_reader:
            del self.fields["to"]

    def has_taken_long(self, now: datetime) -> bool:
        since = self.cleaned_data["since"]
        return since is not None and now.timestamp() - since >= LONG_WRITING_TIME.total_seconds()

    @property
    def submission(self) -> Submission:
        data = self.cleaned_data
        return Submission(
            words=Words(to=data.get("to", ""), body=data["body"]),
            version=data["version"],
            revision=data["revision"],
            edit_session=data["sitting"] and EditSession(data["sitting"], data["turn"]),
            is_resent=data["waited"],
        )


@not_writing("keep", "version")
class ChooseForm(forms.Form):
    """Which words to keep: the letter's, the revision's (`other`), or `both`."""

    keep = TrustedField(str, "")
    version = TrustedField(_parse_count, 0)


@not_writing()
class OpeningForm(forms.Form):
    opening = forms.CharField(
        label=_("A first line of your own"),
        help_text=_("It is saved beside this kind of letter, for another evening."),
        max_length=200,
        widget=forms.TextInput(attrs=PRIVATE_INPUT_ATTRIBUTES),
        error_messages={
            "required": _("There is no line yet. Write one first."),
            "max_length": _("A first line holds 200 characters."),
            "null_characters_not_allowed": _("One character here can’t be saved."),
        },
    )


# Buttons, and the state that the page showed.
@not_writing("then", "state")
class CloseForm(forms.Form):
    all_optional = True

    body_now = forms.ChoiceField(
        label=_("How is your body now?"),
        choices=list(BODY_NOW.items()),
        widget=forms.RadioSelect,
        required=False,
        error_messages={"invalid_choice": _("Choose one of these words, or none.")},
    )
    next_hour = forms.CharField(
        label=_("One thing for the next hour"),
        help_text=_("Small is good: a glass of water, a window, a call."),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs=PRIVATE_INPUT_ATTRIBUTES),
        error_messages={
            "max_length": _("This line holds 200 characters."),
            "null_characters_not_allowed": _("One character here can’t be saved."),
        },
    )
    acceptance = forms.ChoiceField(
        label=_("How does it end?"),
        help_text=_("Both are whole ends, and so is neither."),
        choices=list(ACCEPTANCE.items()),
        widget=forms.RadioSelect,
        required=False,
        error_messages={"invalid_choice": _("Choose one of these words, or none.")},
    )
    accepted = forms.CharField(
        label=_("How that sentence goes on"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs=PRIVATE_INPUT_ATTRIBUTES),
        error_messages={
            "max_length": _("This line holds 200 characters."),
            "null_characters_not_allowed": _("One character here can’t be saved."),
        },
    )

    def __init__(self, kind: LetterKind, data: Any = None, *, initial: dict[str, Any]) -> None:
        super().__init__(data, initial=initial)
        if not kind.asks_acceptance:
            del self.fields["acceptance"], self.fields["accepted"]


@not_writing("until", "day", "tell_hour", "state", "zone")
class SealForm(forms.Form):
    """`today` is the writer's local date. Without a known time zone it asks for theirs."""

    # One of the first two is needed: “optional” beside either would be untrue.
    all_optional = True

    until = forms.ChoiceField(
        label=_("Sealed until"),
        required=False,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": _("Choose a day from the list, or pick one yourself.")},
    )
    # Some browsers show today in an empty field, so the form of a date is said beside it.
    day = forms.DateField(
        label=_("The day I pick"),
        help_text=_("Year, month, day, as in 2027-03-12."),
        required=False,
        widget=forms.DateInput(attrs={"type": "date", "autocomplete": "off"}),
        error_messages={"invalid": _("That date doesn’t exist. Write it like 2027-03-12.")},
    )
    tell_hour = forms.TypedChoiceField(
        label=_("Shall a mail tell you on that day?"),
        help_text=_("It says that something you put away is ready, and nothing else."),
        coerce=int,
        empty_value=None,
        required=False,
        choices=[("", _("No mail")), *HOUR_LABELS.items()],
        error_messages={"invalid_choice": _("Choose a time from the list.")},
    )
    # `time_zone.js` fills in the browser's.
    zone = ZoneField(
        label=_("Your time zone"),
        required=False,
        error_messages={"invalid_choice": _("Choose a place from the list.")},
        widget=ZoneSelect(attrs={"data-zone": ""}),
    )

    def __init__(self, today: date, data: Any = None, *, asks_zone: bool = False) -> None:
        super().__init__(data)
        self.today = today
        cast(ZoneField, self.fields["zone"]).choices = zone_choices()
        if not asks_zone:
            del self.fields["zone"]
        self.days = {"week": today + timedelta(days=7), "month": _in_a_month(today)}
        cast(forms.ChoiceField, self.fields["until"]).choices = [
            ("week", _("In a week, on %(day)s") % {"day": day(self.days["week"])}),
            ("month", _("In a month, on %(day)s") % {"day": day(self.days["month"])}),
            (DAY_I_PICK, _("On a day I pick")),
        ]
        tomorrow = today + timedelta(days=1)
        self.fields["day"].widget.attrs |= {
            "min": tomorrow.isoformat(),
            "max": (today + MAX_SEALED_FOR).isoformat(),
        }

    def clean_day(self) -> date | None:
        day: date | None = self.cleaned_data["day"]
        if day is None:
            return None
        if day <= self.today:
            raise forms.ValidationError(_("Choose a day after today."))
        if day > self.today + MAX_SEALED_FOR:
            raise forms.ValidationError(_("This is too far away. Choose a day within 20 years."))
        return day

    def clean(self) -> dict[str, Any]:
        until = self.cleaned_data.pop("until", "")
        if until in self.days:
            # Whatever is in the other field was not chosen.
            self.errors.pop("day", None)
            self.cleaned_data["day"] = self.days[until]
        elif "day" not in self.errors and not self.cleaned_data["day"]:
            asked = "day" if until == DAY_I_PICK else "until"
            self.add_error(asked, _("Choose the day on which it may be opened."))
        return self.cleaned_data


def _in_a_month(today: date) -> date:
    """Return the same day of the next month, or the last one of a month that is shorter."""
    first = (today.replace(day=1) + timedelta(days=31)).replace(day=1)
    return first.replace(day=min(today.day, monthrange(first.year, first.month)[1]))


@not_writing("leaves_line", "state")
class LetGoForm(forms.Form):
    leaves_line = forms.BooleanField(
        label=_("Leave a blank line with the day on my shelf"), required=False
    )


@not_writing("shows_names")
class ShelfNamesForm(forms.Form):
    """Its button sends `shows_names`, or nothing to hide them."""

    shows_names = forms.BooleanField(required=False)


@not_writing("id")
class SearchForm(forms.Form):
    text = forms.CharField(
        label=_("Search your letters"),
        max_length=100,
        widget=forms.TextInput(attrs=PRIVATE_INPUT_ATTRIBUTES | {"type": "search"}),
        error_messages={
            "required": _("Write the words you are looking for."),
            "max_length": _("A search holds 100 characters."),
            "null_characters_not_allowed": _("One character here can’t be in a letter."),
        },
    )
    # Where the previous search stopped.
    at = TrustedField(_parse_moment)
    id = TrustedField(UUID)

    @property
    def after(self) -> tuple[datetime, UUID] | None:
        at, id = self.cleaned_data["at"], self.cleaned_data["id"]
        return (at, id) if at and id else None
