from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.reauthentication_rate_limits import RATE_LIMITED, check_password_in_session
from accounts.returned_forms import not_writing


@not_writing()
class EraseForm(forms.Form):
    """Ask for the password again, so that an open session is not enough to erase an account."""

    password = forms.CharField(
        label=_("Your password, so that nobody else can do this for you"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": _("Your password is needed for this.")},
    )

    def __init__(self, person: User, data: Any = None) -> None:
        self.person = person
        super().__init__(data)

    @property
    def is_rate_limited(self) -> bool:
        return self.has_error("password", RATE_LIMITED)

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        if not check_password_in_session(self.person, password):
            raise forms.ValidationError(
                _("That is not the password of this account. Nothing was erased.")
            )
        return password
