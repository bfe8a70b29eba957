"""Two requests at once, on real connections: one waits to commit while the other arrives."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.cache import cache
from django.db import connections, transaction
from django.http import HttpResponse
from fido2.server import Fido2Server
from pytest_django.asserts import assertContains, assertNotContains

from accounts.actions import choose_name
from accounts.erasure import erase
from accounts.models import User
from accounts.sessions.actions import end_sessions
from accounts.unverified import release_stale_address
from healing.actions import mark_step
from healing.guide import guide
from healing.models import Answer, StepMark
from journal.models import Letter, Opening
from journal.opening_line_actions import add_opening
from mail.emails import build_from_payload
from mail.models import Message
from reminders.actions import turn_on
from reminders.models import Schedule
from safety.leaving import lock
from tests.adversarial.conftest import keep_letter, keep_words
from tests.support.accounts import code_in, sign_up
from tests.support.at_once import hold_locks_until_awaited
from tests.support.client import PASSWORD, Client
from tests.support.letters import a_draft, earlier, words_of
from tests.support.returned_forms import on_a_page_of
from tests.support.second_factors import give_passkey
from tests.support.waiting import PATIENCE
from vault.sessions import LOCKED_AT, Session

pytestmark = pytest.mark.django_db(transaction=True)

Send = Callable[..., "Future[int]"]
Leave = Callable[[], "Future[HttpResponse]"]
YOU = {"name": "second", "time_zone": "UTC", "language": "en"}


@pytest.fixture
def send(browser: Client) -> Iterator[Send]:
    """Post from Alice’s browser, on a database connection of its own. Its result is the status."""

    def post(address: str, data: dict[str, str]) -> int:
        try:
            return browser.post(address, data).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        yield lambda address, **data: pool.submit(post, address, data)


def test_first_name_is_chosen_twice(alice: User, send: Send, now: datetime) -> None:
    with hold_locks_until_awaited():
        choose_name(person=alice, name="first", now=now)
        answer = send("/you/", **YOU)

    assert answer.result(timeout=PATIENCE) == 302
    assert User.objects.get(pk=alice.pk).preferred_name == "second"


def test_paper_is_kept_twice(alice: User, send: Send, now: datetime) -> None:
    """From two pages with different words: both texts are saved."""
    id = uuid4()
    with hold_locks_until_awaited():
        a_draft(alice, "first", id=Letter.stored_id(alice, id), now=now)
        answer = send("/journal/write/them/", id=str(id), to="", body="second")

    assert answer.result(timeout=PATIENCE) == 302
    assert words_of(id, alice).body == "first"
    assert earlier(Letter.objects.get(), alice, late=True) == ["second"]


def test_first_line_is_kept_twice(alice: User, send: Send, now: datetime) -> None:
    with hold_locks_until_awaited():
        add_opening(person=alice, kind="them", text="The kitchen was quiet", now=now)
        answer = send("/journal/write/them/lines/", opening="The kitchen was quiet")

    assert answer.result(timeout=PATIENCE) == 302
    assert Opening.objects.count() == 1


def test_letter_is_answered_while_it_is_thrown_away(alice: User, send: Send, now: datetime) -> None:
    gone = a_draft(alice, "gone", now=now)
    with hold_locks_until_awaited():
        Letter.objects.filter(pk=gone.pk).delete()
        answer = send("/journal/write/them/", id=str(uuid4()), body="answer", answers=str(gone.pk))

    assert answer.result(timeout=PATIENCE) == 302
    assert words_of(Letter.objects.get(), alice).body == "answer"


def test_draft_is_changed_while_it_is_thrown_away(alice: User, send: Send, now: datetime) -> None:
    """Its words are returned in a form for a new letter."""
    letter = a_draft(alice, now=now)
    sent = {"id": str(letter.pk), "to": "", "body": "late", "version": "1"}
    with hold_locks_until_awaited():
        Letter.objects.all().delete()
        answer = send(f"/journal/{letter.pk}/edit/", **sent)

    assert answer.result(timeout=PATIENCE) == 404
    assert not Letter.objects.exists()


FATES = {
    "close": {"then": "keep"},
    "seal": {"day": "2040-01-01"},
    "let-go": {},
    "throw-away": {},
}


def test_of_twenty_fates_at_once_one_wins(alice: User, now: datetime) -> None:
    """All come from a page that showed the draft. The same choice again changes nothing, and any
    other one is answered calmly."""
    letter = a_draft(alice, "once", now=now)

    def decide(fate: str) -> HttpResponse:
        browser = Client(raise_request_exception=False)
        browser.force_login(alice)
        try:
            sent = FATES[fate] | {"state": "draft"}
            return browser.post(f"/journal/{letter.pk}/{fate}/", sent, follow=True)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        pages = list(pool.map(decide, [*FATES] * 5))

    told = sum("This letter stands as you decided before." in page.text for page in pages)
    gone = sum(page.status_code == 404 for page in pages)
    left = Letter.objects.first()
    assert (told, gone) == ((15, 0) if left else (0, 19))
    assert left is None or words_of(left, alice).body == "once"


def test_answer_is_changed_while_it_is_deleted(alice: User, send: Send, now: datetime) -> None:
    row = keep_words(alice, now)
    with hold_locks_until_awaited():
        Answer.objects.all().delete()
        answer = send(f"/steps/1/filling-in/{row.pk}/", stands_out="late")

    assert answer.result(timeout=PATIENCE) == 404
    assert not Answer.objects.exists()


def test_step_is_marked_twice(alice: User, send: Send, now: datetime) -> None:
    with hold_locks_until_awaited():
        mark_step(person=alice, step=guide().steps[4], state=StepMark.State.ASIDE, now=now)
        answer = send("/steps/4/mark/", state="settled")

    assert answer.result(timeout=PATIENCE) == 302
    assert StepMark.objects.get().state == "settled"


def test_notes_are_chosen_twice(alice: User, send: Send, now: datetime) -> None:
    with hold_locks_until_awaited():
        turn_on(person=alice, hour=9, zone="UTC", now=now)
        answer = send("/you/reminders/", hour="18", zone="Europe/Oslo")

    assert answer.result(timeout=PATIENCE) == 302
    assert Schedule.objects.get().hour == 18


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        ("/journal/write/them/", {"id": str(uuid4()), "to": "", "body": "Not to be lost"}),
        ("/steps/1/filling-in/", {"moments-0-happened": "Not to be lost"}),
        ("/you/", YOU | {"name": "Not to be lost"}),
        ("/steps/4/mark/", {"state": "settled"}),
        ("/you/reminders/", {"hour": "18", "zone": "Europe/Oslo"}),
    ],
)
def test_what_is_sent_while_the_account_is_erased_comes_back(
    alice: User, browser: Client, now: datetime, address: str, sent: dict[str, str]
) -> None:
    form = on_a_page_of(alice, **sent)

    def post() -> HttpResponse:
        try:
            return browser.post(address, form)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with hold_locks_until_awaited():
            erase(person=alice, now=now)
            waiting = pool.submit(post)
        answer = waiting.result(timeout=PATIENCE)

    assertContains(answer, "This account was erased a moment ago", status_code=403)
    assertNotContains(answer, "Saved.", status_code=403)
    if "Not to be lost" in sent.values():
        assertContains(answer, "Not to be lost", status_code=403)
    assert not User.objects.exists()
    assert not Letter.objects.exists()
    assert not Answer.objects.exists()
    assert browser.get("/today/").status_code == 302


def test_what_has_a_mistake_while_the_account_is_erased_comes_back(
    alice: User, browser: Client, now: datetime
) -> None:
    def post() -> HttpResponse:
        try:
            # The first request of this browser, so there is something to save in the session.
            return browser.post("/journal/write/them/", {"id": "no id", "body": "Not to be lost"})
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with hold_locks_until_awaited():
            erase(person=alice, now=now)
            waiting = pool.submit(post)
        answer = waiting.result(timeout=PATIENCE)

    assertContains(answer, "Not to be lost")
    # The browser may have a newer cookie by now, as after leaving in another tab.
    assert settings.SESSION_COOKIE_NAME not in answer.cookies


@pytest.fixture
def leave(browser: Client) -> Iterator[Leave]:
    """Leave in Alice’s browser, on a database connection of its own."""

    def get() -> HttpResponse:
        try:
            return browser.get("/leave/")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        yield lambda: pool.submit(get)


def test_session_is_locked_twice_and_stays_one(
    alice: User, browser: Client, leave: Leave, now: datetime
) -> None:
    session = browser.session
    with hold_locks_until_awaited():
        lock(session, now=now)
        session.save()
        answer = leave()

    assert answer.result(timeout=PATIENCE).status_code == 303
    # The cookie that the first one has set is the newer one.
    assert settings.SESSION_COOKIE_NAME not in answer.result().cookies
    [row] = Session.objects.of(alice)
    assert row.session_key == session.session_key
    assert row.get_decoded()[LOCKED_AT] == now.timestamp()


def test_session_that_is_ended_elsewhere_does_not_come_back_by_leaving(
    alice: User, browser: Client, leave: Leave, now: datetime
) -> None:
    with hold_locks_until_awaited():
        end_sessions(person=alice, except_key=None, now=now)
        answer = leave()

    assert answer.result(timeout=PATIENCE).status_code == 303
    assert not Session.objects.of(alice).exists()
    assert browser.get("/today/").headers["Location"] == "/accounts/login/?next=/today/"


def test_sign_up_with_an_address_that_another_moves_to_meanwhile_looks_like_any_other(
    alice: User, browser: Client
) -> None:
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    browser.post("/accounts/email/", {"email": "dana@example.org"})
    code = code_in(build_from_payload(Message.objects.get()))
    # As if a while had passed for the rate limits.
    cache.clear()

    def join() -> HttpResponse:
        try:
            answer: HttpResponse = sign_up(Client(), "dana@example.org")
            return answer
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with hold_locks_until_awaited():
            browser.post("/accounts/confirm-email/", {"code": code})
            waiting = pool.submit(join)
        answer = waiting.result(timeout=PATIENCE)

    assert (answer.status_code, answer.headers["Location"]) == (302, "/accounts/confirm-email/")
    assert User.objects.get().pk == alice.pk
    last = Message.objects.order_by("created_at", "pk").last()
    assert last
    assert "There is one already" in str(build_from_payload(last).body)


def test_account_is_erased_twice_and_goodbye_is_said_once(
    alice: User, send: Send, now: datetime
) -> None:
    keep_letter(alice, now)
    with hold_locks_until_awaited():
        erase(person=alice, now=now)
        answer = send("/you/privacy/erase/", password=PASSWORD)

    assert answer.result(timeout=PATIENCE) == 302
    assert not User.objects.exists()
    assert not Letter.objects.exists()
    assert Message.objects.get().kind == "account.account_erased"


@pytest.mark.parametrize("ended", ["erased", "signed out", "left in another tab"])
def test_session_that_ends_while_its_password_is_checked_does_not_come_back(
    alice: User, browser: Client, now: datetime, monkeypatch: pytest.MonkeyPatch, ended: str
) -> None:
    assert browser.get("/leave/").status_code == 303
    person_id, other = alice.pk, Client()
    other.cookies = browser.cookies.copy()
    check = PBKDF2PasswordHasher.verify

    def meanwhile(hasher: PBKDF2PasswordHasher, password: str, encoded: str) -> bool:
        monkeypatch.undo()
        if ended == "erased":
            erase(person=alice, now=now)
        elif ended == "signed out":
            end_sessions(person=alice, except_key=None, now=now)
        else:
            Session.objects.of(person_id).delete()
            assert other.get("/leave/").status_code == 303
        return check(hasher, password, encoded)

    monkeypatch.setattr(PBKDF2PasswordHasher, "verify", meanwhile)
    browser.post("/accounts/reauthenticate/?next=/today/", {"password": PASSWORD})

    assert not Session.objects.of(person_id).exists()
    assert browser.get("/today/").status_code == 302


@pytest.mark.parametrize("is_verified", [True, False])
def test_account_that_is_erased_while_its_password_is_checked_signs_nobody_in(
    alice: User, now: datetime, monkeypatch: pytest.MonkeyPatch, is_verified: bool
) -> None:
    EmailAddress.objects.create(user=alice, email=alice.email, verified=is_verified, primary=True)
    sent = {"login": alice.email, "password": PASSWORD}
    check = PBKDF2PasswordHasher.verify

    def erase_elsewhere() -> None:
        try:
            erase(person=User.objects.get(), now=now)
        finally:
            connections.close_all()

    def meanwhile(hasher: PBKDF2PasswordHasher, password: str, encoded: str) -> bool:
        monkeypatch.undo()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(erase_elsewhere).result(timeout=PATIENCE)
        return check(hasher, password, encoded)

    monkeypatch.setattr(PBKDF2PasswordHasher, "verify", meanwhile)
    page = Client(raise_request_exception=False).post("/accounts/login/", sent)

    assertContains(page, "This address and this password do not go together.")
    assert not User.objects.exists()
    assert not Session.objects.exists()
    assert [row.kind for row in Message.objects.pending()] == ["account.account_erased"]


@pytest.mark.parametrize("counts", [True, False])
def test_account_that_is_erased_while_its_passkey_is_verified_signs_nobody_in(
    alice: User, now: datetime, monkeypatch: pytest.MonkeyPatch, counts: bool
) -> None:
    device, visitor = give_passkey(alice), Client(raise_request_exception=False)
    device.counter = 7 if counts else 0
    options = visitor.post("/accounts/2fa/passkeys/login/options/").json()
    verify = Fido2Server.authenticate_complete

    def erase_elsewhere() -> None:
        try:
            erase(person=User.objects.get(), now=now)
        finally:
            connections.close_all()

    def meanwhile(*args: Any, **more: Any) -> Any:
        monkeypatch.undo()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(erase_elsewhere).result(timeout=PATIENCE)
        return verify(*args, **more)

    monkeypatch.setattr(Fido2Server, "authenticate_complete", meanwhile)
    sent = {"credential": device.authenticate(options)}
    page = visitor.post("/accounts/2fa/passkeys/login/", sent, follow=True)

    assertContains(page, "That passkey is not known here.")
    assert not User.objects.exists()
    assert not Session.objects.exclude(owner=None).exists()
    assert [row.kind for row in Message.objects.pending()] == ["account.account_erased"]
    assert visitor.get("/today/").status_code == 302


@pytest.mark.parametrize("said", [PASSWORD, "guessed by whoever copied the cookie"])
def test_lock_is_opened_twice_and_whoever_has_the_password_is_in(
    alice: User, browser: Client, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    """Browsers drop the response to the first of two clicks, and its new cookie with it."""
    assert browser.get("/leave/").status_code == 303
    door, first = "/accounts/reauthenticate/?next=/today/", Client()
    first.cookies = browser.cookies.copy()
    check = PBKDF2PasswordHasher.verify

    def meanwhile(hasher: PBKDF2PasswordHasher, password: str, encoded: str) -> bool:
        monkeypatch.undo()
        assert first.post(door, {"password": PASSWORD}).status_code == 302
        return check(hasher, password, encoded)

    monkeypatch.setattr(PBKDF2PasswordHasher, "verify", meanwhile)
    browser.post(door, {"password": said})

    assert first.get("/today/").status_code == 200
    assert browser.get("/today/").status_code == (200 if said == PASSWORD else 302)
    assert Session.objects.of(alice).count() == 1


@pytest.mark.parametrize("is_known", [True, False])
def test_sign_up_holds_no_row_that_a_page_of_a_stranger_waits_for(
    alice: User, is_known: bool
) -> None:
    """The time it takes would tell who has an account."""
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
    email = alice.email if is_known else "nobody@example.org"
    stranger = Client()
    assert stranger.post("/accounts/password/reset/", {"email": email}).status_code == 302

    def guess() -> int:
        try:
            code = {"code": "00000000"}
            return stranger.post("/accounts/password/reset/confirm/", code).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        # What a sign-up locks before it hashes the password.
        release_stale_address(email, now=datetime(2026, 3, 12, tzinfo=UTC))
        assert pool.submit(guess).result(timeout=PATIENCE) == 200
