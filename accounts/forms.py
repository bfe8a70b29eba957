"""allauth's forms in our words, one field per password, nothing but what is needed."""

from typing import Any
from uuid import uuid4

from allauth.account import forms as allauth
from allauth.account.fields import EmailField, PasswordField, SetPasswordField
from allauth.account.internal.flows.password_reset_by_code import (
    PASSWORD_RESET_VERIFICATION_SESSION_KEY,
)
from allauth.core import context
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, RegexValidator
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts import code_attempts, enumeration, invitations
from accounts.models import CONSENT_VERSION, User, UserManager
from accounts.rate_limits import why_wait
from accounts.unverified import NOWHERE, is_unverified, make_room

LONGEST_PASSWORD = 128
LONGEST_ADDRESS = 254
WRITE_THE_CODE = _("Write the code from the mail.")
NOT_AN_ADDRESS = _("This does not look like an email address. Check it for a slip.")
NOT_MAILED = _("No mail reaches this address. Use one that you can read.")
NOT_INVITED = _(
    "This invitation has been used, or it has ended, so no account was made."
    " Whoever gave it to you can make another one."
)
# Control signs, and what else counts as the end of a line; and quotes, between which an address may
# hold any sign, so that one mailbox has many spellings.
NOT_TAKEN = r'[\x00-\x1f\x7f-\x9f\u2028\u2029"]'

# How the choice without a time is sent.
UNTIL_SIGNED_OUT = "out"

hint_with_link = lazy(format_html, str)


class AddressField(EmailField):  # type: ignore[misc]
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=_("Email address"),
            validators=[
                MaxLengthValidator(
                    LONGEST_ADDRESS, _("This address is longer than an email address can be.")
                ),
                RegexValidator(NOT_TAKEN, NOT_AN_ADDRESS, inverse_match=True),
            ],
            widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
            error_messages={
                "required": _("Write your email address."),
                "invalid": NOT_AN_ADDRESS,
            },
            **kwargs,
        )

    def to_python(self, value: Any) -> str:
        """In small letters before anything is asked of it: some signs are two then."""
        return UserManager.normalize_email(super().to_python(value))


class MailedAddressField(AddressField):
    """An address that we will write to."""

    def clean(self, value: Any) -> Any:
        value = super().clean(value)
        mailbox, _at, domain = str(value).rpartition("@")
        # Django takes “ı” and “ſ” for the letters of their capitals. Mail would go to another one.
        if not mailbox.isascii():
            raise ValidationError(NOT_AN_ADDRESS, "invalid")
        # Our mail server would take these for itself, or for a machine behind it. Where the site
        # is on a laptop, so is its mail.
        is_local = domain == "localhost" and settings.SITE.hostname != "localhost"
        if is_local or domain.startswith("["):
            raise ValidationError(NOT_MAILED, "invalid")
        return value


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
    def __init__(self, *, required: Any = WRITE_THE_CODE, **kwargs: Any) -> None:
        super().__init__(
            label=_("Code"),
            widget=forms.TextInput(
                attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "size": "12"}
            ),
            error_messages={"required": required},
            **kwargs,
        )


class Mailing:
    """Before each of allauth’s forms that make us write to the address in them."""

    errors: Any
    cleaned_data: dict[str, Any]

    def clean(self) -> Any:
        cleaned = super().clean()  # type: ignore[misc]
        if not self.errors and (wait := why_wait(context.request, self.cleaned_data["email"])):
            raise ValidationError(wait)
        return cleaned


