from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import connections
from django.test import RequestFactory
from pytest_django import Settings
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.mail_rate_limits import RATES, mail_refusal
from accounts.models import User
from mail.models import Message
from tests.support.accounts import (
    CANNOT_BE_WRITTEN,
    EVENING,
    READ_AS_ANOTHER,
    Mails,
    sign_in,
    sign_up,
)
from tests.support.client import PASSWORD, Client

CONFIRM = "/accounts/confirm-email/"
RESET = "/accounts/password/reset/"
WAIT = "No mail was sent this time. Wait a while, then try again."
TWICE = "If you asked a moment ago, look for that mail first."

ALL_BUT_THE_LAST = [True, True, True, False]

Ask = Callable[..., bool]


@pytest.fixture
def clock(db: None) -> Iterator[time_machine.Traveller]:
    cache.clear()
    with time_machine.travel(EVENING, tick=False) as clock:
        yield clock
    cache.clear()


@pytest.fixture
def ask(clock: time_machine.Traveller) -> Ask:
    """Ask for a mail to this address, eleven seconds after the last one."""

    def ask(address: str, client: str = "192.0.2.1", **headers: str) -> bool:
        clock.shift(timedelta(seconds=11))
        request = RequestFactory().post("/", REMOTE_ADDR=client, headers=headers)
        return not mail_refusal(request, address)

    return ask


