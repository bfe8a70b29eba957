"""Pages do not reveal whether an address has an account: neither by text, status, headers and
cookies, nor by the work that takes time (counted here, never timed)."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache

from accounts.actions import open_account
from accounts.models import User
from mail.models import Message
from tests.support.accounts import EVENING, sign_in, sign_up
from tests.support.client import PASSWORD, Client
from tests.support.database import Statements
from tests.support.quick_hasher import QuickHasher

CONFIRM = "/accounts/confirm-email/"
RESET = "/accounts/password/reset/"
RESET_CODE = "/accounts/password/reset/confirm/"

# All of the same length, so that pages that show them are equally long.
NOBODY = "nobody@example.org"
OTHERS = {
    "confirmed": "knownn@example.org",
    "unconfirmed": "fresh1@example.org",
    "unconfirmed for two days": "stale1@example.org",
    "closed": "closed@example.org",
    "without an address of allauth’s": "bareee@example.org",
    "of an operator": "operat@example.org",
}


# What a visitor gets, and the work it took.
Measured = dict[str, Any]
Measure = Callable[..., Measured]

# Headers that identify one response.
RANDOM = {"X-Request-ID"}


@pytest.fixture(autouse=True)
def stopped_clock(db: None) -> Iterator[datetime]:
    """Stop the clock, so that no header differs by a second."""
    with time_machine.travel(EVENING, tick=False):
        yield EVENING


@pytest.fixture(autouse=True)
def people(stopped_clock: datetime) -> None:
    now = stopped_clock
    open_account(email=OTHERS["confirmed"], password=PASSWORD, now=now)
    closed = open_account(email=OTHERS["closed"], password=PASSWORD, now=now)
    User.objects.filter(pk=closed.pk).update(is_active=False)
    operator = open_account(email=OTHERS["of an operator"], password=PASSWORD, now=now)
    User.objects.filter(pk=operator.pk).update(is_staff=True, is_superuser=True)
    User.objects.create_user(OTHERS["without an address of allauth’s"], PASSWORD)
    for name in ("unconfirmed", "unconfirmed for two days"):
        sign_up(Client(), OTHERS[name])
    _unfinished_sign_up(OTHERS["unconfirmed for two days"], now - timedelta(days=2))


def _unfinished_sign_up(address: str, at: datetime) -> None:
    User.objects.filter(email=address).update(joined_at=at)


@pytest.fixture
def measure(statements: Statements) -> Measure:
    def measure(address: str, send: Callable[[], Any]) -> Measured:
        cache.clear()
        hashes, mails = QuickHasher.times, Message.objects.count()
        with statements() as asked:
            response = send()
        page = re.sub(r'(name="csrfmiddlewaretoken" value=)"\w+"', "", response.content.decode())
        return {
            "status": response.status_code,
            "words": page.replace(address, "…"),
            "length": len(response.content),
            "headers": {name: value for name, value in response.items() if name not in RANDOM},
            "cookies": [_shape(cookie) for cookie in response.cookies.values()],
            "hashes": QuickHasher.times - hashes,
            "statements": len(asked),
            "mails": Message.objects.count() - mails,
        }

    return measure


def _shape(cookie: Any) -> tuple[Any, ...]:
    return cookie.key, len(cookie.value), cookie["max-age"], cookie["path"], cookie["samesite"]


def _signing_up(address: str, measure: Measure) -> list[Measured]:
    client = Client()
    return [
        measure(address, lambda: sign_up(client, address)),
        measure(address, lambda: client.get(CONFIRM)),
        measure(address, lambda: client.post(CONFIRM, {"code": "wrong"})),
        measure(address, lambda: client.post(CONFIRM, {"action": "resend"})),
        measure(address, lambda: client.post(CONFIRM, {"action": "resend"})),
        measure(address, lambda: client.post(CONFIRM, {"action": "resend"})),
        measure(address, lambda: client.post(CONFIRM, {"code": "wrong"})),
        measure(address, lambda: client.get("/accounts/login/")),
    ]


def _starting_again(address: str, measure: Measure) -> list[Measured]:
    client = Client()
    cache.clear()
    sign_up(client, address)
    again = {"next": "/accounts/signup/"}
    return [
        measure(address, lambda: client.post("/accounts/logout/", again)),
        measure(address, lambda: client.get("/accounts/signup/")),
    ]


def _resetting(address: str, measure: Measure) -> list[Measured]:
    client = Client()
    wrong = {"code": "wrong"}
    return [
        measure(address, lambda: client.post(RESET, {"email": address})),
        measure(address, lambda: client.get(RESET_CODE)),
        measure(address, lambda: client.post(RESET_CODE, wrong)),
        measure(address, lambda: client.post(RESET_CODE, wrong)),
        measure(address, lambda: client.post(RESET_CODE, wrong)),
        measure(address, lambda: client.get("/accounts/login/")),
    ]


def _signing_in(address: str, measure: Measure) -> list[Measured]:
    client = Client()
    wrong = "not the password"
    return [measure(address, lambda: sign_in(client, address, wrong)) for _ in range(3)]


@pytest.mark.parametrize("steps", [_signing_up, _starting_again, _resetting, _signing_in])
def test_an_address_looks_like_any_other(
    steps: Callable[..., list[Measured]], measure: Measure
) -> None:
    of_nobody = steps(NOBODY, measure)

    for who, address in OTHERS.items():
        pairs = zip(steps(address, measure), of_nobody, strict=True)
        for number, (measured, expected) in enumerate(pairs):
            for what, value in expected.items():
                assert measured[what] == value, f"{what} of step {number}: {who}"
