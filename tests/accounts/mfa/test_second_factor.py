"""Authenticator apps and recovery codes: set up, asked for, used up, and never stored in clear."""

import base64
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core.management import call_command
from django.db import connection, connections
from pytest_django import Settings
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.actions import open_account
from accounts.erasure import erase
from accounts.mfa.actions import remove_app, remove_passkey
from accounts.mfa.adapter import open_seed, seal_seed
from accounts.models import Activity, User
from mail.models import Message
from tests.support.accounts import (
    CODE_PAGE,
    EVENING,
    RESET,
    Later,
    Mails,
    check_page,
    code_in,
    sign_in,
    sign_up,
)
from tests.support.at_once import hold_locks_until_awaited
from tests.support.client import PASSWORD, Client
from tests.support.codes import AS_TYPED
from tests.support.database import Statements
from tests.support.people import AppClock
from tests.support.second_factors import (
    AUTHENTICATE,
    EARLIER,
    code_of,
    codes_of,
    enter_admin,
    give_app,
    give_passkey,
    is_signed_in,
    leave,
    reauthenticate,
    row_of,
    secret_on,
    start_sign_in,
)
from vault.key_ring import new_keyset
from vault.models import Key
from vault.sealing import CannotOpen
from vault.sessions import Session

INDEX = "/accounts/2fa/"
APP = "/accounts/2fa/app/"
CODES = "/accounts/2fa/codes/"
NEW_CODES = "/accounts/2fa/codes/new/"
BY_CODE = "/accounts/2fa/reauthenticate/"
LOCK = "/accounts/reauthenticate/"
NOT_THAT_CODE = "That code does not fit."
MANY_TRIES = (
    "There were many wrong codes. Wait a few minutes, then try again."
    " After very many it can take up to a day."
)


pytestmark = pytest.mark.usefixtures("fresh_limits")


@pytest.fixture
def secret(carol: User) -> str:
    """The secret of Carol's app."""
    return give_app(carol)


def kinds_of(person: User) -> list[str]:
    kinds = Authenticator.objects.filter(user=person).values_list("type", flat=True)
    return sorted(kinds)


# --- Setting up ----------------------------------------------------------------------------


def test_app_is_set_up_by_a_code_from_it(proved_carol: Client, carol: User, mails: Mails) -> None:
    page = proved_carol.get(APP)
    check_page(page.text)
    assertContains(page, '<svg class="qr"')
    secret = secret_on(page)
    assertContains(page, f"otpauth://totp/carol%40example.org?secret={secret}&amp;issuer=Notes")

    response = proved_carol.post(APP, {"code": code_of(secret)})

    assertRedirects(response, CODES)
    assert open_seed(carol, row_of(carol, "totp").data["secret"]) == secret
    [mail] = mails()
    assert mail.subject == "Your account"
    assert "now also asks for a code" in str(mail.body)
    newest = Activity.objects.of(carol).newest_first()[0]
    assert newest.kind == Activity.Kind.APP_ADDED


ELSEWHERE = "Wherever else you were signed in, you are signed out now."


def test_first_app_signs_out_everywhere_else(
    proved_carol: Client, carol: User, mails: Mails
) -> None:
    """Those sessions were never asked for a second factor: an intruder may be in one."""
    elsewhere, waiting = Client(), Client()
    sign_in(elsewhere, carol.email)
    waiting.post("/accounts/password/reset/", {"email": carol.email})
    code = code_in(mails()[-1])
    secret = secret_on(proved_carol.get(APP))

    page = proved_carol.post(APP, {"code": code_of(secret)}, follow=True)

    assertContains(page, ELSEWHERE)
    assert is_signed_in(proved_carol)
    assert not is_signed_in(elsewhere)
    assertRedirects(waiting.post(CODE_PAGE, {"code": code}), RESET)
    kinds = [row.kind for row in Activity.objects.of(carol).newest_first()]
    assert kinds[:2] == [Activity.Kind.APP_ADDED, Activity.Kind.SIGNED_OUT_ELSEWHERE]


