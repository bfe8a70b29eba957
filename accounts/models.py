from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar
from uuid import uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.zones import NOT_SAID, validate_zone
from vault.models import Key, Sealed, SealedQuerySet
from vault.sealing import CannotOpen, PersonKey

# A visit is written at most this often: enough for reminders, too coarse to follow anyone.
VISIT_GRAIN = timedelta(hours=1)
# The wording of the box at sign-up. Raise it whenever that sentence changes its meaning.
CONSENT_VERSION = "1"


class UserManager(BaseUserManager["User"]):
    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        """One address, one account, however it is typed."""
        return (email or "").strip().lower()

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=self.normalize_email(username))

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
    last_visit_at = models.DateTimeField(null=True, editable=False)
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
        self.email = UserManager.normalize_email(self.email)
        with transaction.atomic():
            super().save(*args, **kwargs)
            if is_new:
                Key.make(self.pk, now=self.joined_at)

    @cached_property
    def key(self) -> PersonKey:
        """Raises CannotOpen, also where the key is missing, as in a backup without keys."""
        try:
            return Key.objects.get(owner=self.pk).unwrap()
        except Key.DoesNotExist as error:
            raise CannotOpen from error

    @cached_property
    def called(self) -> str:
        """The name they wish to be called by, or nothing. Raises CannotOpen."""
        profile = Profile.objects.of(self).first()
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

    def visited(self, *, now: datetime) -> None:
        if self.last_visit_at and now - self.last_visit_at < VISIT_GRAIN:
            return
        self.last_visit_at = now
        # Not save(): the account may have been erased by the very request that is a visit.
        User.objects.filter(pk=self.pk).update(last_visit_at=now)


@dataclass(frozen=True)
class ProfileContents:
    name: str


class Profile(Sealed):
    """What someone says about themselves: at most the name they wish to be called by."""

    contents_class = ProfileContents
    purpose = "accounts.profile"

    objects = SealedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner"], name="one_profile_per_person"),
        ]
