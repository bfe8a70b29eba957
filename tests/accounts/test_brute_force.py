"""Guesses at passwords and codes: how many are allowed, and who is not affected."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from pytest_django import Settings
from pytest_django.asserts import assertContains, assertRedirects

from accounts.models import User
from tests.support.accounts import EVENING, Mails, code_in, sign_in, sign_up
from tests.support.at_once import hold_locks_until_awaited
from tests.support.client import PASSWORD, Client
from tests.support.quick_hasher import QuickHasher
from tests.support.second_factors import AUTHENTICATE, code_of, give_app

SEVERAL = "There were several tries in a short time."
WRONG = "not the password"
CONFIRM = "/accounts/confirm-email/"
RESET = "/accounts/password/reset/"
RESET_CODE = "/accounts/password/reset/confirm/"
NEW_PASSWORD = "/accounts/password/reset/complete/"


pytestmark = pytest.mark.usefixtures("fresh_limits")


def at(address: str, forwarded: str = "") -> Client:
    """A browser with this IP address."""
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    return Client(REMOTE_ADDR=address, headers=headers)


def guess(email: str, *, times: int, forwarded: str = "") -> None:
    """Guess, each time from another network, so that only the limit per account counts."""
    for number in range(times):
        sign_in(at(f"192.0.2.{number}", forwarded), email, WRONG)


def test_ten_wrong_passwords_refuse_the_right_one_from_anywhere(carol: User) -> None:
    with time_machine.travel(EVENING, tick=False) as clock:
        guess(carol.email, times=10)

        assertContains(sign_in(at("198.51.100.7"), carol.email), SEVERAL)
        clock.shift(timedelta(minutes=5, seconds=1))
        assert sign_in(at("198.51.100.7"), carol.email).status_code == 302


def test_refused_passwords_are_not_looked_at(carol: User) -> None:
    guess(carol.email, times=10)
    before = QuickHasher.times

    sign_in(at("198.51.100.7"), carol.email)

    assert QuickHasher.times == before


def test_one_client_guesses_ten_times_a_minute(carol: User) -> None:
    with time_machine.travel(EVENING, tick=False):
        for number in range(10):
            sign_in(at("192.0.2.1"), f"p{number}@example.org", WRONG)

        assertContains(sign_in(at("192.0.2.1"), carol.email), SEVERAL)
        assert sign_in(at("192.0.2.2"), carol.email).status_code == 302


def test_another_person_is_not_touched(carol: User, alice: User) -> None:
    guess(alice.email, times=11)

    assert sign_in(at("198.51.100.7"), carol.email).status_code == 302


def test_limited_sign_in_leaves_the_password_reset_open(carol: User, mails: Mails) -> None:
    guess(carol.email, times=11)
    client = at("198.51.100.7")

    client.post(RESET, {"email": carol.email})
    client.post(RESET_CODE, {"code": code_in(mails()[0])})
    client.post(NEW_PASSWORD, {"password1": "a much longer sentence"})

    assert sign_in(client, carol.email, "a much longer sentence").status_code == 302


def test_signing_in_in_between_does_not_make_room_for_more(carol: User, alice: User) -> None:
    for number in range(10):
        client = at("192.0.2.1")
        sign_in(client, alice.email, WRONG)
        if number % 3 == 0:
            sign_in(at("192.0.2.1"), carol.email)

    assertContains(sign_in(at("192.0.2.1"), carol.email), SEVERAL)


@pytest.mark.parametrize("trusted", [0, 1])
def test_claiming_other_addresses_does_not_help(
    carol: User, settings: Settings, trusted: int
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = trusted
    for number in range(10):
        # Behind one proxy, only the last address is trustworthy: the proxy adds it.
        claimed = f"203.0.113.{number}" + (", 192.0.2.1" if trusted else "")
        sign_in(at("192.0.2.1", claimed), f"p{number}@example.org", WRONG)

    claimed = "203.0.113.99" + (", 192.0.2.1" if trusted else "")
    assertContains(sign_in(at("192.0.2.1", claimed), carol.email), SEVERAL)


def test_behind_a_proxy_each_client_is_one(carol: User, settings: Settings) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    for number in range(10):
        sign_in(at("192.0.2.1", "203.0.113.1"), f"p{number}@example.org", WRONG)

    assert sign_in(at("192.0.2.1", "203.0.113.2"), carol.email).status_code == 302


def test_too_many_trusted_proxies_are_named_in_the_log(
    carol: User, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody can sign in, and nothing else would tell the operator why."""
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2

    with pytest.raises(ImproperlyConfigured):
        sign_in(at("192.0.2.1", "203.0.113.1"), carol.email)

    said = "TRUSTED_PROXY_COUNT is higher than the number of proxies in front"
    assert said in [record.msg for record in caplog.records]


