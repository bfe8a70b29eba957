"""A text field that strips nothing off what was typed."""

from typing import Any

from django import forms


class UnstrippedCharField(forms.CharField):
    """Text as it was typed: nothing stripped. Text of whitespace alone counts as empty.

    Browsers submit line ends as CRLF and show and count them as LF (HTML Standard, “constructing
    the form data set”): they become LF, so that what is stored is what was on the screen.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)

    def to_python(self, value: Any) -> str:
        text = (super().to_python(value) or "").replace("\r\n", "\n")
        return text if text.strip() else ""
