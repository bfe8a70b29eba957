from collections.abc import Iterator

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, connections
from pytest_django.asserts import assertRedirects

from accounts.actions import choose_name
from accounts.erasure import erase
from accounts.models import User
from mail.actions import enqueue
from mail.emails import MailContent
from mail.models import Message
from tests.support.accounts import EVENING, Mails, sign_in, sign_up
from tests.support.client import PASSWORD, Client
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