@pytest.mark.django_db(transaction=True)
def test_limit_outlives_a_restart(carol: User) -> None:
    guess(carol.email, times=10)
    connections.close_all()

    def in_a_fresh_process() -> bytes:
        try:
            content: bytes = sign_in(at("198.51.100.7"), carol.email).content
            return content
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        assert SEVERAL.encode() in pool.submit(in_a_fresh_process).result(timeout=120)


@pytest.mark.django_db(transaction=True)
def test_fifty_guesses_at_once_are_no_more_than_ten(carol: User) -> None:
    def try_once(number: int) -> bool:
        try:
            page = sign_in(at(f"192.0.2.{number}"), carol.email, WRONG).content.decode()
            return "do not go together" in page
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        looked_at = sum(pool.map(try_once, range(50), timeout=120))

    assert 1 <= looked_at <= 12
    assertContains(sign_in(at("198.51.100.7"), carol.email), SEVERAL)


# --- Guesses within a session ---------------------------------------------------------------

ERASE = "/you/privacy/erase/"
CHANGE = "/accounts/password/change/"
REAUTHENTICATE = "/accounts/reauthenticate/"
NOT_CHECKED = "There were several tries in a short time."
# Each page that asks for the password again: its field, and what it says to a wrong one.
PAGES = {
    ERASE: ("password", "That is not the password of this account."),
    CHANGE: ("oldpassword", "That is not your current password."),
    REAUTHENTICATE: ("password", "That is not your password."),
}


def guess_inside(client: Client, page: str, password: str = WRONG) -> Any:
    field, _wrong = PAGES[page]
    return client.post(page, {field: password, "password1": WRONG})


def use_up(client: Client, clock: time_machine.Traveller, *, times: int = 10) -> None:
    """Guess on all pages in turn, slowly enough for allauth's own limits per minute."""
    for number in range(times):
        page = [*PAGES][number % len(PAGES)]
        assertContains(guess_inside(client, page), PAGES[page][1])
        clock.shift(timedelta(seconds=10))


@pytest.mark.parametrize("page", PAGES)
def test_guesses_on_all_pages_of_a_session_are_counted_together(
    carol: User, as_carol: Client, page: str
) -> None:
    with time_machine.travel(EVENING, tick=False) as clock:
        use_up(as_carol, clock)
        hashed = QuickHasher.times

        refused = guess_inside(as_carol, page, PASSWORD)

        assert NOT_CHECKED in refused.text
        assert QuickHasher.times == hashed
        assert User.objects.filter(pk=carol.pk).exists()
        # Another browser of theirs shares the count.
        other = Client()
        other.force_login(carol)
        assert NOT_CHECKED in guess_inside(other, page, PASSWORD).text
        clock.shift(timedelta(minutes=5))
        assert guess_inside(as_carol, REAUTHENTICATE, PASSWORD).status_code == 302


def test_guesses_within_a_session_are_limited_per_day(carol: User, as_carol: Client) -> None:
    with time_machine.travel(EVENING, tick=False) as clock:
        for _ in range(4):
            use_up(as_carol, clock)
            clock.shift(timedelta(hours=1))

        assert NOT_CHECKED in guess_inside(as_carol, REAUTHENTICATE, PASSWORD).text
        clock.shift(timedelta(hours=23))
        as_carol.force_login(carol)
        assert guess_inside(as_carol, REAUTHENTICATE, PASSWORD).status_code == 302


def test_right_passwords_do_not_count(carol: User, as_carol: Client) -> None:
    with time_machine.travel(EVENING, tick=False) as clock:
        for _ in range(45):
            assert guess_inside(as_carol, REAUTHENTICATE, PASSWORD).status_code == 302
            clock.shift(timedelta(seconds=10))


