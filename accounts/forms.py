"""allauth's forms with our texts, one field per password, and no field that is not needed."""

import unicodedata
from typing import Any
from uuid import uuid4

from allauth.account import forms as allauth
from allauth.account.adapter import get_adapter
from allauth.account.fields import EmailField, PasswordField, SetPasswordField
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
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts import decoy_queries, invitations, mailed_code_attempts
from accounts.allauth_internals import PASSWORD_RESET_VERIFICATION_SESSION_KEY
from accounts.mail_rate_limits import mail_refusal
from accounts.models import CONSENT_VERSION, User, UserManager
from accounts.reauthentication_rate_limits import check_password_in_session
from accounts.returned_forms import not_writing
from accounts.time_zones import NO_ZONE_CHOSEN, current_zone
from accounts.unverified import PLACEHOLDER_DOMAIN, is_unverified, release_stale_address
from mail.addresses import CannotBeWritten, check_written_as_typed

PASSWORD_MAX_LENGTH = 128
ADDRESS_MAX_LENGTH = 254
# Far more than any code has, with spaces and invisible characters.
CODE_MAX_LENGTH = 200
WRITE_THE_CODE = _("Write the code from the mail.")
NOT_AN_ADDRESS = _("This does not look like an email address. Check it for a slip.")
NOT_MAILED = _("No mail reaches this address. Use one that you can read.")
NOT_INVITED = _(
    "This invitation has been used, or it has ended, so no account was made."
    " Whoever gave it to you can make another one."
)
# Control characters and line separators could end a mail header. Between quotes an address may
# contain anything, which gives one mailbox many spellings.
FORBIDDEN_IN_ADDRESS = r'[\x00-\x1f\x7f-\x9f\u2028\u2029"]'

# The posted value of the choice never to lock.
UNTIL_SIGNED_OUT = "out"

hint_with_link = lazy(format_html, str)


class AddressField(EmailField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=_("Email address"),
            validators=[
                MaxLengthValidator(
                    ADDRESS_MAX_LENGTH, _("This address is longer than an email address can be.")
                ),
                RegexValidator(FORBIDDEN_IN_ADDRESS, NOT_AN_ADDRESS, inverse_match=True),
            ],
            widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
            error_messages={
                "required": _("Write your email address."),
                "invalid": NOT_AN_ADDRESS,
            },
            **kwargs,
        )

    def to_python(self, value: Any) -> str:
        """Lowercase before validation: some characters become two, and the address longer."""
        return UserManager.normalize_email(super().to_python(value))


class MailedAddressField(AddressField):
    """An address that we are going to send mail to."""

    def clean(self, value: Any) -> Any:
        value = super().clean(value)
        mailbox, _at, domain = str(value).rpartition("@")
        # Django's case-insensitive pattern accepts “ı” and “ſ” as i and s: the mail would go to
        # another mailbox.
        if not mailbox.isascii():
            raise ValidationError(NOT_AN_ADDRESS, "invalid")
        # Our mail server would deliver these to itself or to a machine behind it. Only a site on a
        # laptop receives its mail there.
        is_local = domain == "localhost" and settings.SITE.hostname != "localhost"
        if is_local or domain.startswith("["):
            raise ValidationError(NOT_MAILED, "invalid")
        try:
            check_written_as_typed(value)
        except CannotBeWritten as error:
            raise ValidationError(NOT_AN_ADDRESS, "invalid") from error
        return value


class CurrentPasswordField(PasswordField):
    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Password"))
        super().__init__(
            autocomplete="current-password",
            error_messages={"required": _("Write your password.")},
            **kwargs,
        )
        del self.widget.attrs["placeholder"]


class NewPasswordField(SetPasswordField):
    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("New password"))
        super().__init__(
            help_text=_("At least 10 characters. A short sentence works well."),
            # Not max_length: the browser would silently cut off a pasted password.
            validators=[MaxLengthValidator(PASSWORD_MAX_LENGTH, _("Use at most 128 characters."))],
            error_messages={"required": _("Choose a password.")},
            **kwargs,
        )
        del self.widget.attrs["placeholder"]


class CodeField(forms.CharField):
    """A code of digits. Phones type them in many scripts, and copying brings along characters that
    nobody sees."""

    def __init__(self, *, required: Any = WRITE_THE_CODE, **kwargs: Any) -> None:
        super().__init__(
            label=_("Code"),
            widget=forms.TextInput(
                attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "size": "12"}
            ),
            error_messages={"required": required},
            **kwargs,
        )

    def to_python(self, value: Any) -> str:
        text = unicodedata.normalize("NFKC", str(super().to_python(value))[:CODE_MAX_LENGTH])
        digits = "".join(str(unicodedata.decimal(each)) for each in text if each.isdecimal())
        # Without a digit it is a wrong code, not an empty field.
        return digits or text


class MailLimitMixin:
    """Rate-limit allauth's forms that send mail to the address in them."""

    errors: Any
    cleaned_data: dict[str, Any]

    def clean(self) -> Any:
        cleaned = super().clean()  # type: ignore[misc]
        if self.errors:
            return cleaned
        if refusal := mail_refusal(context.request, self.cleaned_data["email"]):
            raise ValidationError(refusal)
        return cleaned


