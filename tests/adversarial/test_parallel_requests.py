"""Many requests of one person at once, on real connections, in whatever order they meet."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from threading import Barrier, Event
from typing import Any
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from django.db import DatabaseError, IntegrityError, OperationalError, connections
from django.http import HttpResponse
from django.test import RequestFactory
from psycopg import Error as PsycopgError
from psycopg.errors import DeadlockDetected, ForeignKeyViolation, SerializationFailure
from pytest_django.asserts import assertContains

from accounts.actions import make_operator
from accounts.erased_meanwhile_middleware import ErasedMiddleware
from accounts.erasure import erase
from accounts.models import User
from accounts.returned_forms import OWNER, owner_mark, record_proof
from accounts.unverified import delete_old
from healing.actions import mark_step
from healing.guide import guide
from healing.models import StepMark
from journal.models import Letter, Revision
from mail.actions import enqueue
from mail.emails import MailContent
from mail.models import Message
from reminders.actions import turn_off, turn_on
from reminders.models import Schedule
from tests.support.at_once import hold_locks_until_awaited
from tests.support.client import PASSWORD, Client
from tests.support.letters import a_draft
from tests.support.returned_forms import on_a_page_of
from tests.support.second_factors import enter_admin
from tests.support.waiting import PATIENCE
from vault.models import Key
from vault.sessions import SessionMiddleware, SessionStore

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 16
ERASE = "/you/privacy/erase/"


def closing_connections(act: Callable[..., Any], *args: Any, **more: Any) -> Any:
    """For threads: each has database connections of its own."""
    try:
        return act(*args, **more)
    finally:
        connections.close_all()


def at_once(act: Callable[[int], object], count: int = AT_ONCE) -> list[object]:
    """Call `act` with each number in a thread of its own, all started at the same moment."""
    start = Barrier(count)

    def wait_and_act(number: int) -> object:
        start.wait(PATIENCE)
        return closing_connections(act, number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(wait_and_act, range(count), timeout=PATIENCE))


def test_step_is_marked_and_opened_by_sixteen_pages(alice: User) -> None:
    browsers = [Client() for _ in range(AT_ONCE)]
    for browser in browsers:
        browser.force_login(alice)
    choices = ["settled", "open", "aside", "open"]

    def mark(number: int) -> object:
        answers = [
            browsers[number].post("/steps/4/mark/", {"state": choices[(number + turn) % 4]})
            for turn in range(8)
        ]
        return {answer.status_code for answer in answers}

    assert at_once(mark) == [{302}] * AT_ONCE
    assert StepMark.objects.count() <= 1


def test_notes_are_chosen_and_stopped_by_sixteen_pages(alice: User, now: datetime) -> None:
    def choose(number: int) -> object:
        for turn in range(8):
            if (number + turn) % 2:
                turn_on(person=User.objects.get(pk=alice.pk), hour=9, zone="UTC", now=now)
            else:
                turn_off(Schedule.objects.of(alice), now=now)
        return "done"

    assert at_once(choose) == ["done"] * AT_ONCE
    assert Schedule.objects.count() <= 1


def test_operator_is_made_by_sixteen_commands(alice: User) -> None:
    def make(number: int) -> object:
        make_operator(person=User.objects.get(pk=alice.pk))
        return "done"

    assert at_once(make) == ["done"] * AT_ONCE


# --- Erasing beside writers ----------------------------------------------------------------

NEW_LETTERS, ONE_LETTER = "new letters", "one letter"


class Writer:
    """A browser that saves letters until it is refused."""

    def __init__(self, person: User, writes: str) -> None:
        self.client = Client(raise_request_exception=False)
        self.client.force_login(person)
        self.cookies, self.mark = self.client.cookies.copy(), owner_mark(person.pk)
        self.writes = writes
        self.began, self.stop = Event(), Event()
        self.answers: list[HttpResponse] = []

    def run(self) -> None:
        try:
            id, version = uuid4(), 0
            while self._save(id, version) and not self.stop.is_set():
                self.began.set()
                if self.writes == NEW_LETTERS:
                    id = uuid4()
                else:
                    saved = self.answers[-1].json()
                    id, version = saved["id"], saved["version"]
            # The last attempt is made after the block that is tested.
            self.stop.wait(PATIENCE)
            self._save(uuid4(), 0)
        finally:
            self.began.set()
            connections.close_all()

    def _save(self, id: object, version: int) -> bool:
        # Each text is another one, so that the one before it becomes an earlier version.
        words = {"kind": "them", "id": str(id), "body": str(uuid4()), "version": str(version)}
        words[OWNER] = self.mark
        self.answers.append(self.client.post(f"/journal/{id}/autosave/", words))
        return self.answers[-1].status_code == 200


@contextmanager
def writing(person: User) -> Iterator[list[Writer]]:
    """Two browsers that write until they are refused. They have begun when the block does."""
    writers = [Writer(person, NEW_LETTERS), Writer(person, ONE_LETTER)]
    with ThreadPoolExecutor(len(writers)) as pool:
        runs = [pool.submit(writer.run) for writer in writers]
        assert all(writer.began.wait(PATIENCE) for writer in writers)
        try:
            yield writers
        finally:
            for writer in writers:
                writer.stop.set()
        for run in runs:
            run.result(PATIENCE)


def assert_nothing_is_left(writers: list[Writer]) -> None:
    assert not User.objects.filter(is_staff=False).exists()
    assert not Letter.objects.exists()
    assert not Revision.objects.exists()
    assert not Key.objects.exclude(owner__is_staff=True).exists()
    for writer in writers:
        # On a page that says why.
        assert writer.answers[-1].status_code == 403
        stolen = Client()
        stolen.cookies = writer.cookies
        assert stolen.get("/today/").headers["Location"] == "/accounts/login/?next=/today/"


@pytest.mark.parametrize("time", range(12))
def test_account_is_erased_while_two_other_pages_write(alice: User, time: int) -> None:
    browser = Client(raise_request_exception=False)
    browser.force_login(alice)

    with writing(alice) as writers:
        answer = browser.post(ERASE, {"password": PASSWORD})

    assert (answer.status_code, answer.headers.get("Location")) == (302, "/goodbye/")
    assert answer.headers["Clear-Site-Data"] == '"storage"'
    assert_nothing_is_left(writers)


@pytest.mark.parametrize("how", ["one", "several"])
def test_operator_deletes_an_account_while_two_pages_write(alice: User, how: str) -> None:
    operator = User.objects.create_superuser("operator@example.org", PASSWORD)
    browser = Client(raise_request_exception=False)
    browser.force_login(operator)
    enter_admin(browser, operator)
    list_of_accounts = "/admin/accounts/user/"
    address, sent = {
        "one": (f"{list_of_accounts}{alice.pk}/delete/", {"post": "yes"}),
        "several": (
            list_of_accounts,
            {"action": "delete_selected", "_selected_action": str(alice.pk), "post": "yes"},
        ),
    }[how]

    with writing(alice) as writers:
        answer = browser.post(address, sent)

    assert (answer.status_code, answer.headers.get("Location")) == (302, list_of_accounts)
    assert_nothing_is_left(writers)


def test_row_that_comes_in_while_the_account_is_erased_does_not_stop_it(
    alice: User, browser: Client, now: datetime
) -> None:
    """Erasing waits for a letter that somebody is writing in, and that page adds a row."""
    letter = a_draft(alice, now=now)
    with ThreadPoolExecutor(1) as pool:
        # Of two that wait for each other, Postgres may choose the writer.
        with suppress(DatabaseError), hold_locks_until_awaited():
            Letter.objects.select_for_update().get(pk=letter.pk)
            mark_step(person=alice, step=guide().steps[4], state=StepMark.State.ASIDE, now=now)
            erasing = pool.submit(closing_connections, browser.post, ERASE, {"password": PASSWORD})
        answer = erasing.result(PATIENCE)

    assert answer.headers.get("Location") == "/goodbye/"
    assert not User.objects.exists()
    assert not StepMark.objects.exists()


def test_unverified_account_is_deleted_while_a_mail_to_it_is_queued(
    alice: User, now: datetime
) -> None:
    """A pending sign-in of its own, locked by a request, keeps the deletion waiting."""
    address = EmailAddress.objects.create(user=alice, email=alice.email, primary=True)
    User.objects.update(joined_at=now)
    week_later = now + timedelta(days=7)
    with ThreadPoolExecutor(1) as pool:
        with suppress(DatabaseError), hold_locks_until_awaited():
            EmailAddress.objects.select_for_update().get(pk=address.pk)
            words = MailContent("", "", "")
            enqueue(kind="late", to=alice.email, content=words, person=alice, now=now)
            deleting = pool.submit(closing_connections, delete_old, now=week_later)
        deleted = deleting.result(PATIENCE)

    assert deleted == 1
    assert not User.objects.exists()
    assert not Message.objects.exists()


@pytest.mark.parametrize("cause", [DeadlockDetected, SerializationFailure, ForeignKeyViolation])
def test_request_that_loses_to_erasing_gets_its_words_back(
    alice: User, now: datetime, rf: RequestFactory, cause: type[PsycopgError]
) -> None:
    sent = on_a_page_of(alice, id=str(uuid4()), body="Not to be lost")
    request = rf.post("/journal/write/them/", sent)
    request.user, request.session = alice, SessionStore()
    record_proof(request, alice.pk)
    SessionMiddleware(lambda _: HttpResponse()).process_request(request)
    error = IntegrityError() if cause is ForeignKeyViolation else OperationalError()
    error.__cause__ = cause()
    lost = partial(ErasedMiddleware(lambda _: HttpResponse()).process_exception, request, error)
    assert lost() is None, "the account is still there"

    with ThreadPoolExecutor(1) as pool:
        # Postgres ends the request while the erasing transaction is still open.
        with hold_locks_until_awaited():
            erase(person=alice, now=now)
            answering = pool.submit(closing_connections, lost)
        answer = answering.result(PATIENCE)

    assertContains(answer, "Not to be lost", status_code=403)
    assert answer.headers["Clear-Site-Data"] == '"storage"'


def test_first_line_of_an_erased_person_is_given_back(
    alice: User, browser: Client, now: datetime
) -> None:
    """The request has been let in before the account was erased."""
    with ThreadPoolExecutor(1) as pool:
        with hold_locks_until_awaited():
            erase(person=alice, now=now)
            sent = on_a_page_of(alice, opening="Not to be lost")
            adding = pool.submit(
                closing_connections, browser.post, "/journal/write/them/lines/", sent
            )
        answer = adding.result(PATIENCE)

    assertContains(answer, "Not to be lost", status_code=403)
