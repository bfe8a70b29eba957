"""Accounts whose address was never verified.

Nobody has ever signed in to one, so nothing is stored in it, and its address can be given to the
person who verifies it.
"""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import User
from accounts.retried_transaction import retried_transaction

# A new sign-up with the same address replaces an account that is this old.
REPLACED_AFTER = timedelta(hours=24)
DELETED_AFTER = timedelta(days=7)
# The domain of the address that a replaced account gets until it is deleted. No mail reaches it.
PLACEHOLDER_DOMAIN = "replaced.invalid"
BATCH_SIZE = 200


def get_for_update(person_id: UUID | str) -> User | None:
    """Lock this account until the transaction ends and return it; None if it does not exist or has
    been replaced by another sign-up."""
    person = User.objects.for_update().filter(pk=person_id).first()
    return None if person is None or person.email.endswith(f"@{PLACEHOLDER_DOMAIN}") else person


def is_unverified(person: User) -> bool:
    return _unverified().filter(pk=person.pk).exists()


@transaction.atomic
def release_stale_address(email: str, *, now: datetime) -> bool:
    """Take this address from an old unverified account. Returns whether there was one.

    The account is renamed here and deleted by `tidy`: a visitor who asks for any address, with or
    without an account, costs the same three queries.
    """
    # Lock before checking the age: a confirmation at this moment comes before or after. Lock only
    # what may be renamed: waiting for the lock of a verified account would reveal that it exists.
    rows = _unverified().select_for_update(no_key=True, of=("self",))
    list(rows.filter(email=email).values_list("pk"))
    return _rename(_unverified().filter(email=email, joined_at__lte=now - REPLACED_AFTER))


@transaction.atomic
def release_address(person_id: UUID | str) -> bool:
    """Take this account's address from it. Returns False if it was verified meanwhile."""
    User.objects.lock_row(person_id)
    return _rename(_unverified().filter(pk=person_id))


@transaction.atomic
def free_address(*, person: User, address: str) -> bool:
    """Take this address from unverified accounts, once its mailbox has been shown to be this
    person's. Returns False if somebody else has verified it."""
    others = User.objects.filter(email=address).exclude(pk=person.pk)
    return all(release_address(other.pk) for other in others)


def delete_old(*, now: datetime) -> int:
    """Delete accounts that were replaced or never verified in time. Returns how many."""
    old = _old(now).order_by("joined_at", "pk").values_list("pk", flat=True)
    return sum(_delete(person_id, now=now) for person_id in list(old[:BATCH_SIZE]))


@retried_transaction
def _delete(person_id: UUID, *, now: datetime) -> bool:
    User.objects.lock_for_deletion(person_id)
    person = _old(now).filter(pk=person_id).first()
    if person is None:
        # Verified a moment ago, or deleted by another run.
        return False
    person.delete()
    return True


def _unverified() -> QuerySet[User]:
    """Accounts that were never verified and never used, except operators' and deactivated ones."""
    verified = EmailAddress.objects.filter(user=OuterRef("pk"), verified=True)
    return User.objects.filter(
        ~Exists(verified),
        last_login=None,
        last_visit_at=None,
        is_active=True,
        is_staff=False,
        is_superuser=False,
    )


def _old(now: datetime) -> QuerySet[User]:
    expired = Q(joined_at__lte=now - DELETED_AFTER)
    return _unverified().filter(expired | Q(email__endswith=f"@{PLACEHOLDER_DOMAIN}"))


def _rename(accounts: QuerySet[User]) -> bool:
    placeholder = f"{uuid4().hex}@{PLACEHOLDER_DOMAIN}"
    renamed = accounts.update(email=placeholder)
    EmailAddress.objects.filter(user__email=placeholder).update(email=placeholder)
    return renamed > 0
