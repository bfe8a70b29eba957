from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self
from uuid import uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.time_zones import NOT_SAID, validate_zone
from vault.models import Key, Sealed, SealedQuerySet
from vault.sealing import CannotOpen, PersonKey
from vault.statements import Statement

# A visit is written at most this often: enough for reminders, too coarse to follow anyone.
VISIT_GRAIN = timedelta(hours=1)
# After how many quiet minutes the pages lock. A person has one of these, or none: not before
# signing out.
LOCKS_AFTER = [5, 15, 60]
# The wording of the box at sign-up. Raise it whenever that sentence changes its meaning.
CONSENT_VERSION = "1"


class UserManager(BaseUserManager["User"]):
    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        """One address, one account, however it is typed."""
        return (email or "").strip().lower()

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=self.normalize_email(username))

    def for_update(self) -> "models.QuerySet[User]":
        """Accounts that nobody else changes before the end of the transaction."""
        # Rows that point to one can still be added meanwhile: only its key matters to them.
        return self.select_for_update(no_key=True)

    @transaction.atomic
    def create_user(self, email: str, password: str, **fields: Any) -> "User":
        """An account with a password: without one it could never be asked for again."""
        if not password:
            raise ValueError("An account needs a password.")
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person with an account: an address, a password, a few preferences, a key of their own."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    email = models.EmailField(_("email address"), unique=True)
    language = models.CharField(_("language"), max_length=12, default="en")
    time_zone = models.CharField(
        _("time zone"), max_length=64, default=NOT_SAID, validators=[validate_zone]
    )
    joined_at = models.DateTimeField(default=timezone.now, editable=False)
    lock_after = models.PositiveSmallIntegerField(
        null=True,
        default=15,
        choices=[(minutes, minutes) for minutes in LOCKS_AFTER],
        editable=False,
    )
    # They have seen, once, what this place can and cannot hide.
    shown_safety_at = models.DateTimeField(null=True, editable=False)
    last_visit_at = models.DateTimeField(null=True, editable=False)
    # What was begun before it and is not finished is over: half a sign-in, a code that waits. It
    # may lie in anybody's session.
    began_anew_at = models.DateTimeField(null=True, editable=False)
    # When they agreed that what they write is kept, and to which wording.
    consented_at = models.DateTimeField(null=True, editable=False)
    consent_version = models.CharField(max_length=20, blank=True, editable=False)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="one_account_per_address_in_any_case"),
            models.CheckConstraint(
                condition=Q(lock_after=None) | Q(lock_after__in=LOCKS_AFTER),
                name="locks_after_a_time_that_can_be_chosen",
            ),
            models.CheckConstraint(
                condition=Q(consented_at=None, consent_version="")
                | (Q(consented_at__isnull=False) & ~Q(consent_version="")),
                name="consent_has_its_moment_and_its_wording",
            ),
            # Django marks “no password” with a leading “!”. Whoever has none is never asked for it
            # again, not even at a lock.
            models.CheckConstraint(
                condition=~Q(password__startswith="!"),  # noqa: S106
                name="password_can_always_be_asked_for",
            ),
        ]

    def __str__(self) -> str:
        return f"user {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Nobody is stored without a key: what they write can always be sealed."""
        is_new = self._state.adding
        if not is_new:
            # Whoever was erased meanwhile does not come back: Django would add the row anew.
            kwargs.setdefault("force_update", True)
        self.email = UserManager.normalize_email(self.email)
        with transaction.atomic():
            super().save(*args, **kwargs)
            if is_new:
                Key.make(self.pk, now=self.joined_at)

    @cached_property
    def key(self) -> PersonKey:
        """Raises CannotOpen, also where the key is missing, as in a backup without keys."""
        try:
            return self.wrapped_key.unwrap()
        except Key.DoesNotExist:
            raise CannotOpen from None

    @cached_property
    def second_factors(self) -> frozenset[str]:
        """The kinds of second factor they have set up, recovery codes among them."""
        return frozenset(Authenticator.objects.filter(user=self).values_list("type", flat=True))

    @cached_property
    def called(self) -> str:
        """The name they wish to be called by, or nothing. Raises CannotOpen."""
        profile: Profile | None = PROFILE_OF.first(self.pk)
        if profile is None:
            return ""
        contents: ProfileContents = profile.open(self.key)
        return contents.name

    @property
    def zone(self) -> ZoneInfo:
        """Their time zone. A stored name that no longer means anything falls back to UTC."""
        try:
            return ZoneInfo(self.time_zone)
        except (ValueError, OSError, ZoneInfoNotFoundError):
            return ZoneInfo("UTC")

    @property
    def spoken(self) -> str:
        """The language to speak to them: theirs, as long as the product still speaks it."""
        known = dict(settings.LANGUAGES)
        return self.language if self.language in known else settings.LANGUAGE_CODE

    def consent(self, *, version: str, now: datetime) -> None:
        """They agreed, now and to this wording, that what they write is kept."""
        self.consented_at = now
        self.consent_version = version
        self.save(update_fields=["consented_at", "consent_version"])

    def lock_pages(self, *, after: int | None) -> None:
        """After so many quiet minutes; None: not before signing out."""
        self.lock_after = after
        self.save(update_fields=["lock_after"])

    def was_shown_safety(self, *, now: datetime) -> None:
        """They have read, once, what this place can and cannot hide."""
        self.shown_safety_at = now
        self.save(update_fields=["shown_safety_at"])

    def invalidate_pending(self, *, now: datetime) -> None:
        """Nothing that was begun for them before leads anywhere."""
        self.began_anew_at = now
        # Not save(): the account may be erased meanwhile, and then nothing is left to end.
        User.objects.filter(pk=self.pk).update(began_anew_at=now)

    def invalidated_pending_since(self, moment: float) -> bool:
        """Since this moment, in seconds, as allauth notes it."""
        return self.began_anew_at is not None and self.began_anew_at.timestamp() > moment

    def visited(self, *, now: datetime) -> None:
        if self.last_visit_at and now - self.last_visit_at < VISIT_GRAIN:
            return
        self.last_visit_at = now
        # Not save(): the account may have been erased by the very request that is a visit.
        User.objects.filter(pk=self.pk).update(last_visit_at=now)