class SignupForm(Mailing, allauth.SignupForm):  # type: ignore[misc]
    account_already_exists: bool

    email = MailedAddressField(
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

    def clean(self) -> Any:
        cleaned = super().clean()
        if self.errors:
            return cleaned
        # Last, so that nothing that stands in the way uses it up.
        by_invitation = settings.REGISTRATION == "invitation"
        if by_invitation and not invitations.take(context.request, now=timezone.now()):
            raise ValidationError(NOT_INVITED)
        return cleaned

    def signup(self, request: HttpRequest, user: User) -> None:
        """allauth calls this once the account is stored."""
        user.consent(version=CONSENT_VERSION, now=timezone.now())

    def try_save(self, request: HttpRequest) -> Any:
        """The account, or the answer that looks the same where there already is one."""
        if make_room(self.cleaned_data["email"], now=timezone.now()):
            self.account_already_exists = False
        if self.account_already_exists:
            return self._pretend(request)
        try:
            with transaction.atomic():
                person, response = super().try_save(request)
        except IntegrityError:
            # Meanwhile it has become somebody’s: by a change of theirs, or by this same form, sent
            # before and slow.
            self.account_already_exists = True
            return super().try_save(request)
        invitations.note_made(request, person)
        return person, response

    def _pretend(self, request: HttpRequest) -> Any:
        """All the work that making an account is, for nobody, and taken back."""
        address = self.cleaned_data["email"]
        self.cleaned_data["email"] = f"{uuid4().hex}@{NOWHERE}"
        self.account_already_exists = False
        with transaction.atomic():
            self.save(request)
            transaction.set_rollback(True)
        self.cleaned_data["email"] = address
        self.account_already_exists = True
        enumeration.ask(enumeration.AFTER_SIGN_UP)
        return super().try_save(request)


class LoginForm(allauth.LoginForm):  # type: ignore[misc]
    password = CurrentPasswordField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = AddressField()

    def clean(self) -> Any:
        cleaned = super().clean()
        # Only the right password comes this far. A code is sent where the address is unconfirmed.
        gets_code = self.user and is_unverified(self.user)
        if gets_code and (wait := why_wait(context.request, self.user.email)):
            raise ValidationError(wait)
        return cleaned


class ReauthenticateForm(allauth.ReauthenticateForm):  # type: ignore[misc]
    password = CurrentPasswordField()


class ResetPasswordForm(Mailing, allauth.ResetPasswordForm):  # type: ignore[misc]
    email = MailedAddressField()

    def clean_email(self) -> str:
        """In allauth's place, which asks the database more often about some addresses."""
        address = UserManager.normalize_email(self.cleaned_data["email"])
        self.users = list(User.objects.filter(email=address, is_active=True))
        return address

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        address: str = super().save(request, **kwargs)
        state = request.session[PASSWORD_RESET_VERIFICATION_SESSION_KEY]
        # allauth forgets it when the code comes back, and counts from then.
        state[code_attempts.BEGAN_AT] = state["at"]
        if not self.users:
            # So that each try of a code looks for somebody, too.
            state |= {"user_id": str(uuid4()), enumeration.NOBODY: True}
        request.session.modified = True
        return address


class ResetPasswordKeyForm(allauth.ResetPasswordKeyForm):  # type: ignore[misc]
    password1 = NewPasswordField()
    password2 = None


class ChangePasswordForm(allauth.ChangePasswordForm):  # type: ignore[misc]
    oldpassword = CurrentPasswordField(label=_("Your password now"))
    password1 = NewPasswordField()
    password2 = None


class ConfirmEmailForm(allauth.ConfirmEmailVerificationCodeForm):  # type: ignore[misc]
    code = CodeField()

    def clean_code(self) -> str:
        """The code alone. Who else has the address is settled when it is confirmed: allauth would
        hold it for a sign-up that nobody confirmed."""
        code: str = allauth.BaseConfirmCodeForm.clean_code(self)
        return code


class ConfirmResetForm(allauth.ConfirmPasswordResetCodeForm):  # type: ignore[misc]
    code = CodeField()


class LockForm(forms.Form):
    after = forms.TypedChoiceField(
        label=_("Lock my pages"),
        help_text=_(
            "A locked page shows nothing. It opens with your password, or with a second step if you"
            " have one."
        ),
        coerce=lambda chosen: None if chosen == UNTIL_SIGNED_OUT else int(chosen),
        empty_value=None,
        choices=[
            (5, _("after 5 quiet minutes")),
            (15, _("after 15 quiet minutes")),
            (60, _("after an hour")),
            (UNTIL_SIGNED_OUT, _("not by themselves: I sign out, or 30 days pass")),
        ],
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose a time."),
            "invalid_choice": _("Choose a time from the list."),
        },
    )


class NewAddressForm(Mailing, allauth.AddEmailForm):  # type: ignore[misc]
    email = MailedAddressField(help_text=_("A code goes there, to see that it reaches you."))

    def __init__(self, data: Any = None, *, user: User) -> None:
        super().__init__(user, data)
        self.fields["email"].label = _("New email address")
