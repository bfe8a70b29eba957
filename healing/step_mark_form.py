from django import forms

from accounts.returned_forms import not_writing
from healing.models import StepMark

OPEN = "open"


@not_writing("state")
class StepMarkForm(forms.Form):
    """Settled, set aside, or open again."""

    state = forms.ChoiceField(choices=[*StepMark.State.choices, (OPEN, "")])
