from typing import Any
from uuid import UUID, uuid4

from django import forms

from accounts.returned_forms import not_writing
from healing.models import StepMark

OPEN = "open"


@not_writing("state")
class MarkForm(forms.Form):
    """Settled, set aside, or open again."""

    state = forms.ChoiceField(choices=[*StepMark.State.choices, (OPEN, "")])


@not_writing("id")
class NewAnswerForm(forms.Form):
    """The id that a page gives to what will be written on it: pressed twice, it is kept once."""

    id = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"id": uuid4()})

    @property
    def given(self) -> UUID:
        """The page's id; a fresh one where the page was tampered with."""
        found: UUID = self.cleaned_data["id"] if self.is_valid() else uuid4()
        return found
