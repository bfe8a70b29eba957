"""allauth's account adapter with our texts, codes, mails and redirects (ADR 16)."""

import logging
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core import context as allauth_context
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.crypto import get_random_string
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts import after_sign_in_steps, emails, invitations
from accounts.models import Activity, User, UserManager
from accounts.reauthentication_rate_limits import (
    TOO_MANY_PASSWORDS,
    check_password_in_session,
    forget_guesses,
)
from accounts.security_notices import notify_of_change, record_activity
from accounts.sessions.actions import end_sessions
from accounts.sessions.devices import device_name
from accounts.unverified import free_address
from mail.actions import enqueue
from mail.emails import MailContent

logger = logging.getLogger(__name__)

# Digits only: quick to type on any phone. With three guesses in ten minutes, eight are enough.
CODE_LENGTH = 8
CODE_CHARACTERS = "0123456789"
# A mail with a code is sent within this time or not at all.
CODE_LIFETIME = timedelta(seconds=settings.ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT)
CODE_MAILS = frozenset({"confirm_code", "reset_code"})

# allauth's template prefix of a notification → our kind of activity.
CHANGES = {
    "account/email/password_changed": Activity.Kind.PASSWORD_CHANGED,
    "account/email/password_reset": Activity.Kind.PASSWORD_CHANGED,
    "account/email/password_set": Activity.Kind.PASSWORD_CHANGED,
    "account/email/email_changed": Activity.Kind.EMAIL_CHANGED,
}

PASSWORD_ERRORS = {
    "password_too_short": _("Use at least 10 characters. A short sentence works well."),
    "password_too_common": _("Many people use this one, so it is tried first. Choose another."),
    "password_too_similar": _("This is very close to your email address. Choose another."),
    "password_entirely_numeric": _("Digits alone are quick to guess. Add a word or two."),
}


class Adapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "account_inactive": _("This account is closed for now."),
        "email_password_mismatch": _(
            "This address and this password do not go together."
            " Try again, or choose a new password."
        ),
        "duplicate_email": _("This is your address already."),
        "email_taken": _("This address is already in use."),
        "enter_current_password": _("That is not your current password. Try once more."),
        "incorrect_code": _("That is not the code from the mail. Have another look at it."),
        "incorrect_password": _("That is not your password. Try once more."),
        "too_many_login_attempts": _(
            "There were several tries in a short time. Wait a few minutes, then start again."
        ),
        "rate_limited": _("That was quick. Wait a moment, then ask again."),
    }

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Put the mail into the outbox. Raises LookupError for a mail we have no text for."""
        now = timezone.now()
        with translation.override(_language_of(email)):
            name, content = _mail(template_prefix, context)
        enqueue(
            kind=f"account.{name}",
            to=email,
            content=content,
            now=now,
            person=context.get("user"),
            closes_at=now + CODE_LIFETIME if name in CODE_MAILS else None,
        )

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Mail and record a change. Unlike allauth's own mail, ours names neither browser nor IP
        address."""
        notify_of_change(
            person=user,
            kind=CHANGES[template_prefix],
            now=timezone.now(),
            device=device_name(allauth_context.request),
            to=email,
        )

    def set_password(self, user: User, password: str) -> None:
        """Every new password, a reset by mail included, ends all other sessions."""
        super().set_password(user, password)
        forget_guesses(user)
        key = allauth_context.request.session.session_key
        end_sessions(person=user, except_key=key, now=timezone.now())

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError as error:
            raise ValidationError(TOO_MANY_PASSWORDS) from error

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """The account may be erased while the password is hashed. Then nobody has this address."""
        person: User | None = super().authenticate(request, **credentials)
        # Locked, so that it stays until the request ends: a row that refers to an erased account
        # fails at COMMIT.
        return person if person and User.objects.lock_row(person.pk) else None

    def get_client_ip(self, request: HttpRequest) -> str:
        try:
            return str(super().get_client_ip(request))
        except (ImproperlyConfigured, PermissionDenied):
            logger.error("TRUSTED_PROXY_COUNT is higher than the number of proxies in front")
            raise

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count per address. allauth counts per Host header too: whoever sends another port in it
        with each guess would never reach the limit."""
        return UserManager.normalize_email(credentials.get("email"))

    def reauthenticate(self, user: User, password: str) -> bool:
        """Replaces allauth's, which counts guesses together with those at sign-in: a stranger could
        keep a person from unlocking their session."""
        return check_password_in_session(user, password)

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Called when the code from a mail to this address was right."""
        with suppress(IntegrityError), transaction.atomic():
            if free_address(person=email_address.user, address=email_address.email):
                return self._confirm_email(request, email_address)
        self.add_message(request, messages.ERROR, "account/messages/email_confirmation_failed.txt")
        return False

    def _confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        person = email_address.user
        is_change = person.email != email_address.email
        is_confirmed = bool(super().confirm_email(request, email_address))
        if is_confirmed and is_change:
            person.invalidate_pending(now=timezone.now())
        return is_confirmed

    def get_email_verification_redirect_url(self, email_address: EmailAddress) -> str:
        return reverse("account_index")

    def generate_email_verification_code(self) -> str:
        return get_random_string(CODE_LENGTH, CODE_CHARACTERS)

    def generate_password_reset_code(self) -> str:
        return get_random_string(CODE_LENGTH, CODE_CHARACTERS)

    def clean_password(self, password: str, user: User | None = None) -> str:
        try:
            cleaned: str = super().clean_password(password, user)
        except ValidationError as error:
            raise ValidationError(
                [
                    ValidationError(PASSWORD_ERRORS.get(each.code or "", each.message), each.code)
                    for each in error.error_list
                ]
            ) from error
        return cleaned

    def post_login(self, request: HttpRequest, user: User, **more: Any) -> HttpResponse:
        """Record the sign-in, and lead through the first-visit page until it was confirmed once."""
        record_activity(
            person=user,
            kind=Activity.Kind.SIGNED_IN,
            now=timezone.now(),
            device=device_name(request),
        )
        response: HttpResponseRedirect = super().post_login(request, user, **more)
        address = after_sign_in_steps.next_page(request, user, response.url)
        if user.shown_safety_at:
            return HttpResponseRedirect(address)
        onward = urlencode({"next": address})
        return HttpResponseRedirect(f"{reverse('account_first')}?{onward}")

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("home:you")

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        if settings.REGISTRATION == "invitation":
            return invitations.may_sign_up(request, now=timezone.now())
        return bool(settings.REGISTRATION == "open")

    def is_safe_url(self, url: str) -> bool:
        try:
            return bool(super().is_safe_url(url))
        except ValueError:
            # A malformed URL, such as `http://[`.
            return False

    def is_ajax(self, request: HttpRequest) -> bool:
        """Always answer with pages: allauth would return JSON to some requests."""
        return False


def _language_of(email: str) -> str | None:
    """The language of the account with this address, or else that of the page.

    Asked about every address: the number of queries must not tell which has an account.
    """
    address = UserManager.normalize_email(email)
    person = User.objects.filter(email=address).only("language").first()
    return person.active_language if person else get_language()


def _mail(template_prefix: str, context: dict[str, Any]) -> tuple[str, MailContent]:
    """Return (our name for this mail, its text)."""
    match template_prefix.removeprefix("account/email/"):
        case "email_confirmation" | "email_confirmation_signup":
            return "confirm_code", emails.confirm_code(context["code"])
        case "account_already_exists":
            return "account_exists", emails.account_exists()
        case "unknown_account":
            return "no_account", emails.no_account()
        case "password_reset_code":
            return "reset_code", emails.reset_code(context["code"])
        case unknown:
            raise LookupError(f"No text for the mail {unknown!r}.")
