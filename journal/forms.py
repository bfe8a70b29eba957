from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _

from journal.actions import Sheet
from journal.letter_kinds import Kind
from journal.models import EditSession, Words
from mail.quiet_hours import HOUR_LABELS

MOST_CHARACTERS = 100_000
# Whoever has written for so long is offered a moment to look up.
LONG = timedelta(minutes=10)
# Nobody sits down for longer: it is another day.
ONE_SITTING = timedelta(hours=6)
# How far ahead a letter can be sealed.
FURTHEST = timedelta(days=366 * 20)

# How a body may be when the pen is down: words, and no order of better or worse.
BODY_NOW = {
    "heavy": _("heavy"),
    "tight": _("tight"),
    "shaky": _("shaky"),
    "tired": _("tired"),
    "warm": _("warm"),
    "lighter": _("lighter"),
}


class Lines(forms.CharField):
    """Lines ended as the browser shows them, so that what is kept and counted is what was on the
    screen."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


class TrustedField(forms.Field):
    """What a page of ours has put there by itself. Anything else in its place is as good as
    nothing: no words are refused for it. `read` raises ValueError where it is not what we put."""

    widget = forms.HiddenInput

    def __init__(self, read: Callable[[str], Any], nothing: Any = None) -> None:
        super().__init__(required=False)
        self.read, self.nothing = read, nothing

    def __deepcopy__(self, memo: Any) -> "TrustedField":
        # No form changes it, and each form would copy a dozen of them.
        return self

    def clean(self, value: Any) -> Any:
        try:
            return self.read(value or "")
        except (ValueError, OverflowError):
            return self.nothing


def _count(text: str) -> int:
    number = int(text)
    if not 0 <= number < 2**31:
        raise ValueError
    return number


def _seconds(text: str) -> int:
    number = int(text)
    # Beyond this there is no such day.
    if not 0 <= number < 2**37:
        raise ValueError
    return number


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    # Raises where it lies beyond what a calendar holds in another zone.
    return moment.astimezone(UTC)


class SinceForm(forms.Form):
    """When they sat down, in seconds as computers count them."""

    since = TrustedField(_seconds)


class PaperForm(forms.Form):
    """The paper. No address field, no recipient: a letter cannot be sent from here."""

    all_optional = True

    to = forms.CharField(
        label=_("Dear"),
        help_text=_("A nickname or one letter is fine."),
        required=False,
        strip=False,
        validators=[MaxLengthValidator(100, _("This line holds 100 characters."))],
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"null_characters_not_allowed": _("One sign in this line cannot be kept.")},
    )
    body = Lines(
        strip=False,
        validators=[
            MaxLengthValidator(
                MOST_CHARACTERS,
                _("This is longer than one letter holds (100,000 characters). Nothing was lost."),
            )
        ],
        widget=forms.Textarea(attrs={"rows": 10, "class": "letter", "autocomplete": "off"}),
        error_messages={
            "required": _("The paper is still empty. One line counts as a letter."),
            "null_characters_not_allowed": _(
                "There is a sign in this text that cannot be kept. Take it out and try again."
            ),
        },
    )
    # Which letter this is, and which of its words the paper was begun from; 0 for a new one.
    id = forms.UUIDField(widget=forms.HiddenInput)
    version = TrustedField(_count, 0)
    # Where words of this paper went that came too late, and the letter that this one answers.
    revision = TrustedField(UUID)
    answers = TrustedField(UUID)
    # When they sat down, in seconds as computers count them.
    since = TrustedField(_seconds)
    # Its kind, which is not known any more where the letter is gone.
    kind = TrustedField(str, "")
    # Which open page this is, how often it has sent words, and whether these may have come before;
    # put there by the script.
    sitting = TrustedField(UUID)
    turn = TrustedField(_count, 0)
    waited = TrustedField(bool, False)

    def __init__(self, kind: Kind, data: Any = None, initial: dict[str, Any] | None = None) -> None:
        given = {"id": uuid4(), "version": 0, "kind": kind.key}
        super().__init__(data, initial=given | (initial or {}))
        self.fields["body"].label = str(kind.question)
        if not kind.has_reader:
            del self.fields["to"]

    def clean_to(self) -> str:
        return str(self.cleaned_data["to"])

    def clean_body(self) -> str:
        body = str(self.cleaned_data["body"])
        if not body.strip():
            raise forms.ValidationError(self.fields["body"].error_messages["required"])
        return body

    def has_taken_long(self, now: datetime) -> bool:
        """Whether they have sat at this paper for a while."""
        since = self.cleaned_data["since"]
        return since is not None and now.timestamp() - since >= LONG.total_seconds()

    @property
    def sheet(self) -> Sheet:
        sent = self.cleaned_data
        return Sheet(
            words=Words(to=sent.get("to", ""), body=sent["body"]),
            version=sent["version"],
            revision=sent["revision"],
            sitting=sent["sitting"] and EditSession(sent["sitting"], sent["turn"]),
            has_waited=sent["waited"],
        )


class ChooseForm(forms.Form):
    """Which of two texts is to stand in a letter."""

    keep = TrustedField(str, "")
    version = TrustedField(_count, 0)


class OpeningForm(forms.Form):
    opening = forms.CharField(
        label=_("A first line of your own"),
        help_text=_("It is kept beside this kind of letter, for another evening."),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={
            "required": _("There is no line yet. Write one first."),
            "max_length": _("A first line holds 200 characters."),
            "null_characters_not_allowed": _("One sign in this line cannot be kept."),
        },
    )


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
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={
            "max_length": _("This line holds 200 characters."),
            "null_characters_not_allowed": _("One sign in this line cannot be kept."),
        },
    )


class SealForm(forms.Form):
    """`today` is the day in the writer's own zone."""

    day = forms.DateField(
        label=_("Closed until"),
        widget=forms.DateInput(attrs={"type": "date", "autocomplete": "off"}),
        error_messages={
            "required": _("Choose the day on which it may be opened."),
            "invalid": _("This day is in no calendar. Write it like 2027-03-12."),
        },
    )
    tell_hour = forms.TypedChoiceField(
        label=_("Shall a mail tell you on that day?"),
        help_text=_("It says that something you set aside is ready, and nothing else."),
        coerce=int,
        empty_value=None,
        required=False,
        choices=[("", _("No mail")), *HOUR_LABELS.items()],
        error_messages={"invalid_choice": _("Choose a time from the list.")},
    )

    def __init__(self, today: date, data: Any = None) -> None:
        super().__init__(data)
        self.today = today
        tomorrow = today + timedelta(days=1)
        self.fields["day"].widget.attrs |= {
            "min": tomorrow.isoformat(),
            "max": (today + FURTHEST).isoformat(),
        }

    def clean_day(self) -> date:
        day: date = self.cleaned_data["day"]
        if day <= self.today:
            raise forms.ValidationError(_("Choose a day after today."))
        if day > self.today + FURTHEST:
            raise forms.ValidationError(_("This is too far away. Choose a day within 20 years."))
        return day


class LetGoForm(forms.Form):
    leaves_line = forms.BooleanField(
        label=_("Leave a blank line with the day on my shelf"), required=False
    )


class SearchForm(forms.Form):
    text = forms.CharField(
        label=_("Words in my own letters"),
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
        error_messages={
            "required": _("Write the words you are looking for."),
            "max_length": _("A search holds 100 characters."),
            "null_characters_not_allowed": _("There is a sign in this that no letter can hold."),
        },
    )
    # Where an earlier search stopped.
    at = TrustedField(_moment)
    id = TrustedField(UUID)
