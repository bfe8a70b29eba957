"""Forms about second factors, in the place of allauth’s own."""

from typing import Any

from allauth.core import context
from allauth.core.internal import ratelimit
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as second_step
from allauth.mfa.internal.flows.add import validate_can_add_authenticator
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import validate_totp_code
from allauth.mfa.webauthn import forms as by_passkey
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.forms import CodeField
from accounts.mfa import passkeys
from accounts.models import User
from vault.sealing import CannotOpen

# Whoever reads it need not be who tried, and the longest of the counts goes over a day.
TOO_MANY = _(
    "There were many wrong codes. Wait a few minutes, then try again."
    " After very many it can take up to a day."
)


class CredentialField(forms.JSONField):
    """What a browser says for a passkey, put here by `passkey.js`."""

    widget = forms.HiddenInput

    # Far more than any passkey needs.
    LONGEST = 20_000

    def __init__(self) -> None:
        nothing = _("This browser did not hand over a passkey. Nothing was changed.")
        super().__init__(error_messages={"required": nothing, "invalid": nothing})

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and len(value) > self.LONGEST:
            raise ValidationError(passkeys.NOT_KNOWN)
        try:
            return super().to_python(value)
        except (RecursionError, ValueError) as error:
            # Too deep, or a number too long, for Python to read.
            raise ValidationError(passkeys.NOT_KNOWN) from error


class SecondStep(second_step.BaseAuthenticateForm):  # type: ignore[misc]
    code = CodeField(
        help_text=_("Six digits from your app, or one of your recovery codes."),
        required=_("Write a code."),
    )

    def clean_code(self) -> str:
        """In allauth's place: its own would let whoever has an account here clear, by using it,
        the count of what was tried against others from the same client."""
        tries = ratelimit.consume(
            context.request, app="allauth.account", action="second_step", key=str(self.user.pk)
        )
        if not tries:
            raise ValidationError(TOO_MANY)
        code: str = self.cleaned_data["code"]
        self.authenticator = self._shown_by(code)
        tries.rollback()
        return code

    def _shown_by(self, code: str) -> Authenticator:
        """What this code comes from. Raises CannotOpen if that may be what does not open."""
        is_closed = False
        for factor in Authenticator.objects.filter(user=self.user).exclude(type="webauthn"):
            try:
                if factor.wrap().validate_code(code):
                    factor.user = self.user
                    return factor
            except (CannotOpen, KeyError):
                is_closed = True
        if is_closed:
            raise CannotOpen
        raise get_adapter().validation_error("incorrect_code")


class SecondStepForm(SecondStep, second_step.AuthenticateForm):  # type: ignore[misc]
    pass


class SecondStepAgainForm(SecondStep, second_step.ReauthenticateForm):  # type: ignore[misc]
    pass


class AppForm(forms.Form):
    """Shows that the app has the secret."""

    code = CodeField(
        help_text=_("The six digits that it shows now."),
        required=_("Write the code that the app shows."),
    )

    def __init__(self, *args: Any, person: User, secret: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        self.secret = secret

    def clean_code(self) -> str:
        validate_can_add_authenticator(self.person)
        code: str = self.cleaned_data["code"]
        if not validate_totp_code(self.secret, code):
            raise get_adapter().validation_error("incorrect_code")
        return code


class NewPasskeyForm(forms.Form):
    credential = CredentialField()

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person

    def clean_credential(self) -> dict[str, Any]:
        validate_can_add_authenticator(self.person)
        return passkeys.made(self.cleaned_data["credential"])


class PasskeyForm(by_passkey.AuthenticateWebAuthnForm):  # type: ignore[misc]
    credential = CredentialField()

    def clean_credential(self) -> Authenticator:
        return passkeys.proved(self.user, self.cleaned_data["credential"])


class PasskeyAgainForm(PasskeyForm):
    reauthenticated = True


class PasskeySignInForm(PasskeyForm):
    passwordless = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, user=None, **kwargs)
