"""Accounts whose address nobody has confirmed. Nobody has ever been in them, so they hold nothing,
and they make room for whoever comes next."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import User

# A new sign-up with the same address replaces them from then on.
REPLACED_AFTER = timedelta(hours=24)
GONE_AFTER = timedelta(days=7)
# Where no mail can ever go: an account that was replaced has its address here until it is deleted.
NOWHERE = "replaced.invalid"
BATCH = 200


def get_for_update(person_id: UUID | str) -> User | None:
    """This account, which nobody else changes before the end of the transaction; None where there
    is none any more, or another one has taken its place."""
    person = User.objects.for_update().filter(pk=person_id).first()
    return None if person is None or person.email.endswith(f"@{NOWHERE}") else person


def is_unverified(person: User) -> bool:
    return _unverified().filter(pk=person.pk).exists()


@transaction.atomic
def make_room(email: str, *, now: datetime) -> bool:
    """Whether an old unverified account has just left this address.

    It is renamed and not yet deleted: a visitor who asks for any address, with or without an
    account, costs the same three statements. `tidy` deletes it.
    """
    # Held first and looked at second: whoever confirms it in this moment comes before or after.
    # Only one that may go: whoever else is held could be felt, by a page that waits for them.
    held = _unverified().select_for_update(no_key=True, of=("self",))
    list(held.filter(email=email).values_list("pk"))
    old = _unverified().filter(email=email, joined_at__lte=now - REPLACED_AFTER)
    return _step_aside(old)


@transaction.atomic
def step_aside(person_id: UUID | str) -> bool:
    """Whether this account has left its address. It has not where somebody has confirmed it."""
    list(User.objects.for_update().filter(pk=person_id).values_list("pk"))
    return _step_aside(_unverified().filter(pk=person_id))


def delete_old(*, now: datetime) -> int:
    """Delete those that were replaced or have waited long enough. Returns how many."""
    return sum(_delete(person_id, now=now) for person_id in _ids_of_old(now))


def _ids_of_old(now: datetime) -> list[UUID]:
    return list(_old(now).order_by("joined_at", "pk").values_list("pk", flat=True)[:BATCH])


@transaction.atomic
def _delete(person_id: UUID, *, now: datetime) -> bool:
    list(User.objects.for_update().filter(pk=person_id).values_list("pk"))
    person = _old(now).filter(pk=person_id).first()
    if person is None:
        # Confirmed a moment ago, or deleted by another run.
        return False
    person.delete()
    return True


def _unverified() -> QuerySet[User]:
    """Never confirmed, never signed in, nobody who runs the site, and not closed by them."""
    confirmed = EmailAddress.objects.filter(user=OuterRef("pk"), verified=True)
    return User.objects.filter(
        ~Exists(confirmed),
        last_login=None,
        last_visit_at=None,
        is_active=True,
        is_staff=False,
        is_superuser=False,
    )


def _old(now: datetime) -> QuerySet[User]:
    waited = Q(joined_at__lte=now - GONE_AFTER)
    return _unverified().filter(waited | Q(email__endswith=f"@{NOWHERE}"))


def _step_aside(accounts: QuerySet[User]) -> bool:
    nowhere = f"{uuid4().hex}@{NOWHERE}"
    renamed = accounts.update(email=nowhere)
    EmailAddress.objects.filter(user__email=nowhere).update(email=nowhere)
    return renamed > 0
