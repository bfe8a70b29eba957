"""Makes people, mail and letters by the product's own functions.

A program that runs with the settings of the deployment. It reads lines of JSON, `[name,
arguments]`, and answers each with a line of JSON.
"""

import json
import os
import sys
import traceback
from datetime import UTC, datetime, timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.actions import open_account  # noqa: E402
from accounts.models import User  # noqa: E402
from journal.models import Letter  # noqa: E402
from mail.actions import enqueue  # noqa: E402
from mail.emails import MailContent  # noqa: E402
from operations import write_probes  # noqa: E402
from operations.health import report  # noqa: E402
from reminders.models import Schedule  # noqa: E402
from tests.support.client import PASSWORD, Client  # noqa: E402
from vault.key_ring import ring  # noqa: E402
from vault.models import Key  # noqa: E402

# How long they have been away: between two days and four, a first note is due at any hour.
AWAY = timedelta(days=3)


def prepare() -> None:
    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)


def person(name: str) -> dict[str, str]:
    """Somebody with a new account, and the session cookie of a browser."""
    User.objects.filter(email=address(name)).delete()
    made = open_account(email=address(name), password=PASSWORD, now=timezone.now())
    client = Client()
    client.force_login(made)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    return {"id": str(made.pk), "email": made.email, "cookie": cookie}


def address(name: str) -> str:
    return f"{name}@example.org"


def mail(name: str, minutes: int | None = None) -> None:
    """Queue a mail that somebody waits for. With `minutes`, it expires after them."""
    now = timezone.now()
    content = MailContent(subject="Your code", text="Hello.", html="<p>Hello.</p>")
    closes_at = now + timedelta(minutes=minutes) if minutes else None
    enqueue(kind="account.code", to=address(name), content=content, now=now, closes_at=closes_at)


def note(*names: str) -> None:
    """People whose note is due now. In their time zone it is noon."""
    now = timezone.now()
    for name in names:
        User.objects.filter(email=address(name)).delete()
        made = open_account(email=address(name), password=PASSWORD, now=now - AWAY)
        made.time_zone = where_it_is_noon(now)
        made.save(update_fields=["time_zone"])
        Schedule.objects.create(person=made, hour=8, chosen_at=now - AWAY, next_due_at=now)


def where_it_is_noon(now: datetime) -> str:
    # The sign in the name of such a zone is reversed: Etc/GMT-2 is ahead of UTC.
    return f"Etc/GMT{now.astimezone(UTC).hour - 12:+d}"


def letters(email: str) -> list[str]:
    """The words of each of their letters, oldest first."""
    owner = User.objects.get(email=email)
    rows = Letter.objects.of(owner).order_by("created_at", "pk")
    return [row.open(owner.key).body for row in rows]


def look() -> dict[str, str]:
    """Look at every part, with probes that are not remembered from a look before."""
    write_probes._write_to_database.cache_clear()
    return report(timezone.now())[1]


def crowd(count: int) -> None:
    """Create people with an account and a key, and nothing else."""
    now = timezone.now()
    people = [User(email=f"crowd{number}@example.org", joined_at=now) for number in range(count)]
    User.objects.bulk_create(people)
    Key.objects.bulk_create(
        Key(
            owner=each,
            kek=ring().primary,
            fingerprint=ring().fingerprints[ring().primary],
            wrapped=ring().new_person_key(each.pk),
            created_at=now,
        )
        for each in people
    )


def unreadable_keys() -> int:
    """How many keys do not open by the master key that they name."""
    return sum(not _opens(key) for key in Key.objects.all())


def _opens(key: Key) -> bool:
    try:
        key.unwrap()
    except Exception:
        return False
    return True


FUNCTIONS = {
    each.__name__: each
    for each in (prepare, person, mail, note, letters, look, crowd, unreadable_keys)
}


def answer(name: str, arguments: dict[str, Any] | list[Any]) -> object:
    try:
        if isinstance(arguments, list):
            return {"result": FUNCTIONS[name](*arguments)}
        return {"result": FUNCTIONS[name](**arguments)}
    except Exception:
        return {"error": traceback.format_exc()}
    finally:
        connections.close_all()


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(f"{json.dumps(answer(*json.loads(line)))}\n")
        sys.stdout.flush()
