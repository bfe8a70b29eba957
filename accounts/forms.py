"""allauth's forms in our words, one field per password, nothing but what is needed."""

from typing import Any

from allauth.account import forms as allauth
from allauth.account.fields import EmailField, PasswordField, SetPasswordField
from django import forms
from django.contrib.auth.hashers import make_password
from django.core.validators import MaxLengthValidator, RegexValidator
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.models import CONSENT_VERSION, User

LONGEST_PASSWORD = 128
LONGEST_ADDRESS = 254
NOT_AN_ADDRESS = _("This does not look like an email address. Check it for a slip.")
# Control signs, and what else counts as the end of a line.
UNSEEN = r"[\x00-\x1f\x7f-\x9f\u2028\u2029]"

hint_with_link = lazy(format_html, str)


class AddressField(EmailField):  # type: ignore[misc]
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=_("Email address"),
            validators=[
                MaxLengthValidator(
                    LONGEST_ADDRESS, _("This address is longer than an email address can be.")
                ),
                # Between quotes an address may hold signs that end the line in a mail's header.
                RegexValidator(UNSEEN, NOT_AN_ADDRESS, inverse_match=True),
            ],
            widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
            error_messages={
                "required": _("Write your email address."),
                "invalid": NOT_AN_ADDRESS,
            },
            **kwargs,
        )


class CurrentPasswordField(PasswordField):  # type: ignore[misc]
    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Password"))
        super().__init__(
            autocomplete="current-password",
            error_messages={"required": _("Write your password.")},
            **kwargs,
        )
        del self.widget.attrs["placeholder"]


class NewPasswordField(SetPasswordField):  # type: ignore[misc]
    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("New password"))
        super().__init__(
            help_text=_("At least 10 characters. A short sentence works well."),
            # Not max_length: the browser would cut what is pasted, without a word.
            validators=[MaxLengthValidator(LONGEST_PASSWORD, _("Use at most 128 characters."))],
            error_messages={"required": _("Choose a password.")},
            **kwargs,
        )
        del self.widget.attrs["placeholder"]


class CodeField(forms.CharField):
    def __init__(self) -> None:
        super().__init__(
            label=_("Code"),
            widget=forms.TextInput(
                attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "size": "12"}
            ),
            error_messages={"required": _("Write the code from the mail.")},
        )


class SignupForm(allauth.SignupForm):  # type: ignore[misc]
    account_already_exists: bool

    email = AddressField(
        help_text=hint_with_link(
            '{} <a href="{}">{}</a>',
            _("Choose an address only you can open."),
            reverse_lazy("safety:safety"),
            _("What to think about first"),
        ),
    )
    consent = forms.BooleanField(
        label=_(
            "I agree that what I write here is stored for me, sealed, until I erase it."
            " It may touch my health, my feelings and my private life."
        ),
        help_text=hint_with_link(
            '{} <a href="{}">{}</a>',
            _("You can take this back whenever you like, by erasing your account."),
            reverse_lazy("healing:privacy"),
            _("How your words are kept"),
        ),
        error_messages={
            "required": _(
                "Tick the box if you agree. Without it we cannot keep anything you write,"
                " and you can still read everything."
            ),
        },
    )

    field_order = ("email", "password1", "consent")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # allauth puts its own label and password field in while it is being made.
        self.fields["email"].label = self.base_fields["email"].label
        self.fields["password1"] = NewPasswordField(label=_("Password"))

    def signup(self, request: HttpRequest, user: User) -> None:
        """allauth calls this once the account is stored."""
        user.consent(version=CONSENT_VERSION, now=timezone.now())

    def try_save(self, request: HttpRequest) -> Any:
        """The account, or the answer that looks the same where there already is one."""
        if self.account_already_exists:
            # Making an account hashes the password. Not making one takes as long.
            make_password(self.cleaned_data["password1"])
            return super().try_save(request)
        try:
            with transaction.atomic():
                return super().try_save(request)
        except IntegrityError:
            # The same form was sent twice and the other one was quicker.
            self.account_already_exists = True
            return super().try_save(request)


class LoginForm(allauth.LoginForm):  # type: ignore[misc]
    password = CurrentPasswordField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = AddressField()


class ReauthenticateForm(allauth.ReauthenticateForm):  # type: ignore[misc]
    password = CurrentPasswordField()


class ResetPasswordForm(allauth.ResetPasswordForm):  # type: ignore[misc]
    email = AddressField()


class ResetPasswordKeyForm(allauth.ResetPasswordKeyForm):  # type: ignore[misc]
    password1 = NewPasswordField()
    password2 = None


class ChangePasswordForm(allauth.ChangePasswordForm):  # type: ignore[misc]
    oldpassword = CurrentPasswordField(label=_("Your password now"))
    password1 = NewPasswordField()
    password2 = None


class ConfirmEmailForm(allauth.ConfirmEmailVerificationCodeForm):  # type: ignore[misc]
    code = CodeField()


class ConfirmResetForm(allauth.ConfirmPasswordResetCodeForm):  # type: ignore[misc]
    code = CodeField()
