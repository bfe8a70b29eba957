from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, connections
from pytest_django.asserts import assertRedirects

from accounts.actions import choose_name
from accounts.erasure import erase
from accounts.models import User
from accounts.returned_forms import owner_mark
from mail.actions import enqueue
from mail.emails import MailContent, build_from_payload
from mail.models import Message
from tests.support.accounts import EVENING, Mails, sign_in, sign_up
from tests.support.client import PASSWORD, Client
from tests.support.returned_forms import hold, on_a_page_of
from vault.key_ring import new_keyset
from vault.models import Key
from vault.sessions import Session


def cells_with(*traces: str) -> Iterator[tuple[str, str]]:
    """Return every (table, column) of the database that contains one of these words."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' ORDER BY 1, 2"
        )
        for table, column in cursor.fetchall():
            for trace in traces:
                found = f'strpos(lower("{column}"::text), %s) > 0'
                cursor.execute(f'SELECT 1 FROM "{table}" WHERE {found} LIMIT 1', [trace])  # noqa: S608
                if cursor.fetchone():
                    yield table, column


def counted() -> list[str]:
    """The cache keys of all rate-limit counts."""
    with connections["cache"].cursor() as cursor:
        cursor.execute("SELECT cache_key FROM cache ORDER BY 1")
        return [row[0] for row in cursor.fetchall()]


@pytest.fixture
def carol_with_rows(carol: User, as_carol: Client, bob: User) -> User:
    """Carol, with something of hers in every table of accounts."""
    choose_name(person=carol, name="Caro", now=EVENING)
    as_carol.post("/accounts/reauthenticate/", {"password": PASSWORD})
    as_carol.post("/accounts/password/change/", {"oldpassword": "wrong", "password1": "wrong"})
    sign_up(Client(), carol.email)
    Client().post("/accounts/password/reset/", {"email": carol.email})
    enqueue(kind="note", to=carol.email, content=MailContent("", "", ""), person=carol, now=EVENING)
    LogEntry.objects.create(
        user=bob,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(carol.pk),
        object_repr=str(carol),
        action_flag=CHANGE,
    )
    LogEntry.objects.create(user=carol, object_repr="something", action_flag=CHANGE)
    return carol


def test_erasing_leaves_no_trace_in_any_table(carol_with_rows: User, mails: Mails) -> None:
    traces = [str(carol_with_rows.pk), carol_with_rows.pk.hex, carol_with_rows.email]
    assert len(set(cells_with(*traces))) >= 8, "there is something to erase"

    erase(person=carol_with_rows, now=EVENING)

    assert list(cells_with(*traces)) == []


def test_counts_of_tries_are_left_to_run_out_and_name_nobody(carol_with_rows: User) -> None:
    traces = [str(carol_with_rows.pk), carol_with_rows.pk.hex, carol_with_rows.email, "127.0.0.1"]
    kept = counted()
    assert kept

    erase(person=carol_with_rows, now=EVENING)

    assert counted() == kept
    assert not [trace for trace in traces if trace in " ".join(kept)]


def test_erasing_says_goodbye_once_and_to_nobody_known(carol_with_rows: User, mails: Mails) -> None:
    address = carol_with_rows.email

    erase(person=carol_with_rows, now=EVENING)

    goodbye = Message.objects.get(kind="account.account_erased")
    assert goodbye.person is None
    assert goodbye.due_at == EVENING
    [mail] = [mail for mail in mails() if mail.subject == "Your account"]
    assert mail.to == [address]


def test_erasing_signs_out_everywhere_and_leaves_others_alone(
    carol_with_rows: User, as_carol: Client, as_bob: Client, bob: User
) -> None:
    erase(person=carol_with_rows, now=EVENING)

    asked = "/accounts/login/?next=/accounts/activity/"
    assertRedirects(as_carol.get("/accounts/activity/"), asked)
    assert as_bob.get("/accounts/activity/").status_code == 200
    assert list(User.objects.all()) == [bob]
    assert Key.objects.get().owner == bob
    assert Session.objects.count() == 1


def test_address_is_free_again_after_erasing(carol_with_rows: User, client: Client) -> None:
    address = carol_with_rows.email
    erase(person=carol_with_rows, now=EVENING)

    assert "do not go together" in sign_in(client, address).content.decode()
    User.objects.create_user(address, PASSWORD)


def waiting_forms() -> list[str]:
    contents = [session.get_decoded() for session in Session.objects.all()]
    waiting = [form for each in contents for form in each.get("returned_forms", {}).values()]
    return [sealed for _, sealed in waiting]


def hold_form_of(person: User, browser: Client) -> None:
    """Let a form of this person wait in a browser in which they are not proven."""
    sent = on_a_page_of(person, body="Not to be lost")
    page = browser.post("/journal/write/them/", sent).text
    hold(browser, page, "what I sent")


def test_erasing_leaves_no_waiting_form_in_any_browser(
    carol: User, bob: User, as_bob: Client
) -> None:
    bob_elsewhere = Client()
    bob_elsewhere.force_login(bob)
    for browser in (Client(), as_bob):
        hold_form_of(carol, browser)
    hold_form_of(bob, Client())
    assert Session.objects.count() == 4
    assert len(waiting_forms()) == 3

    erase(person=carol, now=EVENING)

    assert [form.partition(".")[0] for form in waiting_forms()] == [owner_mark(bob.pk)]
    assert bob_elsewhere.get("/today/").status_code == 200


def test_erasing_opens_no_session_that_can_hold_nothing_of_others(
    carol: User, as_carol: Client, bob: User, as_bob: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most sessions are of people who are signed in, and last for days."""
    for _ in range(5):
        Client().force_login(bob)
    hold_form_of(carol, as_bob)
    hold_form_of(bob, Client())
    opened, decode = [], Session.get_decoded

    def count_and_decode(session: Session) -> dict[str, Any]:
        opened.append(session.pk)
        return decode(session)

    monkeypatch.setattr(Session, "get_decoded", count_and_decode)
    erase(person=carol, now=EVENING)

    assert len(opened) == 2
    assert Session.objects.of(bob).count() == 5
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = Session.objects.with_something_of_others().explain()
    assert "vault_session_entries_end" in plan


