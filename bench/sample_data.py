"""Data for the product, created inside it: one person among many others, and their cookies."""

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
from bench.load_generator import LETTER, USER_AGENT, Cookies
from healing.guide import guide
from healing.models import Answer, AnswerContents
from journal.models import Letter, LetterContents
from operations import demo_account

LETTERS = 20
# The numbers of letters that further people have.
SHELVES = (1, 100, 5000)
# The numbers of answers that one more person has, by the key of the exercise.
ANSWERS = {"filling-in": 20, "small-wins": 200}
FIELDS: dict[str, dict[str, Any]] = {
    "filling-in": {
        "moments": [
            {"happened": "The message was read at nine.", "filled_in": "That I am too much."},
            {"happened": "A nod across the room.", "filled_in": "That the others know."},
        ],
        "stands_out": "What happened fits on one hand.",
    },
    "small-wins": {"wins": ["Swam before work", "Said no to a late call"]},
}
# Save letters for the load, so that the shelf of the person being read stays as it is.
WRITER = "writer@example.org"
# Several: what a person stores is summed up at each save (ADR 29), and one would have thousands of
# letters at the end, the more the faster the machine.
WRITERS = 20

# Everybody else gets a copy of the first row of these tables, with these columns changed: so each
# has one letter and one answer, and nothing in other tables. A new column needs no line here; a
# new table does.
COPIED_TABLES = {
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


def create_writers(*, count: int) -> list[dict[str, Any]]:
    """Create people who are signed in; return the cookies and the CSRF token of each."""
    return [_create_writer(f"{number}-{WRITER}") for number in range(count)]


def _create_writer(email: str) -> dict[str, Any]:
    token = get_random_string(32)
    cookies = _cookies(_sign_in(_create_person(email)))
    return {"cookies": cookies | {settings.CSRF_COOKIE_NAME: token}, "token": token}


def _create_person(email: str) -> User:
    now = timezone.now()
    person = open_account(email=email, password=demo_account.PASSWORD, now=now)
    person.record_safety_shown(now=now)
    return person


def fill_database(
    *, people: int, addresses: list[str], pages_of_answers: list[str]
) -> dict[str, Any]:
    """Create everything; return the cookies to send and the SQL statements of each address."""
    now = timezone.now()
    person = demo_account.create_demo_account(now=now)
    _create_letters(person, LETTERS - Letter.objects.of(person).count(), now=now)
    writers, reader = create_writers(count=WRITERS), _sign_in(person)
    shelves = {count: _create_person_with(count, "reader", now=now) for count in SHELVES}
    desks = {count: _create_person_with(count, "desk", now=now) for count in SHELVES}
    answers = _sign_in(_create_person_with_answers(now=now))
    _create_others(people)
    token = {settings.CSRF_COOKIE_NAME: writers[0]["token"]}
    return {
        "person": _cookies(reader),
        "writers": [writer["cookies"] | token for writer in writers],
        "token": writers[0]["token"],
        "statements": {address: _count_statements(reader, address) for address in addresses},
        "answers": {"cookies": _cookies(answers)}
        | {"statements": {each: _count_statements(answers, each) for each in pages_of_answers}},
        "shelves": {
            count: {
                "cookies": _cookies(owner) | token,
                "shelf": _count_statements(owner, "/journal/"),
                "search": _count_statements(owner, results),
                "results": results,
            }
            for count, owner in shelves.items()
            for results in [_search(owner)]
        },
        "desks": {
            count: {
                "cookies": _cookies(owner) | token,
                "autosave": _count_statements_of_autosave(owner),
            }
            for count, owner in desks.items()
        },
    }


def _create_person_with(letters: int, role: str, *, now: datetime) -> Client:
    person = _create_person(f"{letters}-{role}@example.org")
    _create_letters(person, letters, now=now)
    return _sign_in(person)


def _create_letters(person: User, count: int, *, now: datetime) -> None:
    Letter.objects.bulk_create(
        (_letter(person, f"day {days}", at=now - timedelta(days=days)) for days in range(count)),
        batch_size=500,
    )


def _letter(person: User, to: str, *, at: datetime) -> Letter:
    contents = LetterContents(to=to, body=LETTER)
    return Letter.sealed_by(person.key, contents, state=Letter.State.KEPT, now=at)


def _create_person_with_answers(*, now: datetime) -> User:
    person = _create_person("answers@example.org")
    for key, count in ANSWERS.items():
        _create_answers(person, key, count, now=now)
    return person


def _create_answers(person: User, key: str, count: int, *, now: datetime) -> None:
    [(step, exercise)] = [
        (step, exercise)
        for step in guide().steps.values()
        for exercise in step.exercises
        if exercise.key == key
    ]
    Answer.objects.bulk_create(
        Answer.sealed_by(
            person.key,
            AnswerContents(fields=FIELDS[key]),
            step=step.number,
            exercise=key,
            version=exercise.version,
            now=now - timedelta(days=days),
        )
        for days in range(count)
    )


def _sign_in(person: User) -> Client:
    """Sign in by the form, so that the session has the same contents as a real one."""
    client = Client(SERVER_NAME="localhost", headers={"User-Agent": USER_AGENT})
    client.post("/accounts/login/", {"login": person.email, "password": demo_account.PASSWORD})
    status = client.get("/today/").status_code
    if status != HTTPStatus.OK:
        raise AssertionError(f"Nobody could sign in: /today/ answers {status}.")
    return client


def _search(client: Client) -> str:
    """Return the address of the results."""
    return client.post("/journal/search/", {"text": "no such words"}).headers["Location"]


def _cookies(client: Client) -> Cookies:
    return {name: morsel.value for name, morsel in client.cookies.items()}


def _create_others(count: int) -> None:
    with connection.cursor() as cursor:
        # Skip triggers and foreign keys: the copies are consistent, and checks take minutes.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET synchronous_commit = off")
        cursor.execute(
            "CREATE TEMPORARY TABLE bench_other AS"
            " SELECT n, gen_random_uuid() AS id FROM generate_series(1, %s) AS n",
            [count],
        )
        for table, changes in COPIED_TABLES.items():
            cursor.execute(COPY.format(table=table, changes=changes))
        cursor.execute("RESET session_replication_role")
        cursor.execute("RESET synchronous_commit")
        cursor.execute("VACUUM ANALYZE")


def _count_statements_of_autosave(client: Client) -> int:
    """Count the statements of an autosave that changes an existing draft."""
    id = uuid4()
    first, second = (
        {"id": f"{id}", "kind": "them", "version": f"{version}", "body": f"{version} {LETTER}"}
        for version in (0, 1)
    )
    address = f"/journal/{id}/autosave/"
    client.post(address, first)
    return _count_statements(client, address, second)


def _count_statements(client: Client, address: str, form: dict[str, str] | None = None) -> int:
    """Count the SQL statements of a request, without those of the transaction itself."""
    statements: list[str] = []

    def note(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if not sql.startswith(("SAVEPOINT", "RELEASE")):
            statements.append(sql)
        return execute(sql, *rest)

    with ExitStack() as stack:
        for each in connections.all():
            stack.enter_context(each.execute_wrapper(note))
        client.get(address) if form is None else client.post(address, form)
    return len(statements)