@pytest.mark.parametrize("is_locked", [False, True])
def test_strangers_do_not_keep_anyone_from_unlocking_or_erasing(
    carol: User, as_carol: Client, is_locked: bool
) -> None:
    with time_machine.travel(EVENING, tick=False) as clock:
        for _ in range(11):
            clock.shift(timedelta(minutes=5))
            guess(carol.email, times=10)
        as_carol.force_login(carol)
        if is_locked:
            as_carol.get("/leave/")

        assert guess_inside(as_carol, REAUTHENTICATE, PASSWORD).status_code == 302
        assertRedirects(guess_inside(as_carol, ERASE, PASSWORD), "/goodbye/")

    assert not User.objects.exists()


def test_guesses_within_a_session_do_not_close_the_sign_in(carol: User, as_carol: Client) -> None:
    with time_machine.travel(EVENING, tick=False) as clock:
        use_up(as_carol, clock)

        assert sign_in(at("198.51.100.7"), carol.email).status_code == 302


def test_guesses_at_sign_in_are_limited_per_day(carol: User) -> None:
    with time_machine.travel(EVENING, tick=False) as clock:
        for _ in range(10):
            guess(carol.email, times=10)
            clock.shift(timedelta(minutes=5))

        assertContains(sign_in(at("198.51.100.7"), carol.email), SEVERAL)
        clock.shift(timedelta(days=1))
        assert sign_in(at("198.51.100.7"), carol.email).status_code == 302


def test_another_port_in_the_host_header_does_not_help(carol: User) -> None:
    with time_machine.travel(EVENING, tick=False):
        for number in range(10):
            client = at(f"192.0.2.{number}")
            client.defaults["HTTP_HOST"] = f"testserver:{1000 + number}"
            sign_in(client, carol.email, WRONG)

        assertContains(sign_in(at("198.51.100.7"), carol.email), SEVERAL)


def test_new_password_by_mail_clears_both_counts(
    carol: User, as_carol: Client, mails: Mails
) -> None:
    with time_machine.travel(EVENING, tick=False) as clock:
        for _ in range(4):
            use_up(as_carol, clock)
            clock.shift(timedelta(hours=1))
        for _ in range(10):
            guess(carol.email, times=10)
            clock.shift(timedelta(minutes=5))
        client = at("198.51.100.7")

        client.post(RESET, {"email": carol.email})
        client.post(RESET_CODE, {"code": code_in(mails()[-1])})
        client.post(NEW_PASSWORD, {"password1": "a much longer sentence"})

        assert sign_in(client, carol.email, "a much longer sentence").status_code == 302
        answer = guess_inside(client, ERASE, "a much longer sentence")
        assertRedirects(answer, "/goodbye/")


@pytest.mark.django_db(transaction=True)
def test_fifty_guesses_at_once_within_a_session_are_no_more_than_ten(carol: User) -> None:
    browsers = [Client() for _ in range(10)]
    for browser in browsers:
        browser.force_login(carol)

    def try_once(number: int) -> bool:
        try:
            return PAGES[ERASE][1] in guess_inside(browsers[number % 10], ERASE).text
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        looked_at = sum(pool.map(try_once, range(50), timeout=120))

    assert 1 <= looked_at <= 10


def test_codes_at_sign_in_do_not_close_those_of_a_session(carol: User, as_carol: Client) -> None:
    """Somebody who knows the password, without a session, guesses at the second step."""
    secret = give_app(carol)
    stranger = at("192.0.2.1")
    sign_in(stranger, carol.email)
    with time_machine.travel(EVENING, tick=False):
        stranger = at("192.0.2.1")
        sign_in(stranger, carol.email)
        for _ in range(11):
            stranger.post(AUTHENTICATE, {"code": "000000"})
        as_carol.force_login(carol)

        answer = as_carol.post("/accounts/2fa/reauthenticate/", {"code": code_of(secret)})

    assert answer.status_code == 302


# --- codes ------------------------------------------------------------------------------------


