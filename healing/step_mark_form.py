from django import forms

from healing.models import StepMark

OPEN = "open"


class StepMarkForm(forms.Form):
    """Settled, set aside, or open again."""

    state = forms.ChoiceField(choices=[*StepMark.State.choices, (OPEN, "")])