@not_writing("consent", "zone")
class SignupForm(MailLimitMixin, allauth.SignupForm):
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
            "I agree that what I write here is stored for me, encrypted, until I erase it."
            " It may touch my health, my feelings and my private life."
        ),
        help_text=hint_with_link(
            '{} <a href="{}">{}</a>',
            _("You can take this back whenever you like, by erasing your account."),
            reverse_lazy("healing:privacy"),
            _("How your words are stored"),
        ),
        error_messages={
            "required": _(
                "Tick the box if you agree. Without it we cannot save anything you write,"
                " and you can still read everything."
            ),
        },
    )

    # The browser's, filled in by `time_zone.js`.
    zone = forms.Field(required=False, widget=forms.HiddenInput(attrs={"data-zone": ""}))

    field_order = ("email", "password1", "consent")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # allauth's __init__ sets its own label and password field.
        self.fields["email"].label = self.base_fields["email"].label
        self.fields["password1"] = NewPasswordField(label=_("Password"))

    def clean(self) -> Any:
        cleaned = super().clean()
        if self.errors:
            return cleaned
        # Last, so that another error in the form does not use the invitation up.
        by_invitation = settings.REGISTRATION == "invitation"
        if by_invitation and not invitations.use(context.request, now=timezone.now()):
            raise ValidationError(NOT_INVITED)
        return cleaned

    def signup(self, request: HttpRequest, user: User) -> None:
        """Called by allauth once the account is saved."""
        user.time_zone = current_zone(str(self.cleaned_data["zone"])) or NO_ZONE_CHOSEN
        # They have read the pages in it.
        user.language = get_language() or settings.LANGUAGE_CODE
        user.save(update_fields=["time_zone", "language"])
        user.record_consent(version=CONSENT_VERSION, now=timezone.now())

    def try_save(self, request: HttpRequest) -> Any:
        """Return (account, None), or (None, the response for an address that has an account
        already), which looks the same to the sender."""
        if release_stale_address(self.cleaned_data["email"], now=timezone.now()):
            self.account_already_exists = False
        if self.account_already_exists:
            return self._pretend(request)
        try:
            with transaction.atomic():
                person, response = super().try_save(request)
        except IntegrityError:
            # The address was taken meanwhile: by somebody's change of address, or by this same form
            # posted twice.
            self.account_already_exists = True
            return super().try_save(request)
        invitations.remember_account(request, person)
        return person, response

    def _pretend(self, request: HttpRequest) -> Any:
        """Do the work of creating an account and roll it back: the response must take as long as
        for a new address."""
        address = self.cleaned_data["email"]
        self.cleaned_data["email"] = f"{uuid4().hex}@{PLACEHOLDER_DOMAIN}"
        self.account_already_exists = False
        with transaction.atomic():
            self.save(request)
            transaction.set_rollback(True)
        self.cleaned_data["email"] = address
        self.account_already_exists = True
        decoy_queries.make_decoy_queries(decoy_queries.QUERIES_AFTER_SIGN_UP)
        return super().try_save(request)


@not_writing("next")
class LoginForm(allauth.LoginForm):
    password = CurrentPasswordField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = AddressField()
        # What password managers look for beside a password.
        self.fields["login"].widget.attrs["autocomplete"] = "username"

    def clean(self) -> Any:
        cleaned = super().clean()
        # The password was right. If the address is unverified, allauth mails a code now.
        sends_code = self.user and is_unverified(self.user)
        if sends_code and (refusal := mail_refusal(context.request, self.user.email)):
            raise ValidationError(refusal)
        return cleaned


@not_writing()
class ReauthenticateForm(allauth.ReauthenticateForm):
    password = CurrentPasswordField()


@not_writing()
class ResetPasswordForm(MailLimitMixin, allauth.ResetPasswordForm):
    email = MailedAddressField()

    def clean_email(self) -> str:
        """Replaces allauth's, which makes more queries about some addresses than about others."""
        address = UserManager.normalize_email(self.cleaned_data["email"])
        self.users = list(User.objects.filter(email=address, is_active=True))
        return address

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        address: str = super().save(request, **kwargs)
        state = request.session[PASSWORD_RESET_VERIFICATION_SESSION_KEY]
        # allauth overwrites `at` when the code is entered.
        state[mailed_code_attempts.FIRST_SENT_AT] = state["at"]
        if not self.users:
            # A random id, so that each guess at the code looks for an account here too.
            state |= {"user_id": str(uuid4()), decoy_queries.NO_ACCOUNT: True}
        request.session.modified = True
        return address


@not_writing()
class ResetPasswordKeyForm(allauth.ResetPasswordKeyForm):
    password1 = NewPasswordField()
    password2 = None


@not_writing()
class ChangePasswordForm(allauth.ChangePasswordForm):
    oldpassword = CurrentPasswordField(label=_("Your password now"))
    password1 = NewPasswordField()
    password2 = None

    def clean_oldpassword(self) -> str:
        """Replaces allauth's, which counts these guesses apart from those on other pages."""
        password: str = self.cleaned_data["oldpassword"]
        if not check_password_in_session(self.user, password):
            raise get_adapter().validation_error("enter_current_password")
        return password


@not_writing("code", "action", account_pages_only=True)
class ConfirmEmailForm(allauth.ConfirmEmailVerificationCodeForm):
    code = CodeField()

    def clean_code(self) -> str:
        """Check the code alone. allauth would also refuse an address that an unverified account
        has; `Adapter.confirm_email` takes it from that account."""
        code: str = allauth.BaseConfirmCodeForm.clean_code(self)
        return code


@not_writing("code", account_pages_only=True)
class ConfirmResetForm(allauth.ConfirmPasswordResetCodeForm):
    code = CodeField()


@not_writing("after")
class LockForm(forms.Form):
    after = forms.TypedChoiceField(
        label=_("Lock my pages"),
        help_text=_(
            "A locked page shows nothing. It opens with your password, or with a code or passkey"
            " if you use two-step sign-in."
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


@not_writing()
class NewAddressForm(MailLimitMixin, allauth.AddEmailForm):
    email = MailedAddressField(help_text=_("A code goes there, to see that it reaches you."))

    def __init__(self, data: Any = None, *, user: User) -> None:
        super().__init__(user, data)
        self.fields["email"].label = _("New email address")
