from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self
from uuid import UUID, uuid4
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

from accounts.time_zones import NO_ZONE_CHOSEN, validate_zone
from vault.models import Key, Sealed, SealedQuerySet
from vault.primary_key_check import sealing_ring
from vault.sealing import CannotOpen, PersonKey

# `last_visit_at` is written at most this often: enough for reminders, too coarse to follow anyone.
VISIT_INTERVAL = timedelta(hours=1)
# The idle minutes after which pages can be made to lock.
LOCK_AFTER_CHOICES = [5, 15, 60]
# The wording of the consent checkbox at sign-up. Raise it when that sentence changes its meaning.
CONSENT_VERSION = "1"


class UserManager(BaseUserManager["User"]):
    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        """Return the form in which an address is stored and compared: one account per address,
        however it is typed."""
        return (email or "").strip().lower()

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=self.normalize_email(username))

    def for_update(self) -> "models.QuerySet[User]":
        """Return a queryset that locks the rows it reads until the transaction ends."""
        # NO KEY: others may still insert rows that refer to this account, such as a mail.
        return self.select_for_update(no_key=True)

    def lock_row(self, pk: UUID | str) -> bool:
        """Lock this account until the transaction ends. Returns False if it does not exist."""
        return self.for_update().filter(pk=pk).exists()

    def lock_for_deletion(self, pk: UUID | str) -> "User | None":
        """Lock this account until the transaction ends and return it; None if it does not exist."""
        # Without NO KEY: a row that refers to this account, inserted after its rows were collected
        # for deletion, would make the deletion fail.
        return self.select_for_update().filter(pk=pk).first()

    @transaction.atomic
    def create_user(self, email: str, password: str, **fields: Any) -> "User":
        """Create an account. Raises ValueError without a password: a lock asks for it."""
        if not password:
            raise ValueError("An account needs a password.")
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person with an account: address, password, preferences, and a key that seals what they
    write."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    email = models.EmailField(_("email address"), unique=True)
    language = models.CharField(_("language"), max_length=12, default="en")
    time_zone = models.CharField(
        _("time zone"), max_length=64, default=NO_ZONE_CHOSEN, validators=[validate_zone]
    )
    # Some browsers send what is typed to their maker to check it: off until it is turned on.
    checks_spelling = models.BooleanField(default=False, db_default=False, editable=False)
    joined_at = models.DateTimeField(default=timezone.now, editable=False)
    # Switches (`accounts.sealed_switch`). Columns and not rows of their own: each request reads
    # this row anyway, and a statement more is an eighth of the shelf.
    shelf_settings = models.BinaryField(null=True, editable=False)
    guide_settings = models.BinaryField(null=True, editable=False)
    lock_after = models.PositiveSmallIntegerField(
        null=True,
        default=15,
        choices=[(minutes, minutes) for minutes in LOCK_AFTER_CHOICES],
        editable=False,
    )
    # When they confirmed the page on leaving quickly and on what the browser keeps.
    shown_safety_at = models.DateTimeField(null=True, editable=False)
    last_visit_at = models.DateTimeField(null=True, editable=False)
    # Pending sign-ins and codes from before this moment are invalid. They cannot be deleted when it
    # is set: they lie sealed in sessions that have no owner yet.
    began_anew_at = models.DateTimeField(null=True, editable=False)
    # When they agreed that what they write is stored, and to which wording.
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
                condition=Q(lock_after=None) | Q(lock_after__in=LOCK_AFTER_CHOICES),
                name="locks_after_a_time_that_can_be_chosen",
            ),
            models.CheckConstraint(
                condition=Q(consented_at=None, consent_version="")
                | (Q(consented_at__isnull=False) & ~Q(consent_version="")),
                name="consent_has_its_moment_and_its_wording",
            ),
            # Django marks an unusable password with a leading “!”. A lock asks for the password, so
            # such an account could never be unlocked.
            models.CheckConstraint(
                condition=~Q(password__startswith="!"),  # noqa: S106
                name="password_can_always_be_asked_for",
            ),
        ]

    def __str__(self) -> str:
        return f"user {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Create the person's key together with the account."""
        is_new = self._state.adding
        if not is_new:
            # Erased by another request meanwhile: without this Django would insert the row again.
            kwargs.setdefault("force_update", True)
        self.email = UserManager.normalize_email(self.email)
        with transaction.atomic():
            super().save(*args, **kwargs)
            if is_new:
                Key.make(self.pk, sealing_ring(), now=self.joined_at)

    @cached_property
    def key(self) -> PersonKey:
        """The person's unwrapped key. Raises CannotOpen, also if the row is missing, as after a
        restore without keys."""
        try:
            return self.wrapped_key.unwrap()
        except Key.DoesNotExist:
            raise CannotOpen from None

    @cached_property
    def second_factors(self) -> frozenset[str]:
        """The types of allauth's authenticators they have, recovery codes included."""
        return frozenset(Authenticator.objects.filter(user=self).values_list("type", flat=True))

    @cached_property
    def preferred_name(self) -> str:
        """The name they wish to be called by, or an empty string. Raises CannotOpen."""
        profile = Profile.objects.of(self).only("owner", "scheme", "sealed").first()
        if profile is None:
            return ""
        contents: ProfileContents = profile.open(self.key)
        return contents.name

    @property
    def zone(self) -> ZoneInfo:
        """Their time zone; UTC if the stored name is unknown by now."""
        try:
            return ZoneInfo(self.time_zone)
        except (ValueError, OSError, ZoneInfoNotFoundError):
            return ZoneInfo("UTC")

    @property
    def active_language(self) -> str:
        """The language code for their pages and mails; the default if theirs is not offered now."""
        offered = dict(settings.LANGUAGES)
        return self.language if self.language in offered else settings.LANGUAGE_CODE

    def record_consent(self, *, version: str, now: datetime) -> None:
        self.consented_at = now
        self.consent_version = version
        self.save(update_fields=["consented_at", "consent_version"])

    def set_lock_after(self, minutes: int | None) -> None:
        """Lock pages after this many idle minutes; None: never while signed in."""
        self.lock_after = minutes
        self.save(update_fields=["lock_after"])

    def record_safety_shown(self, *, now: datetime) -> None:
        self.shown_safety_at = now
        self.save(update_fields=["shown_safety_at"])

    def invalidate_pending(self, *, now: datetime) -> None:
        """Make every sign-in and code that is pending for them fail from now on."""
        self.began_anew_at = now
        # Not save(), which raises if the account was erased meanwhile.
        User.objects.filter(pk=self.pk).update(began_anew_at=now)

    def invalidated_pending_since(self, moment: float) -> bool:
        """Whether what began at this moment (in seconds since the epoch) is invalid now."""
        return self.began_anew_at is not None and self.began_anew_at.timestamp() > moment

    def record_visit(self, *, now: datetime) -> None:
        if self.last_visit_at and now - self.last_visit_at < VISIT_INTERVAL:
            return
        self.last_visit_at = now
        # Not save(), which raises if this request has just erased the account.
        User.objects.filter(pk=self.pk).update(last_visit_at=now)