@dataclass(frozen=True)
class ProfileContents:
    name: str


class Profile(Sealed[ProfileContents]):
    """What someone says about themselves: at most the name they wish to be called by."""

    contents_class = ProfileContents
    purpose = "accounts.profile"

    objects = SealedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner"], name="one_profile_per_person"),
        ]


PROFILE_OF = Statement(lambda owner: Profile.objects.of(owner))


class ActivityQuerySet(models.QuerySet["Activity"]):
    def of(self, owner: User) -> Self:
        """What happened to this person's account. Every query starts here."""
        return self.filter(owner=owner)

    def newest_first(self) -> Self:
        return self.order_by("-at", "-pk")

    def older_than(self, age: timedelta, *, now: datetime) -> Self:
        return self.filter(at__lt=now - age)


class Activity(models.Model):
    """A sign-in or a change of how one signs in. Never that something was read or written: whoever
    looks over a shoulder could use that."""

    class Kind(models.TextChoices):
        SIGNED_IN = "signed_in", _("Signed in")
        PASSWORD_CHANGED = "password_changed", _("Password changed")
        EMAIL_CHANGED = "email_changed", _("Email address changed")
        APP_ADDED = "app_added", _("Authenticator app added")
        APP_REMOVED = "app_removed", _("Authenticator app removed")
        PASSKEY_ADDED = "passkey_added", _("Passkey added")
        PASSKEY_REMOVED = "passkey_removed", _("Passkey removed")
        CODES_MADE = "codes_made", _("New recovery codes made")
        SECOND_FACTOR_REMOVED = "second_factor_removed", _("Second step removed on request")
        SIGNED_OUT_ELSEWHERE = "signed_out_elsewhere", _("Signed out elsewhere")

    owner = models.ForeignKey(User, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=24, choices=Kind.choices)
    at = models.DateTimeField()
    # The kind of browser, as coarse as “Firefox on Android”; nothing where nobody was at one.
    device = models.CharField(max_length=40, blank=True)

    objects = ActivityQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["owner", "-at"], name="activity_of_a_person")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.owner_id}"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self, now: datetime) -> Self:
        return self.filter(used_at=None, ends_at__gt=now)

    def over_for(self, age: timedelta, *, now: datetime) -> Self:
        return self.filter(Q(used_at__lt=now - age) | Q(ends_at__lt=now - age))


class Invitation(models.Model):
    """Lets one person open an account where that takes an invitation. It names nobody, and does
    not remember whom it let in."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    made_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    objects = InvitationQuerySet.as_manager()

    def __str__(self) -> str:
        return f"invitation {self.pk}"
