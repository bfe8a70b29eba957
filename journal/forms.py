from typing import Any
from uuid import uuid4

from django import forms
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _

from journal.models import LetterContents

MOST_CHARACTERS = 100_000


def _as_shown(text: str) -> str:
    """Lines ended as the browser shows them, so that what is kept is what was on the screen."""
    return text.replace("\r\n", "\n")


class LetterForm(forms.Form):
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
    body = forms.CharField(
        label=_("What would you say, if it could not hurt you?"),
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

    def clean_to(self) -> str:
        return str(self.cleaned_data["to"])

    def clean_body(self) -> str:
        body = _as_shown(self.cleaned_data["body"])
        if not body.strip():
            raise forms.ValidationError(self.fields["body"].error_messages["required"])
        return body

    @property
    def contents(self) -> LetterContents:
        return LetterContents(to=self.cleaned_data["to"], body=self.cleaned_data["body"])


class NewLetterForm(LetterForm):
    """A first keep. The id is given to the page, so that pressing twice makes one letter."""

    id = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"id": uuid4()})