def test_second_factor_beside_another_signs_nobody_out(proved_carol: Client, carol: User) -> None:
    give_passkey(carol)
    elsewhere = Client()
    elsewhere.force_login(carol)
    secret = secret_on(proved_carol.get(APP))

    page = proved_carol.post(APP, {"code": code_of(secret)}, follow=True)

    assertNotContains(page, ELSEWHERE)
    assert is_signed_in(elsewhere)


def test_first_app_that_cannot_be_kept_signs_nobody_out(proved_carol: Client, carol: User) -> None:
    elsewhere = Client()
    elsewhere.force_login(carol)
    secret = secret_on(proved_carol.get(APP))
    Key.objects.filter(owner=carol).delete()

    proved_carol.post(APP, {"code": code_of(secret)})

    assert Session.objects.of(carol).count() == 2


def test_app_is_not_set_up_by_another_code(proved_carol: Client) -> None:
    secret = secret_on(proved_carol.get(APP))

    for steps in (-2, 1):
        assertContains(
            proved_carol.post(APP, {"code": code_of(secret, steps=steps)}), NOT_THAT_CODE
        )

    assert not Authenticator.objects.exists()


def test_secret_is_another_one_each_time(proved_carol: Client) -> None:
    first, second = secret_on(proved_carol.get(APP)), secret_on(proved_carol.get(APP))

    assert first != second
    assertContains(proved_carol.post(APP, {"code": code_of(first)}), NOT_THAT_CODE)


@pytest.mark.parametrize("address", [APP, f"{APP}remove/", CODES, NEW_CODES])
def test_page_that_changes_something_asks_for_the_password(as_carol: Client, address: str) -> None:
    for response in (as_carol.get(address), as_carol.post(address)):
        assert response.status_code == 302
        assert response["Location"].startswith(f"{LOCK}?next=")
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("address", [INDEX, APP, CODES, NEW_CODES, BY_CODE, f"{APP}remove/"])
def test_page_is_ours_and_needs_few_statements(
    proved_carol: Client, carol: User, statements: Statements, address: str
) -> None:
    if address != APP:
        give_app(carol)
        give_passkey(carol)
    check_page(proved_carol.get(address).text)

    with statements() as found:
        assert proved_carol.get(address).status_code == 200

    assert len(found) <= 6, found


def test_list_of_passkeys_costs_the_same_with_one_and_with_many(
    proved_carol: Client, carol: User, statements: Statements
) -> None:
    counts = []
    for more in (1, 4):
        for _ in range(more):
            give_passkey(carol)
        with statements() as found:
            proved_carol.get(INDEX)
        counts.append(len(found))

    assert counts[0] == counts[1] <= 4


def test_no_page_shows_the_number_of_a_row(proved_carol: Client, carol: User, secret: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('mfa_authenticator', 'id'), 734911)")
    give_passkey(carol)

    page = proved_carol.get(INDEX)

    assertNotContains(page, "7349")
    assert len(re.findall(r'href="/accounts/2fa/passkeys/[0-9a-f]{32}/remove/"', page.text)) == 1


# --- Signing in ----------------------------------------------------------------------------


def test_password_alone_opens_nothing(client: Client, carol: User, secret: str) -> None:
    assertRedirects(sign_in(client, carol.email), AUTHENTICATE)

    check_page(client.get(AUTHENTICATE).text)
    assertRedirects(client.get("/you/"), "/accounts/login/?next=/you/", target_status_code=302)
    assert not Activity.objects.of(carol).filter(kind=Activity.Kind.SIGNED_IN).exists()


def test_code_after_the_password_signs_in(carol: User, secret: str) -> None:
    browser = start_sign_in(carol)

    response = browser.post(AUTHENTICATE, {"code": code_of(secret)})

    assertRedirects(response, "/today/", fetch_redirect_response=False)
    assert is_signed_in(browser)


def test_code_without_the_password_is_asked_for_it(client: Client, db: None) -> None:
    assertRedirects(client.get(AUTHENTICATE), "/accounts/login/")
    assertRedirects(client.post(AUTHENTICATE, {"code": "123456"}), "/accounts/login/")


