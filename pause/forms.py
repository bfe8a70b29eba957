from uuid import UUID, uuid4

from django import forms
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _

from accounts.private_input_attributes import PRIVATE_INPUT_ATTRIBUTES
from accounts.returned_forms import not_writing
from accounts.unstripped_char_field import UnstrippedCharField
from pause.models import MAX_CHARACTERS, MINUTES

# How somebody may be after writing to them all the same: words, never a scale.
HOW_NOW = {
    "calmer": _("calmer"),
    "relieved": _("relieved"),
    "waiting": _("waiting"),
    "sorry": _("sorry about it"),
    "sad": _("sad"),
    "angry": _("angry"),
    "empty": _("empty"),
    "unsure": _("hard to say"),
}


@not_writing("id", "minutes")
class BeginForm(forms.Form):
    """What somebody would send now. Its buttons send how many minutes to wait."""

    all_optional = True

    words = UnstrippedCharField(
        label=_("What you would send them"),
        required=False,
        validators=[
            MaxLengthValidator(
                MAX_CHARACTERS,
                _("This is longer than fits here (100,000 characters). Nothing was lost."),
            )
        ],
        widget=forms.Textarea(attrs=PRIVATE_INPUT_ATTRIBUTES | {"rows": 5, "class": "letter"}),
        error_messages={
            "null_characters_not_allowed": _(
                "One character here can’t be saved. Take it out and try again."
            ),
        },
    )
    trigger = UnstrippedCharField(
        label=_("What set it off?"),
        help_text=_("A song, a date, a photo, an hour. You can leave it empty."),
        required=False,
        validators=[MaxLengthValidator(200, _("This line holds 200 characters."))],
        widget=forms.TextInput(attrs=PRIVATE_INPUT_ATTRIBUTES),
        error_messages={"null_characters_not_allowed": _("One character here can’t be saved.")},
    )

    # Our own page sends these: nobody's words are refused because of them.
    id = forms.Field(required=False, widget=forms.HiddenInput)
    minutes = forms.Field(required=False, widget=forms.HiddenInput)

    def clean_id(self) -> UUID:
        """Return the id of the page."""
        try:
            return UUID(self.cleaned_data["id"] or "")
        except ValueError:
            return uuid4()

    def clean_minutes(self) -> int:
        sent = self.cleaned_data["minutes"]
        return next((minutes for minutes in MINUTES if sent == str(minutes)), MINUTES[0])


@not_writing()
class HowNowForm(forms.Form):
    all_optional = True

    how_now = forms.ChoiceField(
        label=_("How are you now?"),
        choices=list(HOW_NOW.items()),
        widget=forms.RadioSelect,
        required=False,
        error_messages={"invalid_choice": _("Choose one of these words, or none.")},
    )
    now_words = UnstrippedCharField(
        label=_("A few words, if you like"),
        required=False,
        validators=[MaxLengthValidator(200, _("This line holds 200 characters."))],
        widget=forms.TextInput(attrs=PRIVATE_INPUT_ATTRIBUTES),
        error_messages={"null_characters_not_allowed": _("One character here can’t be saved.")},
    )
