"""Forms about second factors, in place of allauth's own."""

from typing import Any

from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as allauth
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import forms as allauth_webauthn
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.allauth_internals import ratelimit, validate_can_add_authenticator
from accounts.forms import CodeField
from accounts.mfa import app_codes, passkeys
from accounts.models import User
from accounts.returned_forms import not_writing
from vault.sealing import CannotOpen

# The wrong codes may be somebody else's; the longest of the limits covers a day.
TOO_MANY_CODES = _(
    "There were many wrong codes. Wait a few minutes, then try again."
    " After very many it can take up to a day."
)


class CredentialField(forms.JSONField):
    """The browser's WebAuthn response, filled in by `passkey.js`."""

    widget = forms.HiddenInput

    # Far more than any passkey needs.
    MAX_LENGTH = 20_000

    def __init__(self) -> None:
        nothing = _("This browser did not hand over a passkey. Nothing was changed.")
        super().__init__(error_messages={"required": nothing, "invalid": nothing})

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and len(value) > self.MAX_LENGTH:
            raise ValidationError(passkeys.UNKNOWN_PASSKEY)
        try:
            return super().to_python(value)
        except (RecursionError, ValueError) as error:
            # Nested too deeply, or a number with too many digits, for Python's JSON parser.
            raise ValidationError(passkeys.UNKNOWN_PASSKEY) from error


@not_writing("code", account_pages_only=True)
class CodeForm(allauth.BaseAuthenticateForm):
    """A code from an app, or a recovery code."""

    # The name of its rate limit.
    action = "second_step"

    code = CodeField(
        help_text=_("Six digits from your app, or one of your recovery codes."),
        required=_("Write a code."),
    )

    def clean_code(self) -> str:
        """Replaces allauth's: there, a right code clears the limit per client, so somebody with an
        account could keep clearing it while guessing at others."""
        usage = ratelimit.consume(
            context.request, app="allauth.account", action=self.action, key=str(self.user.pk)
        )
        if not usage:
            raise ValidationError(TOO_MANY_CODES)
        code: str = self.cleaned_data["code"]
        self.authenticator = self._authenticator_for(code)
        usage.rollback()
        return code

    def _authenticator_for(self, code: str) -> Authenticator:
        """Return the authenticator this code belongs to. Raises ValidationError if it belongs to
        none, and CannotOpen if it may belong to one that is unreadable."""
        is_unreadable = False
        for factor in Authenticator.objects.filter(user=self.user).exclude(type="webauthn"):
            try:
                if _counts(factor, code):
                    factor.user = self.user
                    return factor
            except (CannotOpen, KeyError):
                is_unreadable = True
        if is_unreadable:
            raise CannotOpen
        raise get_adapter().validation_error("incorrect_code")


def _counts(factor: Authenticator, code: str) -> bool:
    if factor.type == Authenticator.Type.TOTP:
        return app_codes.use(factor, code)
    return bool(factor.wrap().validate_code(code))


class SignInCodeForm(CodeForm, allauth.AuthenticateForm):
    pass


class ReauthenticateCodeForm(CodeForm, allauth.ReauthenticateForm):
    # Of its own: somebody who knows the password, and has no session, cannot use it up.
    action = "second_step_in_session"


@not_writing("code", account_pages_only=True)
class AddAppForm(forms.Form):
    """A code that proves that the app has the secret."""

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
        if not app_codes.fits(self.secret, code):
            raise get_adapter().validation_error("incorrect_code")
        return code


@not_writing("credential", account_pages_only=True)
class AddPasskeyForm(forms.Form):
    credential = CredentialField()

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person

    def clean_credential(self) -> dict[str, Any]:
        validate_can_add_authenticator(self.person)
        return passkeys.verify_registration(self.cleaned_data["credential"])


@not_writing("credential", account_pages_only=True)
class SecondFactorPasskeyForm(allauth_webauthn.AuthenticateWebAuthnForm):
    credential = CredentialField()

    def clean_credential(self) -> Authenticator:
        return passkeys.verify_authentication(self.user, self.cleaned_data["credential"])


class ReauthenticatePasskeyForm(SecondFactorPasskeyForm):
    reauthenticated = True


class SignInPasskeyForm(SecondFactorPasskeyForm):
    """A sign-in by passkey alone; the passkey says whose it is."""

    passwordless = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, user=None, **kwargs)