@pytest.fixture
def few_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower the limits to three, so that a test need not ask a hundred times."""
    monkeypatch.setitem(RATES, "mail_from_client", "3/h/ip")


def reset(client: Client, email: str) -> Any:
    return client.post(RESET, {"email": email})


def test_one_mailbox_gets_six_mails_an_hour(ask: Ask, clock: time_machine.Traveller) -> None:
    assert [ask("dana@example.org", f"192.0.2.{n}") for n in range(7)] == [True] * 6 + [False]

    clock.shift(timedelta(hours=1))
    assert ask("dana@example.org")


def test_one_mailbox_gets_twenty_mails_a_day(ask: Ask, clock: time_machine.Traveller) -> None:
    for _hour in range(4):
        clock.shift(timedelta(hours=1))
        answers = [ask("dana@example.org", f"192.0.2.{n}") for n in range(6)]

    assert answers == [True] * 2 + [False] * 4
    clock.shift(timedelta(days=1))
    assert ask("dana@example.org")


@pytest.mark.parametrize(
    "same",
    [
        "DANA@example.org",
        " dana@example.org",
        "dana+x@EXAMPLE.org",
        "d.a.na@example.org",
        "dana@ｅxample.org",
        "dana@example。org",
        "dana@exa\u00admple.org",
    ],
)
def test_one_mailbox_counts_however_it_is_written(ask: Ask, same: str) -> None:
    for _time in range(6):
        ask("dana@example.org")

    assert not ask(same)
    assert ask("erin@example.org")


@pytest.mark.parametrize(
    "address",
    [
        '"dana"@example.org',
        '"da\\na"@example.org',
        '"a,b"@x.org',
        *CANNOT_BE_WRITTEN,
        *READ_AS_ANOTHER,
    ],
)
def test_nothing_is_sent_to_another_spelling_of_a_mailbox(
    mails: Mails, client: Client, address: str
) -> None:
    """It would have a count of its own, or leave to nobody."""
    assert sign_up(client, address).status_code == 200
    assert reset(client, address).status_code == 200
    assert mails() == []


def test_a_double_click_sends_one_mail(ask: Ask, clock: time_machine.Traveller) -> None:
    ask("dana@example.org")
    clock.shift(timedelta(seconds=-2))

    assert not ask("dana@example.org")


def test_office_of_a_hundred_may_sign_up_and_a_flood_may_not(ask: Ask) -> None:
    answers = [ask(f"p{n}@example{n % 7}.org") for n in range(101)]

    assert answers == [True] * 100 + [False]
    assert ask("p101@example.org", "192.0.2.2")


def test_a_client_of_ipv6_is_its_whole_network(ask: Ask, few_clients: None) -> None:
    assert [ask(f"p{n}@example.org", f"2001:db8::{n:x}") for n in range(4)] == ALL_BUT_THE_LAST


def test_one_mail_host_waits_and_the_others_do_not(
    ask: Ask, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RATES, "mail_to_domain", "3/15m/key")

    assert [ask(f"p{n}@big.example", f"192.0.2.{n}") for n in range(4)] == ALL_BUT_THE_LAST
    assert ask("p@small.example")
    clock.shift(timedelta(minutes=15))
    assert ask("p@big.example")


def test_what_was_not_sent_does_not_count(ask: Ask, few_clients: None) -> None:
    for number in range(6):
        ask("dana@example.org", f"192.0.2.{number}")
    for _time in range(3):
        assert not ask("dana@example.org", "192.0.2.9")

    assert [ask(f"p{n}@example.org", "192.0.2.9") for n in range(4)] == ALL_BUT_THE_LAST


def test_what_the_hour_refuses_does_not_count_for_the_day(
    ask: Ask, clock: time_machine.Traveller
) -> None:
    assert [ask("dana@example.org") for _time in range(20)] == [True] * 6 + [False] * 14

    clock.shift(timedelta(hours=1))
    assert ask("dana@example.org")


def test_what_the_day_refuses_does_not_count_for_the_hour(
    ask: Ask, clock: time_machine.Traveller
) -> None:
    for _hour in range(4):
        assert all(ask("dana@example.org") for _time in range(5))
        clock.shift(timedelta(hours=1))
    clock.shift(timedelta(hours=19, minutes=50))
    assert not any(ask("dana@example.org") for _time in range(6))

    # A day after the first mail.
    clock.shift(timedelta(minutes=10))
    assert ask("dana@example.org")


def test_addresses_are_not_kept_in_the_cache(ask: Ask) -> None:
    ask("dana@example.org", "192.0.2.7")

    with connections["cache"].cursor() as cursor:
        cursor.execute("SELECT cache_key FROM cache")
        keys = " ".join(row[0] for row in cursor.fetchall())
    assert "dana" not in keys
    assert "example.org" not in keys
    assert "192.0.2.7" not in keys


@pytest.mark.parametrize(
    ("trusted", "is_another"),
    [(0, False), (1, True)],
)
def test_a_client_is_who_the_trusted_proxy_says(
    ask: Ask, few_clients: None, settings: Settings, trusted: int, is_another: bool
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = trusted
    for number in range(3):
        ask(f"p{number}@example.org", X_Forwarded_For="198.51.100.1")

    # Addresses further left are claimed by the client.
    claimed = {"X_Forwarded_For": "198.51.100.1, 198.51.100.2"}
    assert ask("late@example.org", **claimed) is is_another


def test_the_count_outlives_a_request_that_fails(
    clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **more: object) -> None:
        raise RuntimeError

    client = Client(raise_request_exception=False)
    with monkeypatch.context() as broken:
        broken.setattr("mail.actions.Message.objects.bulk_create", fail)
        assert sign_up(client, "dana@example.org").status_code == 500

    assertContains(sign_up(client, "dana@example.org"), TWICE)


# --- on the pages -----------------------------------------------------------------------------


def sign_up_often(clock: time_machine.Traveller, address: str) -> None:
    for _time in range(6):
        clock.shift(timedelta(seconds=11))
        sign_up(Client(), address)


@pytest.mark.parametrize("address", ["dana@example.org", "carol@example.org"])
def test_sign_up_that_has_to_wait_says_so_beside_what_was_typed(
    clock: time_machine.Traveller, carol: User, mails: Mails, address: str
) -> None:
    sign_up_often(clock, address)

    response = sign_up(Client(), address)

    assertContains(response, WAIT)
    assertContains(response, f'value="{address}"')
    assertContains(response, 'id="id_consent" checked')
    assertNotContains(response, PASSWORD)
    assert len(mails()) == 6


@pytest.mark.parametrize("address", ["dana@example.org", "carol@example.org"])
@pytest.mark.parametrize("send", [sign_up, reset])
def test_what_is_sent_twice_at_once_names_the_mail_of_the_first(
    clock: time_machine.Traveller,
    carol: User,
    mails: Mails,
    send: Callable[..., Any],
    address: str,
) -> None:
    send(Client(), address)

    response = send(Client(), address)

    assertContains(response, TWICE)
    assertContains(response, f'value="{address}"')
    assert len(mails()) == 1


def test_refused_person_reads_that_no_mail_was_sent_however_soon_they_ask_again(
    clock: time_machine.Traveller, mails: Mails
) -> None:
    sign_up_often(clock, "dana@example.org")
    clock.shift(timedelta(seconds=11))

    for _time in range(2):
        assertContains(sign_up(Client(), "dana@example.org"), WAIT)


@pytest.mark.parametrize("address", ["dana@example.org", "carol@example.org"])
def test_reset_that_has_to_wait_says_so_beside_what_was_typed(
    clock: time_machine.Traveller, carol: User, mails: Mails, address: str
) -> None:
    sign_up_often(clock, address)

    response = reset(Client(), address)

    assertContains(response, WAIT)
    assertContains(response, f'value="{address}"')
    assert len(mails()) == 6


def test_sign_in_that_would_send_a_code_has_to_wait_too(
    clock: time_machine.Traveller, alice: User, carol: User, mails: Mails
) -> None:
    sign_up_often(clock, alice.email)
    sign_up_often(clock, carol.email)

    response = sign_in(Client(), alice.email)

    assertContains(response, WAIT)
    assertContains(response, f'value="{alice.email}"')
    assert len(mails()) == 12
    assert sign_in(Client(), carol.email).status_code == 302, "no mail, no waiting"


@pytest.mark.parametrize("address", ["dana@example.org", "carol@example.org"])
def test_another_code_has_to_wait_and_the_first_still_works(
    clock: time_machine.Traveller, carol: User, mails: Mails, address: str
) -> None:
    client = Client()
    sign_up(client, address)
    sign_up_often(clock, address)
    sent = len(mails())

    response = client.post(CONFIRM, {"action": "resend"}, follow=True)

    assertRedirects(response, CONFIRM)
    assertContains(response, WAIT)
    assert len(mails()) == sent


def test_change_of_address_counts_like_everything_else(
    clock: time_machine.Traveller, as_carol: Client, mails: Mails
) -> None:
    as_carol.post("/accounts/reauthenticate/", {"password": PASSWORD})
    sign_up_often(clock, "dana@example.org")

    response = as_carol.post("/accounts/email/", {"email": "dana@example.org"})

    assertContains(response, WAIT)
    assert len(mails()) == 6


def test_what_cannot_be_sent_counts_nothing(clock: time_machine.Traveller, mails: Mails) -> None:
    for _time in range(30):
        assert sign_up(Client(), password1="short").status_code == 200
        assert sign_up(Client(), consent="").status_code == 200

    assert sign_up(Client()).status_code == 302
    assert len(mails()) == 1


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("page", ["login", "signup", "password/reset", "password/reset/complete"])
def test_looking_counts_nothing(clock: time_machine.Traveller, method: str, page: str) -> None:
    client = Client()
    # The second request shows that the first left no lock behind.
    for _time in range(2):
        response = getattr(client, method)(f"/accounts/{page}/")

    assert response.status_code in (200, 302)
    with connections["cache"].cursor() as cursor:
        cursor.execute("SELECT cache_key FROM cache")
        assert cursor.fetchall() == []


def test_a_look_without_a_body_has_none(client: Client, db: None) -> None:
    response = client.head("/accounts/login/")

    assert response.status_code == 200
    assert response.content == b""
    assert response.wsgi_request.method == "HEAD"


@pytest.mark.parametrize("page", ["signup", "password/reset"])
@pytest.mark.parametrize("address", ["root@localhost", "x@[127.0.0.1]", "x@[IPv6:::1]"])
def test_addresses_of_the_mail_server_itself_are_declined(
    db: None, settings: Settings, page: str, address: str
) -> None:
    settings.SITE = settings.SITE._replace(netloc="notes.example")

    response = Client().post(
        f"/accounts/{page}/", {"email": address, "password1": PASSWORD, "consent": "on"}
    )

    assert response.status_code == 200
    assert response.context["form"].errors["email"]
    assert not Message.objects.exists()


def test_a_site_on_a_laptop_takes_addresses_on_a_laptop(db: None) -> None:
    cache.clear()

    assert sign_up(Client(), "dana@localhost").status_code == 302
