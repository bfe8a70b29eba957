from django import forms

from healing.models import StepMark


class MarkForm(forms.Form):
    """Settled, set aside, or open again."""

    state = forms.ChoiceField(choices=[*StepMark.State.choices, ("open", "")])
