from datetime import datetime

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.models import CONSENT_VERSION, Profile, ProfileContents, User


@transaction.atomic
def open_account(*, email: str, password: str, now: datetime) -> User:
    """Create an account with a verified address, as operators, the demo and tests need it."""
    person = User.objects.create_user(
        email, password, joined_at=now, consented_at=now, consent_version=CONSENT_VERSION
    )
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    return person


@transaction.atomic
def make_operator(*, person: User, password: str | None = None) -> None:
    """Give this person the admin, activate their account and verify their address."""
    person.is_staff = person.is_superuser = person.is_active = True
    if password:
        person.set_password(password)
    person.save(update_fields=["is_staff", "is_superuser", "is_active", "password"])
    EmailAddress.objects.bulk_create(
        [EmailAddress(user=person, email=person.email, verified=True, primary=True)],
        update_conflicts=True,
        unique_fields=["user", "email"],
        update_fields=["verified", "primary"],
    )


@transaction.atomic
def open_operator_account(*, email: str, password: str, now: datetime) -> None:
    make_operator(person=open_account(email=email, password=password, now=now))


@transaction.atomic
def choose_name(*, person: User, name: str, now: datetime) -> None:
    """Seal the name this person wishes to be called by; an empty name deletes the row.

    Raises CannotOpen, and then leaves the stored name alone: never overwrite what is unreadable.
    """
    # There may be no profile row to lock yet: lock the account, or two requests insert one each.
    User.objects.lock_row(person.pk)
    profile = Profile.objects.of(person).first()
    if profile is not None:
        profile.open(person.key)
    if not name:
        Profile.objects.of(person).delete()
    elif profile is None:
        Profile.sealed_by(person.key, ProfileContents(name), now=now).save()
    else:
        profile.seal(person.key, ProfileContents(name), now=now)
        profile.save()
    person.preferred_name = name


@transaction.atomic
def save_preferences(
    *, person: User, name: str, language: str, checks_spelling: bool, now: datetime
) -> None:
    """Raises CannotOpen, and then saves none of them."""
    choose_name(person=person, name=name, now=now)
    person.language, person.checks_spelling = language, checks_spelling
    person.save(update_fields=["language", "checks_spelling"])