@dataclass(frozen=True)
class ProfileContents:
    name: str


class Profile(Sealed[ProfileContents]):
    """The name a person wishes to be called by; without a name there is no row."""

    contents_class = ProfileContents
    purpose = "accounts.profile"

    objects = SealedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner"], name="one_profile_per_person"),
        ]


class ActivityQuerySet(models.QuerySet["Activity"]):
    def of(self, owner: User) -> Self:
        """Every query starts from the owner."""
        return self.filter(owner=owner)

    def newest_first(self) -> Self:
        return self.order_by("-at", "-pk")

    def older_than(self, age: timedelta, *, now: datetime) -> Self:
        return self.filter(at__lt=now - age)


class Activity(models.Model):
    """A sign-in, or a change of how a person signs in.

    Never that something was read or written: an onlooker could use that against them.
    """

    class Kind(models.TextChoices):
        SIGNED_IN = "signed_in", _("Signed in")
        PASSWORD_CHANGED = "password_changed", _("Password changed")
        EMAIL_CHANGED = "email_changed", _("Email address changed")
        APP_ADDED = "app_added", _("Authenticator app added")
        APP_REMOVED = "app_removed", _("Authenticator app removed")
        PASSKEY_ADDED = "passkey_added", _("Passkey added")
        PASSKEY_REMOVED = "passkey_removed", _("Passkey removed")
        CODES_MADE = "codes_made", _("New recovery codes made")
        SECOND_FACTOR_REMOVED = "second_factor_removed", _("Two-step sign-in turned off on request")
        SIGNED_OUT_ELSEWHERE = "signed_out_elsewhere", _("Signed out elsewhere")

    owner = models.ForeignKey(User, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=24, choices=Kind.choices)
    at = models.DateTimeField()
    # As coarse as “Firefox on Android”; empty if it happened outside a browser.
    device = models.CharField(max_length=40, blank=True)

    objects = ActivityQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["owner", "-at"], name="activity_of_a_person")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.owner_id}"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def usable(self, now: datetime) -> Self:
        return self.filter(used_at=None, ends_at__gt=now)

    def unusable_for(self, age: timedelta, *, now: datetime) -> Self:
        """Those used or expired longer ago than `age`."""
        return self.filter(Q(used_at__lt=now - age) | Q(ends_at__lt=now - age))


class Invitation(models.Model):
    """Lets one person sign up where that takes an invitation. Neither the inviter nor the account
    it was used for is stored."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    made_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    objects = InvitationQuerySet.as_manager()

    def __str__(self) -> str:
        return f"invitation {self.pk}"
