"""Queue mail, and delete what was sent long ago (ADR 4)."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from mail import kinds
from mail.emails import MailContent, build_from_payload, seal_payload
from mail.models import Message
from vault.sealing import CannotOpen

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

# How long rows in a final state are stored, and how many one run deletes after that.
RETENTION = timedelta(days=90)
TIDY_BATCH_SIZE = 5000


def enqueue(
    *,
    kind: str,
    to: str,
    content: MailContent,
    now: datetime,
    person: "AbstractBaseUser | None" = None,
    key: str | None = None,
    closes_at: datetime | None = None,
) -> None:
    """Put a prerendered mail into the outbox, in the caller's transaction. Nothing is sent here.

    A second mail with the same key is not stored. With `closes_at` it is sent before that moment
    or not at all.
    """
    if kinds.is_registered(kind):
        raise ValueError(f"Mail of the kind {kind!r} is put together when it is sent.")
    id = uuid4()
    message = Message(
        id=id,
        kind=kind,
        person_id=person.pk if person else None,
        key=key or f"{kind}:{id}",
        due_at=now,
        closes_at=closes_at,
        created_at=now,
    )
    message.payload = seal_payload(message, to=to, content=content)
    Message.objects.bulk_create([message], ignore_conflicts=True)


def skip_all_to(address: str, *, reason: str, now: datetime) -> None:
    """Skip the prerendered mail that waits for this address.

    The address is sealed: only opening each mail finds it.
    """
    waiting = Message.objects.pending().exclude(payload=b"").only("payload")
    found = [each.pk for each in waiting.iterator() if _is_to(each, address)]
    Message.objects.filter(pk__in=found).skip(reason, now=now)


def _is_to(message: Message, address: str) -> bool:
    try:
        [to] = build_from_payload(message).to
    except CannotOpen:
        return False
    return bool(to.lower() == address.lower())


def tidy(*, now: datetime) -> int:
    """Delete one batch of rows past their retention. Returns the number deleted.

    Concurrent runs are safe, and the next run continues where this one stopped.
    """
    old = Message.objects.ended_for(RETENTION, now=now).order_by("ended_at")
    batch = list(old.values_list("pk", flat=True)[:TIDY_BATCH_SIZE])
    return Message.objects.filter(pk__in=batch).delete()[0]