def test_code_works_once(carol: User, secret: str) -> None:
    with time_machine.travel(EVENING, tick=False):
        first, second = start_sign_in(carol), start_sign_in(carol)
        assert first.post(AUTHENTICATE, {"code": code_of(secret)}).status_code == 302

        assertContains(second.post(AUTHENTICATE, {"code": code_of(secret)}), NOT_THAT_CODE)
        assert not is_signed_in(second)


def test_code_read_just_before_its_end_signs_in_once(
    carol: User, secret: str, app_clock: AppClock
) -> None:
    first, second = start_sign_in(carol), start_sign_in(carol)
    code = code_of(secret)
    app_clock.at += 30

    assert first.post(AUTHENTICATE, {"code": code}).status_code == 302

    assertContains(second.post(AUTHENTICATE, {"code": code}), NOT_THAT_CODE)
    app_clock.at += 30
    assertContains(second.post(AUTHENTICATE, {"code": code}), NOT_THAT_CODE)
    assert not is_signed_in(second)


@pytest.mark.parametrize("typed", AS_TYPED.values(), ids=AS_TYPED)
def test_code_is_taken_as_any_phone_types_it(
    carol: User, secret: str, typed: Callable[[str], str]
) -> None:
    browser = start_sign_in(carol)

    assert browser.post(AUTHENTICATE, {"code": typed(code_of(secret))}).status_code == 302
    assert is_signed_in(browser)


def test_code_that_set_the_app_up_does_not_sign_in(carol: User, proved_carol: Client) -> None:
    with time_machine.travel(EVENING, tick=False):
        reauthenticate(proved_carol)
        secret = secret_on(proved_carol.get(APP))
        proved_carol.post(APP, {"code": code_of(secret)})
        browser = start_sign_in(carol)

        assertContains(browser.post(AUTHENTICATE, {"code": code_of(secret)}), NOT_THAT_CODE)


@pytest.mark.parametrize("steps", [-3, -2, 1, 2])
def test_code_of_another_half_minute_is_refused(carol: User, secret: str, steps: int) -> None:
    with time_machine.travel(EVENING, tick=False):
        browser = start_sign_in(carol)

        assertContains(
            browser.post(AUTHENTICATE, {"code": code_of(secret, steps=steps)}), NOT_THAT_CODE
        )
        assert not is_signed_in(browser)


@pytest.mark.parametrize(
    "code", ["", "x", "１２３４５６", "a\0b", "9" * 300_000, "12 34-56", "\u0e50" * 6]
)
def test_what_is_no_code_is_refused(carol: User, secret: str, code: str) -> None:
    browser = start_sign_in(carol)

    assert browser.post(AUTHENTICATE, {"code": code}).status_code == 200
    assert not is_signed_in(browser)


def test_new_password_by_mail_still_asks_for_the_code(
    client: Client, carol: User, secret: str, mails: Mails
) -> None:
    client.post("/accounts/password/reset/", {"email": carol.email})
    client.post("/accounts/password/reset/confirm/", {"code": code_in(mails()[-1])})
    new = "a much longer sentence"
    client.post("/accounts/password/reset/complete/", {"password1": new})

    assertRedirects(sign_in(client, carol.email, new), AUTHENTICATE)
    assert not is_signed_in(client)
    assert client.post(AUTHENTICATE, {"code": code_of(secret)}).status_code == 302
    assert is_signed_in(client)


def test_locked_pages_open_with_a_code(as_carol: Client, secret: str) -> None:
    as_carol.get("/leave/")
    assertContains(as_carol.get(f"{LOCK}?next=/you/"), f'href="{BY_CODE}?next=%2Fyou%2F"')
    check_page(as_carol.get(BY_CODE).text)

    response = as_carol.post(BY_CODE, {"code": code_of(secret), "next": "/you/"})

    assertRedirects(response, "/you/")


def test_locked_pages_stay_closed_with_another_code(as_carol: Client, secret: str) -> None:
    as_carol.get("/leave/")

    as_carol.post(BY_CODE, {"code": code_of(secret, steps=1)})

    assert not is_signed_in(as_carol)


INVALIDATES_PENDING = pytest.mark.parametrize(
    ("address", "sent"),
    [
        ("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": "a longer sentence"}),
        ("/accounts/devices/end-others/", {}),
    ],
)