def test_a_code_of_a_sign_up_opens_once(client: Client, mails: Mails) -> None:
    sign_up(client)
    code = code_in(mails()[0])
    assert client.post(CONFIRM, {"code": code}).status_code == 302
    client.post("/accounts/logout/")

    assertRedirects(client.post(CONFIRM, {"code": code}), "/accounts/login/")
    assert "_auth_user_id" not in client.session


def test_a_code_of_a_reset_opens_once(client: Client, carol: User, mails: Mails) -> None:
    client.post(RESET, {"email": carol.email})
    code = code_in(mails()[0])
    client.post(RESET_CODE, {"code": code})
    client.post(NEW_PASSWORD, {"password1": "a much longer sentence"})

    assertRedirects(client.post(RESET_CODE, {"code": code}), "/accounts/login/")
    assertRedirects(client.post(NEW_PASSWORD, {"password1": "another sentence"}), RESET)
    carol.refresh_from_db()
    assert carol.check_password("a much longer sentence")


def test_a_code_of_a_reset_works_in_the_browser_that_asked_only(carol: User, mails: Mails) -> None:
    asked, other = Client(), Client()
    asked.post(RESET, {"email": carol.email})
    code = code_in(mails()[0])

    assertRedirects(other.post(RESET_CODE, {"code": code}), "/accounts/login/")
    # Nor is it accepted in another browser, where another code is pending.
    other.post(RESET, {"email": "nobody@example.org"})
    assertContains(other.post(RESET_CODE, {"code": code}), "That is not the code")
    carol.refresh_from_db()
    assert carol.check_password(PASSWORD)


@pytest.mark.parametrize("address", ["dana@example.org", "carol@example.org"])
def test_three_wrong_codes_end_it(client: Client, carol: User, mails: Mails, address: str) -> None:
    sign_up(client, address)
    answers = [client.post(CONFIRM, {"code": "0"}).status_code for _try in range(4)]

    assert answers == [200, 200, 302, 302]
    assert "account_email_verification_code" not in client.session


def guess_at_once(client: Client, address: str, person: User, guesses: list[str]) -> int:
    """Return how many guesses were checked, of some that all read the session at once."""

    def try_one(guess: str) -> bool:
        other = Client()
        other.cookies = client.cookies.copy()
        try:
            return b"That is not the code" in other.post(address, {"code": guess}).content
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(guesses)) as pool:
        with hold_locks_until_awaited(by=len(guesses)):
            User.objects.select_for_update().get(pk=person.pk)
            answers = [pool.submit(try_one, guess) for guess in guesses]
        return sum(answer.result(timeout=120) for answer in answers)


WRONG_CODES = [f"{number:08}" for number in range(10)]


@pytest.mark.django_db(transaction=True)
def test_ten_codes_of_a_sign_up_at_once_are_three_tries(client: Client, mails: Mails) -> None:
    sign_up(client)
    person = User.objects.get()

    looked_at = guess_at_once(client, CONFIRM, person, WRONG_CODES)

    assert looked_at == 3
    assertRedirects(client.post(CONFIRM, {"code": code_in(mails()[0])}), "/accounts/login/")
    assert "_auth_user_id" not in client.session


@pytest.mark.django_db(transaction=True)
def test_ten_codes_of_a_reset_at_once_are_three_tries(
    client: Client, carol: User, mails: Mails
) -> None:
    client.post(RESET, {"email": carol.email})

    looked_at = guess_at_once(client, RESET_CODE, carol, WRONG_CODES)

    assert looked_at == 3
    assertRedirects(client.post(RESET_CODE, {"code": code_in(mails()[0])}), "/accounts/login/")
    assertRedirects(client.get(NEW_PASSWORD), RESET)


@pytest.mark.django_db(transaction=True)
def test_a_code_that_is_sent_again_brings_no_more_tries(client: Client, mails: Mails) -> None:
    with time_machine.travel(EVENING, tick=False) as clock:
        sign_up(client)
        assertContains(client.post(CONFIRM, {"code": "0"}), "That is not the code")
        clock.shift(timedelta(minutes=1))
        client.post(CONFIRM, {"action": "resend"})
        assert len(mails()) == 2

        assert guess_at_once(client, CONFIRM, User.objects.get(), WRONG_CODES) == 2
