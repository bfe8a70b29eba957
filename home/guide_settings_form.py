from django import forms

from accounts.returned_forms import not_writing


@not_writing("asks_why")
class GuideSettingsForm(forms.Form):
    """Its button sends `asks_why`, or nothing to take it back."""

    asks_why = forms.BooleanField(required=False)