@INVALIDATES_PENDING
def test_pending_sign_in_ends_with_the_other_sessions(
    carol: User, proved_carol: Client, secret: str, address: str, sent: dict[str, str]
) -> None:
    """An intruder who knows the password may have started it."""
    pending = start_sign_in(carol)

    assert proved_carol.post(address, sent).status_code == 302

    assertRedirects(pending.post(AUTHENTICATE, {"code": code_of(secret)}), "/accounts/login/")
    assert not is_signed_in(pending)
    assert is_signed_in(proved_carol)


@INVALIDATES_PENDING
def test_pending_sign_in_in_the_locked_browser_of_another_ends_too(
    carol: User,
    proved_carol: Client,
    as_bob: Client,
    secret: str,
    address: str,
    sent: dict[str, str],
) -> None:
    pending = start_sign_in(carol, leave(as_bob))

    assert proved_carol.post(address, sent).status_code == 302

    assertRedirects(pending.post(AUTHENTICATE, {"code": code_of(secret)}), "/accounts/login/")
    assert not is_signed_in(pending)


def test_sign_in_begun_since_goes_on_in_the_locked_browser_of_another(
    carol: User, proved_carol: Client, as_bob: Client, secret: str
) -> None:
    pending = start_sign_in(carol, leave(as_bob))
    proved_carol.post("/accounts/devices/end-others/")
    pending.get(AUTHENTICATE)

    start_sign_in(carol, pending)
    pending.post(AUTHENTICATE, {"code": code_of(secret)})

    assert is_signed_in(pending)


def test_pending_sign_in_of_an_erased_account_ends(
    carol: User, as_bob: Client, secret: str
) -> None:
    pending = start_sign_in(carol, leave(as_bob))
    erase(person=carol, now=EVENING)

    assertRedirects(pending.post(AUTHENTICATE, {"code": code_of(secret)}), "/accounts/login/")


def test_old_pending_sign_in_does_not_affect_the_person_signed_in_now(
    carol: User, proved_carol: Client, as_bob: Client, secret: str
) -> None:
    start_sign_in(carol, leave(as_bob))
    proved_carol.post("/accounts/devices/end-others/")
    reauthenticate(as_bob)

    assertRedirects(as_bob.get(AUTHENTICATE), "/today/")
    assert is_signed_in(as_bob)


@pytest.mark.parametrize("address", ["dana@example.org", "carol@example.org"])
def test_page_for_the_second_step_does_not_tell_a_sign_up_who_has_an_account(
    carol: User, client: Client, address: str
) -> None:
    sign_up(client, address)

    assertRedirects(client.get(AUTHENTICATE), "/accounts/login/", target_status_code=302)

    assertRedirects(client.get("/accounts/login/"), "/accounts/confirm-email/")


def test_pending_sign_in_ends_when_the_second_factor_is_removed(
    carol: User, proved_carol: Client, secret: str
) -> None:
    """It waits for a factor that no longer exists."""
    pending = start_sign_in(carol)

    proved_carol.post("/accounts/2fa/app/remove/")

    assertRedirects(pending.get(AUTHENTICATE), "/accounts/login/")
    sign_in(pending, carol.email)
    assert is_signed_in(pending)


def test_sign_in_of_others_goes_on_when_somebody_signs_out_elsewhere(
    carol: User, proved_carol: Client
) -> None:
    dan = open_account(email="dan@example.org", password=PASSWORD, now=EARLIER)
    secret = give_app(dan)
    browser = start_sign_in(dan)

    proved_carol.post("/accounts/devices/end-others/")

    assert browser.post(AUTHENTICATE, {"code": code_of(secret)}).status_code == 302
    assert is_signed_in(browser)


def test_person_can_start_again(carol: User, secret: str) -> None:
    browser = start_sign_in(carol)

    browser.post("/accounts/logout/", {"next": "/accounts/login/"})

    assertRedirects(browser.get(AUTHENTICATE), "/accounts/login/")


# --- Limits --------------------------------------------------------------------------------