def test_erasing_skips_all_mail_that_waits_for_the_address_but_the_last(
    carol: User, bob: User
) -> None:
    Client().post("/accounts/password/reset/", {"email": carol.email})
    words = MailContent("", "", "")
    enqueue(kind="account.account_exists", to="Carol@example.org", content=words, now=EVENING)
    enqueue(kind="note", to=bob.email, content=words, now=EVENING)

    erase(person=carol, now=EVENING)

    waiting = [(row.kind, build_from_payload(row).to) for row in Message.objects.pending()]
    assert sorted(waiting) == [
        ("account.account_erased", [carol.email]),
        ("note", [bob.email]),
    ]
    assert set(Message.objects.filter(state="skipped").values_list("kind", "reason")) == {
        ("account.reset_code", "account erased"),
        ("account.account_exists", "account erased"),
    }


def test_erasing_works_while_nothing_may_be_sealed(
    carol: User,
    as_carol: Client,
    bob: User,
    settings: LazySettings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Only the last mail is missing: it could not be stored."""
    settings.VAULT_KEYS = f"k9:{new_keyset()},{settings.VAULT_KEYS}"
    Key.objects.filter(owner=bob).update(kek="k9", fingerprint="of another key with this name")

    answer = as_carol.post("/you/privacy/erase/", {"password": PASSWORD})

    assertRedirects(answer, "/goodbye/")
    assert list(User.objects.all()) == [bob]
    assert not Message.objects.exists()
    assert "the mail that confirms an erased account cannot be sealed" in caplog.text
    assert carol.email not in caplog.text
