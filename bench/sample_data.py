"""What is done inside the product: one person's house among many others, and their cookies."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import connection, connections
from django.test import Client
from django.utils import timezone
from django.utils.crypto import get_random_string

from accounts.actions import open_account
from accounts.models import User
from bench.load_generator import AGENT, LETTER
from journal.models import Letter, LetterContents
from operations import demo_account

LETTERS = 20
# Shelves of others, each with so many letters.
SHELVES = (1, 100, 5000)
# Letters are kept by another one, so that the first one's shelf stays as it is.
WRITER = "writer@example.org"

# Everyone else has one row in each of these tables, like the first row in it but for what is named:
# one letter and one answer, however many the first one has. In other tables they have nothing. A
# column that is the same for all is not named, so a new one needs no line here; a new table does.
EVERYONE = {
    "accounts_user": "'id', other.id, 'email', 'other-' || other.n || '@example.org'",
    "vault_key": "'owner_id', other.id",
    "accounts_profile": "'id', gen_random_uuid(), 'owner_id', other.id",
    "journal_letter": "'id', gen_random_uuid(), 'owner_id', other.id",
    "healing_answer": "'id', gen_random_uuid(), 'owner_id', other.id",
    "reminders_schedule": "'token', left(md5(other.id::text), 22), 'person_id', other.id",
    "vault_session": "'session_key', md5(other.id::text), 'owner_id', other.id",
}
COPY = """
INSERT INTO {table} SELECT copy.*
FROM (SELECT * FROM {table} LIMIT 1) AS one, bench_other AS other,
LATERAL jsonb_populate_record(one::{table}, jsonb_build_object({changes})) AS copy
"""


def writers(*, count: int) -> list[dict[str, Any]]:
    """So many people at their desks: the cookies of each, and what a form of theirs must carry."""
    return [_at_the_desk(f"{number}-{WRITER}") for number in range(count)]


def _at_the_desk(email: str) -> dict[str, Any]:
    token = get_random_string(32)
    cookies = _cookies(_sign_in(_somebody(email))) | {settings.CSRF_COOKIE_NAME: token}
    return {"cookies": cookies, "token": token}


def _somebody(email: str) -> User:
    now = timezone.now()
    person = open_account(email=email, password=demo_account.PASSWORD, now=now)
    person.record_safety_shown(now=now)
    return person


def fill(*, people: int, addresses: list[str]) -> dict[str, Any]:
    """What the load needs to know: whose cookies to send, and the statements of each address."""
    now = timezone.now()
    person = demo_account.fill(now=now)
    _write(person, LETTERS - Letter.objects.of(person).count(), now=now)
    writer, reader = _at_the_desk(WRITER), _sign_in(person)
    shelves = {count: _shelf(count, "reader", now=now) for count in SHELVES}
    desks = {count: _shelf(count, "writer", now=now) for count in SHELVES}
    _copy_everyone(people)
    return {
        "person": _cookies(reader),
        "writer": writer["cookies"],
        "token": writer["token"],
        "statements": {address: _statements(reader, address) for address in addresses},
        "shelves": {
            count: {
                "cookies": _cookies(owner) | {settings.CSRF_COOKIE_NAME: writer["token"]},
                "shelf": _statements(owner, "/journal/"),
                "search": _statements(owner, "/journal/search/", {"text": "no such words"}),
            }
            for count, owner in shelves.items()
        },
        "desks": {
            count: {
                "cookies": _cookies(owner) | {settings.CSRF_COOKIE_NAME: writer["token"]},
                "autosave": _statements_of_an_autosave(owner),
            }
            for count, owner in desks.items()
        },
    }


def _shelf(letters: int, whose: str, *, now: datetime) -> Client:
    owner = _somebody(f"{letters}-{whose}@example.org")
    _write(owner, letters, now=now)
    return _sign_in(owner)


def _statements_of_an_autosave(client: Client) -> int:
    """Of other words for a draft that was kept before."""
    id = uuid4()
    first, second = (
        {"id": f"{id}", "kind": "them", "version": f"{version}", "body": f"{version} {LETTER}"}
        for version in (0, 1)
    )
    address = f"/journal/{id}/autosave/"
    client.post(address, first)
    return _statements(client, address, second)


def _write(person: User, letters: int, *, now: datetime) -> None:
    Letter.objects.bulk_create(
        (_kept(person, f"day {days}", at=now - timedelta(days=days)) for days in range(letters)),
        batch_size=500,
    )


def _kept(person: User, to: str, *, at: datetime) -> Letter:
    contents = LetterContents(to=to, body=LETTER)
    return Letter.sealed_by(person.key, contents, state=Letter.State.KEPT, now=at)


def _sign_in(person: User) -> Client:
    """By the door that everyone uses, so that the session holds what theirs hold."""
    client = Client(SERVER_NAME="localhost", headers={"User-Agent": AGENT})
    client.post("/accounts/login/", {"login": person.email, "password": demo_account.PASSWORD})
    opened = client.get("/today/").status_code
    if opened != HTTPStatus.OK:
        raise AssertionError(f"Nobody could sign in: /today/ answers {opened}.")
    return client


def _cookies(client: Client) -> dict[str, str]:
    return {name: morsel.value for name, morsel in client.cookies.items()}


def _copy_everyone(people: int) -> None:
    with connection.cursor() as cursor:
        # The copies are right by the way they are made: no need to look each of them up again.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET synchronous_commit = off")
        cursor.execute(
            "CREATE TEMPORARY TABLE bench_other AS"
            " SELECT n, gen_random_uuid() AS id FROM generate_series(1, %s) AS n",
            [people],
        )
        for table, changes in EVERYONE.items():
            cursor.execute(COPY.format(table=table, changes=changes))
        cursor.execute("RESET session_replication_role")
        cursor.execute("RESET synchronous_commit")
        cursor.execute("VACUUM ANALYZE")


def _statements(client: Client, address: str, form: dict[str, str] | None = None) -> int:
    """What a page asks of the database, commands of the transaction itself not counted."""
    found: list[str] = []

    def note(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if not sql.startswith(("SAVEPOINT", "RELEASE")):
            found.append(sql)
        return execute(sql, *rest)

    with ExitStack() as watching:
        for line in connections.all():
            watching.enter_context(line.execute_wrapper(note))
        client.get(address) if form is None else client.post(address, form)
    return len(found)