def test_tries_are_counted_per_person_wherever_they_come_from(
    carol: User, secret: str, settings: Settings
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    browser = start_sign_in(carol)
    for n in range(10):
        away = {"X-Forwarded-For": f"203.0.113.{n}"}
        assertContains(browser.post(AUTHENTICATE, {"code": "000000"}, headers=away), NOT_THAT_CODE)

    another = start_sign_in(carol)
    sent = {"code": code_of(secret)}
    response = another.post(AUTHENTICATE, sent, headers={"X-Forwarded-For": "198.51.100.7"})

    assertContains(response, MANY_TRIES)


def test_guesses_are_counted_per_client_across_accounts(
    carol: User, secret: str, mails: Mails
) -> None:
    dan = open_account(email="dan@example.org", password=PASSWORD, now=EARLIER)
    give_app(dan)
    first, second = start_sign_in(carol), start_sign_in(dan)
    for _ in range(5):
        first.post(AUTHENTICATE, {"code": "000000"})
        second.post(AUTHENTICATE, {"code": "000000"})

    assertContains(first.post(AUTHENTICATE, {"code": code_of(secret)}), MANY_TRIES)


def test_right_code_of_ones_own_does_not_reset_the_limit_for_others(
    carol: User, secret: str
) -> None:
    """Otherwise an attacker with an account could reset the limit and guess without end."""
    eve = open_account(email="eve@example.org", password=PASSWORD, now=EARLIER)
    dan = open_account(email="dan@example.org", password=PASSWORD, now=EARLIER)
    hers = give_app(eve)
    give_app(dan)
    browser, another = start_sign_in(carol), start_sign_in(dan)
    for _ in range(4):
        browser.post(AUTHENTICATE, {"code": "000000"})
        another.post(AUTHENTICATE, {"code": "000000"})
    another.post(AUTHENTICATE, {"code": "000000"})
    assert start_sign_in(eve).post(AUTHENTICATE, {"code": code_of(hers)}).status_code == 302

    browser.post(AUTHENTICATE, {"code": "000000"})

    assertContains(browser.post(AUTHENTICATE, {"code": code_of(secret)}), MANY_TRIES)


def test_right_code_counts_as_no_try(carol: User, secret: str, app_clock: AppClock) -> None:
    for _ in range(12):
        app_clock.at += 30
        browser = start_sign_in(carol)
        assert browser.post(AUTHENTICATE, {"code": code_of(secret)}).status_code == 302


def test_guesses_are_limited_per_day(carol: User, secret: str) -> None:
    """Ten guesses in five minutes would make a million in a year."""
    with time_machine.travel(EVENING, tick=False) as clock:
        for _ in range(4):
            browser = start_sign_in(carol)
            for _ in range(10):
                assertContains(browser.post(AUTHENTICATE, {"code": "000000"}), NOT_THAT_CODE)
            clock.shift(timedelta(hours=1))

        assertContains(
            start_sign_in(carol).post(AUTHENTICATE, {"code": code_of(secret)}), MANY_TRIES
        )
        clock.shift(timedelta(days=1))
        assert start_sign_in(carol).post(AUTHENTICATE, {"code": code_of(secret)}).status_code == 302


def counts() -> int:
    with connections["cache"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM cache")
        return int(cursor.fetchone()[0])


def test_tries_stand_in_the_database_where_a_restart_leaves_them(carol: User, secret: str) -> None:
    browser, before = start_sign_in(carol), counts()

    browser.post(AUTHENTICATE, {"code": "000000"})

    assert counts() - before == 3


# --- Recovery codes ------------------------------------------------------------------------


def test_recovery_codes_are_shown_once_and_only_when_asked_for(
    proved_carol: Client, secret: str
) -> None:
    for _ in range(2):
        page = proved_carol.get(CODES)
        assertContains(page, "Show them")
        assertNotContains(page, "<code>")

    page = proved_carol.post(CODES)

    check_page(page.text)
    assert len(set(re.findall(r"<code>(\d{4} \d{4})</code>", page.text))) == 10
    for again in (proved_carol.get(CODES), proved_carol.post(CODES)):
        assertContains(again, "10 codes are left.")
        assertNotContains(again, "<code>")


def test_recovery_code_signs_in_once(carol: User, secret: str) -> None:
    code, *_others = codes_of(carol)
    first, second = start_sign_in(carol), start_sign_in(carol)

    assert first.post(AUTHENTICATE, {"code": f" {code[:4]} {code[4:]} "}).status_code == 302

    assert is_signed_in(first)
    assertContains(second.post(AUTHENTICATE, {"code": code}), NOT_THAT_CODE)
    assertContains(first.get(INDEX), "9 codes are left.")


@pytest.mark.django_db(transaction=True)
def test_recovery_code_sent_ten_times_at_once_works_once(settings: Settings) -> None:
    # This test is about the code, not about the limit.
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": None, "second_step": None, "login": None}
    now = EARLIER
    dora = open_account(email="dora@example.org", password=PASSWORD, now=now)
    give_app(dora)
    code, *_others = codes_of(dora)
    browsers = [start_sign_in(dora) for _ in range(10)]

    def send(browser: Client) -> int:
        try:
            return browser.post(AUTHENTICATE, {"code": code}).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(send, browsers))

    assert sorted(answers) == [200] * 9 + [302]
    assert [is_signed_in(browser) for browser in browsers].count(True) == 1
    assert row_of(dora, "recovery_codes").data["used_mask"] == 1


def test_new_codes_take_the_place_of_the_old(
    proved_carol: Client, carol: User, secret: str, mails: Mails
) -> None:
    old, *_others = codes_of(carol)

    assertRedirects(proved_carol.post(NEW_CODES), CODES)

    assertContains(start_sign_in(carol).post(AUTHENTICATE, {"code": old}), NOT_THAT_CODE)
    new = re.findall(r"<code>(\d{4} \d{4})</code>", proved_carol.post(CODES).text)
    assert start_sign_in(carol).post(AUTHENTICATE, {"code": new[9]}).status_code == 302
    assert "new recovery codes" in str(mails()[-1].body)


def test_new_codes_are_made_ten_times_a_day(
    proved_carol: Client, carol: User, secret: str, mails: Mails
) -> None:
    before = len(mails())
    for _ in range(10):
        assertRedirects(proved_carol.post(NEW_CODES), CODES)
    latest = row_of(carol, "recovery_codes").data

    page = proved_carol.post(NEW_CODES, follow=True)

    assertContains(page, "New codes were made several times today.")
    assert row_of(carol, "recovery_codes").data == latest
    assert len(mails()) == before + 10


def test_codes_need_something_to_stand_in_for(proved_carol: Client, carol: User) -> None:
    assert proved_carol.get(CODES).status_code == 404
    assertRedirects(proved_carol.post(NEW_CODES), INDEX)

    assert not Authenticator.objects.exists()


def test_removing_the_last_factor_takes_the_codes_along(
    proved_carol: Client, carol: User, secret: str, mails: Mails
) -> None:
    assertRedirects(proved_carol.post(f"{APP}remove/"), INDEX)

    assert not Authenticator.objects.exists()
    assert "no longer asks" in str(mails()[-1].body)
    assertRedirects(sign_in(Client(), carol.email), "/today/", fetch_redirect_response=False)


def test_removing_one_of_two_leaves_the_codes(carol: User, secret: str) -> None:
    give_passkey(carol)

    remove_app(person=carol, device="", now=EVENING)

    assert kinds_of(carol) == ["recovery_codes", "webauthn"]


@pytest.mark.django_db(transaction=True)
def test_removing_both_at_once_takes_the_codes_along(carol: User, later: Later) -> None:
    give_app(carol)
    give_passkey(carol)
    passkey = row_of(carol, "webauthn")

    with hold_locks_until_awaited():
        remove_app(person=carol, device="", now=EVENING)
        other = later(remove_passkey, person=carol, passkey=passkey, device="", now=EVENING)

    other.result(timeout=120)
    assert kinds_of(carol) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("begins", ["adding", "removing"])
def test_adding_one_while_the_other_is_removed_leaves_codes(
    carol: User, later: Later, begins: str
) -> None:
    give_app(carol)
    add = partial(give_passkey, carol)
    remove = partial(remove_app, person=carol, device="", now=EVENING)
    quicker, slower = (add, remove) if begins == "adding" else (remove, add)

    with hold_locks_until_awaited():
        quicker()
        other = later(slower)

    other.result(timeout=120)
    assert kinds_of(carol) == ["recovery_codes", "webauthn"]


# --- Sealed --------------------------------------------------------------------------------


def test_seeds_cannot_be_read_in_the_database(carol: User, secret: str) -> None:
    codes = codes_of(carol)
    with connection.cursor() as cursor:
        cursor.execute("SELECT data::text FROM mfa_authenticator")
        stored = " ".join(row[0] for row in cursor.fetchall())

    assert secret not in stored
    assert base64.b32decode(secret).hex() not in stored
    assert not [code for code in codes if code in stored]
    seeds = re.findall(r'"(?:secret|seed)": "([^"]+)"', stored)
    assert len({len(seed) for seed in seeds}) == 1, "their length says nothing"


def _swapped(text: str, bob: User) -> str:
    return str(row_of(bob, "totp").data["secret"])


def _of_another_key(text: str, bob: User) -> str:
    """A seed that Bob knows, sealed by his key for Carol's row."""
    return seal_seed(bob, "JBSWY3DPEHPK3PXP")


def _cut(text: str, bob: User) -> str:
    return text[:-4]


def _flipped(text: str, bob: User) -> str:
    data = bytearray(base64.b64decode(text))
    data[40] ^= 1
    return base64.b64encode(data).decode()


def _plain(text: str, bob: User) -> str:
    return "JBSWY3DPEHPK3PXP"


def _nothing(text: str, bob: User) -> None:
    return None


Damage = Callable[[str, User], Any]


@pytest.mark.parametrize(
    "damage",
    [_swapped, _of_another_key, _cut, _flipped, _plain, _nothing],
    ids=lambda f: f.__name__,
)
def test_seed_that_was_tampered_with_opens_nothing_and_is_left_alone(
    carol: User, bob: User, secret: str, damage: Damage
) -> None:
    bobs = give_app(bob)
    row = row_of(carol, "totp")
    row.data["secret"] = broken = damage(row.data["secret"], bob)
    row.save()

    for code in (code_of(secret), code_of(bobs), code_of("JBSWY3DPEHPK3PXP")):
        page = start_sign_in(carol).post(AUTHENTICATE, {"code": code})
        assertContains(page, "We cannot open this", status_code=503)
        assertNotContains(page, code, status_code=503)
    assert not Activity.objects.of(carol).filter(kind=Activity.Kind.SIGNED_IN).exists()
    assert row_of(carol, "totp").data["secret"] == broken


def test_recovery_codes_open_where_the_app_does_not(carol: User, secret: str) -> None:
    code, *_others = codes_of(carol)
    Authenticator.objects.filter(type="totp").update(data={"secret": "x"})

    assert start_sign_in(carol).post(AUTHENTICATE, {"code": code}).status_code == 302


def test_codes_of_another_person_are_not_shown(
    proved_carol: Client, carol: User, bob: User
) -> None:
    give_app(carol)
    give_app(bob)
    theirs = row_of(bob, "recovery_codes").data
    Authenticator.objects.filter(user=carol, type="recovery_codes").update(data=theirs)

    page = proved_carol.post(CODES)

    assertContains(page, "We cannot open this", status_code=503)
    assert row_of(carol, "recovery_codes").data == theirs


def test_without_a_key_nothing_is_set_up_and_nothing_breaks(
    proved_carol: Client, carol: User
) -> None:
    secret = secret_on(proved_carol.get(APP))
    Key.objects.filter(owner=carol).delete()

    page = proved_carol.post(APP, {"code": code_of(secret)})

    assertContains(page, "We cannot open this", status_code=503)
    assert not Authenticator.objects.exists()
    assert not Message.objects.exists()


def test_what_does_not_open_can_still_be_removed(
    proved_carol: Client, carol: User, secret: str
) -> None:
    Key.objects.filter(owner=carol).delete()

    assert proved_carol.get(INDEX).status_code == 200
    assertRedirects(proved_carol.post(f"{APP}remove/"), INDEX)


def test_seeds_open_after_the_master_key_was_changed(
    carol: User, secret: str, settings: Settings
) -> None:
    old, new = settings.VAULT_KEYS, f"k9:{new_keyset()}"
    settings.VAULT_KEYS = f"{new},{old}"
    call_command("vault_rewrap", verbosity=0)
    settings.VAULT_KEYS = new

    assert start_sign_in(carol).post(AUTHENTICATE, {"code": code_of(secret)}).status_code == 302


def test_seed_asked_for_by_nobody_stays_closed(carol: User, secret: str) -> None:
    with pytest.raises(CannotOpen):
        row_of(carol, "totp").wrap().validate_code(code_of(secret))


# --- Operators -----------------------------------------------------------------------------


@pytest.fixture
def operator(db: None) -> User:
    person = open_account(email="operator@example.org", password=PASSWORD, now=EARLIER)
    person.is_staff = person.is_superuser = True
    person.save()
    return person


ADMIN = ["/admin/", "/admin/accounts/user/", "/admin/password_change/"]


@pytest.mark.parametrize("address", ADMIN)
def test_operator_without_a_second_factor_is_led_to_set_one_up_and_back(
    operator: User, address: str
) -> None:
    browser = Client()
    sign_in(browser, operator.email)

    page = browser.get(address, follow=True)
    assertRedirects(page, INDEX)
    assertContains(page, "These pages need two-step sign-in.")
    assert (
        browser.post("/admin/login/", {"username": operator.email, "password": PASSWORD})[
            "Location"
        ]
        == INDEX
    )

    reauthenticate(browser)
    secret = secret_on(browser.get(APP))
    browser.post(APP, {"code": code_of(secret)})
    shown = browser.post(CODES)
    onward = re.search(r'href="([^"]+)">I have them', shown.text)
    assert onward
    assert is_in_admin(browser), "setting it up showed it"
    with time_machine.travel(EVENING + timedelta(days=365), tick=False):
        browser = start_sign_in(operator)
        browser.post(AUTHENTICATE, {"code": code_of(secret)})
        assert browser.get(address).status_code in {200, 302}
        assert is_in_admin(browser)


def is_in_admin(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def test_session_that_began_without_it_does_not_reach_the_admin(operator: User) -> None:
    browser = Client()
    sign_in(browser, operator.email)
    secret = give_app(operator)

    response = browser.get("/admin/", follow=True)

    assert response.redirect_chain[-1][0] == f"{BY_CODE}?next=%2Fadmin%2F"
    assert not is_in_admin(browser)
    sent = {"code": code_of(secret), "next": "/admin/"}
    assertRedirects(browser.post(BY_CODE, sent), "/admin/")


def test_password_again_is_no_second_factor(operator: User) -> None:
    browser = Client()
    sign_in(browser, operator.email)
    give_app(operator)

    reauthenticate(browser)

    assert not is_in_admin(browser)


def test_admin_closes_when_the_second_factor_is_gone(operator: User) -> None:
    browser = Client()
    browser.force_login(operator)
    enter_admin(browser, operator)
    assert is_in_admin(browser)

    remove_app(person=operator, device="", now=EVENING)

    assert not is_in_admin(browser)


def test_admin_asks_again_after_a_lock(operator: User) -> None:
    browser = Client()
    browser.force_login(operator)
    enter_admin(browser, operator)
    browser.get("/leave/")
    reauthenticate(browser)

    assert is_signed_in(browser)
    assert not is_in_admin(browser)


def test_admin_opens_by_a_passkey_alone_too(operator: User) -> None:
    browser = Client()
    sign_in(browser, operator.email)
    give_passkey(operator)

    response = browser.get("/admin/", follow=True)

    assert response.redirect_chain[-1][0].startswith("/accounts/2fa/passkeys/reauthenticate/")
    assert not is_in_admin(browser)


def test_second_factor_of_a_member_opens_no_admin(as_carol: Client, carol: User) -> None:
    enter_admin(as_carol, carol)

    assert as_carol.get("/admin/", follow=True).status_code == 403
