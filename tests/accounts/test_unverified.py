"""Unverified accounts give their address up; no other account ever does."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from pytest_django.asserts import assertContains, assertRedirects

from accounts.erasure import erase
from accounts.models import User
from accounts.tidying import tidy
from accounts.unverified import (
    PLACEHOLDER_DOMAIN,
    delete_old,
    release_address,
    release_stale_address,
)
from tests.support.accounts import EVENING, Later, Mails, code_in, sign_in, sign_up
from tests.support.at_once import hold_locks_until_awaited
from tests.support.client import PASSWORD, Client
from vault.models import Key

DANA = "dana@example.org"
OTHER = "another quiet harbour"
CONFIRM = "/accounts/confirm-email/"
RESET = "/accounts/password/reset/"
RESET_CODE = "/accounts/password/reset/confirm/"

pytestmark = pytest.mark.usefixtures("fresh_limits")


def unfinished_sign_up(address: str, at: datetime) -> User:
    """An account of a sign-up that was never finished."""
    with time_machine.travel(at, tick=False):
        assert sign_up(Client(), address).status_code == 302
    cache.clear()
    return User.objects.get(email=address)


def test_new_sign_up_replaces_it_after_a_day(client: Client, mails: Mails) -> None:
    old = unfinished_sign_up(DANA, EVENING)
    with time_machine.travel(EVENING + timedelta(hours=24), tick=False):
        sign_up(client, password1=OTHER)
        new = User.objects.get(email=DANA)
        client.post(CONFIRM, {"code": code_in(mails()[1])})

        assert new.pk != old.pk
        assert sign_in(Client(), DANA, PASSWORD).status_code == 200
        assert sign_in(Client(), DANA, OTHER).status_code == 302
    assert new.joined_at == new.consented_at == EVENING + timedelta(hours=24)


def test_what_was_replaced_is_nobody_until_it_is_deleted(client: Client) -> None:
    old = unfinished_sign_up(DANA, EVENING)
    with time_machine.travel(EVENING + timedelta(hours=24), tick=False):
        sign_up(client, password1=OTHER)
        old.refresh_from_db()
        delete_old(now=timezone.now())

    assert old.email.endswith(f"@{PLACEHOLDER_DOMAIN}")
    assert User.objects.get().email == DANA
    assert EmailAddress.objects.get().email == DANA
    assert Key.objects.get().owner != old


def test_new_sign_up_does_not_replace_it_before(client: Client, mails: Mails) -> None:
    old = unfinished_sign_up(DANA, EVENING)
    with time_machine.travel(EVENING + timedelta(hours=23, minutes=59), tick=False):
        sign_up(client, password1=OTHER)

    assert User.objects.get() == old
    assert old.check_password(PASSWORD)
    assert "There is one already" in str(mails()[1].body)


def _confirmed(person: User) -> None:
    EmailAddress.objects.filter(user=person).update(verified=True)


def _signed_in_once(person: User) -> None:
    User.objects.filter(pk=person.pk).update(last_login=EVENING)


def _seen_here(person: User) -> None:
    User.objects.filter(pk=person.pk).update(last_visit_at=EVENING)


def _operator(person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_staff=True)


def _superuser(person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_superuser=True)


def _closed(person: User) -> None:
    User.objects.filter(pk=person.pk).update(is_active=False)


@pytest.mark.parametrize(
    "became", [_confirmed, _signed_in_once, _seen_here, _operator, _superuser, _closed]
)
def test_nobody_else_ever_makes_room(client: Client, became: Callable[[User], None]) -> None:
    person = unfinished_sign_up(DANA, EVENING)
    became(person)
    later = EVENING + timedelta(days=400)

    assert not release_stale_address(DANA, now=later)
    assert not release_address(person.pk)
    assert delete_old(now=later) == 0
    with time_machine.travel(later, tick=False):
        sign_up(client, password1=OTHER)

    kept = User.objects.get()
    assert (kept.pk, kept.email, kept.check_password(PASSWORD)) == (person.pk, DANA, True)


def test_it_is_gone_after_a_week_and_nobody_is_told(carol: User, mails: Mails) -> None:
    unfinished_sign_up(DANA, EVENING)
    unfinished_sign_up("erin@example.org", EVENING + timedelta(minutes=1))
    sent = len(mails())

    tidy(now=EVENING + timedelta(days=7))
    tidy(now=EVENING + timedelta(days=7))

    assert set(User.objects.values_list("email", flat=True)) == {carol.email, "erin@example.org"}
    assert not EmailAddress.objects.filter(email=DANA).exists()
    # Its mail rows are deleted with it; none is added.
    assert len(mails()) == sent - 1


def test_its_code_is_worth_nothing_once_it_was_replaced(mails: Mails) -> None:
    unfinished_sign_up(DANA, EVENING)
    with time_machine.travel(EVENING + timedelta(hours=24), tick=False):
        # The first sign-up asks for another code, and a second sign-up replaces it meanwhile.
        late = Client()
        sign_in(late, DANA, PASSWORD)
        code = code_in(mails()[-1])
        cache.clear()
        sign_up(Client(), password1=OTHER)

        response = late.post(CONFIRM, {"code": code}, follow=True)

    assertRedirects(response, "/accounts/login/")
    assertContains(response, "That code has run out.")
    assert not EmailAddress.objects.filter(verified=True).exists()
    assert "_auth_user_id" not in late.session


def test_its_reset_is_worth_nothing_once_it_was_replaced(mails: Mails) -> None:
    unfinished_sign_up(DANA, EVENING)
    with time_machine.travel(EVENING + timedelta(hours=24), tick=False):
        late = Client()
        late.post(RESET, {"email": DANA})
        code = code_in(mails()[-1])
        cache.clear()
        sign_up(Client(), password1=OTHER)

        response = late.post(RESET_CODE, {"code": code}, follow=True)

    assertRedirects(response, RESET)
    assertContains(response, "That code has run out.")
    assert not EmailAddress.objects.filter(verified=True).exists()


# --- at once, on real connections -------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_sign_ups_that_replace_it_make_one_account(later: Later, mails: Mails) -> None:
    unfinished_sign_up(DANA, timezone.now() - timedelta(hours=25))
    with hold_locks_until_awaited():
        assert release_stale_address(DANA, now=timezone.now())
        User.objects.create_user(DANA, PASSWORD)
        answer = later(sign_up, Client(), password1=OTHER)

    assert answer.result(timeout=120).status_code == 302
    assert User.objects.get(email=DANA).check_password(PASSWORD)
    assert "There is one already" in str(mails()[-1].body)


@pytest.mark.django_db(transaction=True)
def test_concurrent_confirmation_keeps_the_address(later: Later, mails: Mails) -> None:
    person = unfinished_sign_up(DANA, timezone.now() - timedelta(hours=25))
    with hold_locks_until_awaited():
        list(User.objects.select_for_update(no_key=True).filter(pk=person.pk))
        EmailAddress.objects.filter(user=person).update(verified=True)
        answer = later(sign_up, Client(), password1=OTHER)

    assert answer.result(timeout=120).status_code == 302
    assert User.objects.get() == person
    assert person.check_password(PASSWORD)
    assert "There is one already" in str(mails()[-1].body)


@pytest.mark.django_db(transaction=True)
def test_a_code_that_comes_too_late_is_answered_calmly(later: Later, mails: Mails) -> None:
    unfinished_sign_up(DANA, timezone.now() - timedelta(hours=25))
    client = Client()
    sign_in(client, DANA)
    code = code_in(mails()[-1])
    with hold_locks_until_awaited():
        assert release_stale_address(DANA, now=timezone.now())
        answer = later(client.post, CONFIRM, {"code": code})

    assertRedirects(answer.result(timeout=120), "/accounts/login/", fetch_redirect_response=False)
    assert not EmailAddress.objects.filter(verified=True).exists()


@pytest.mark.django_db(transaction=True)
def test_it_is_confirmed_while_it_is_tidied_away(later: Later, mails: Mails) -> None:
    person = unfinished_sign_up(DANA, timezone.now() - timedelta(days=8))
    with hold_locks_until_awaited():
        list(User.objects.select_for_update(no_key=True).filter(pk=person.pk))
        EmailAddress.objects.filter(user=person).update(verified=True)
        answer = later(delete_old, now=timezone.now())

    assert answer.result(timeout=120) == 0
    assert User.objects.get() == person


@pytest.mark.django_db(transaction=True)
def test_a_new_password_for_an_account_that_is_erased_makes_none(
    carol: User, later: Later, mails: Mails
) -> None:
    client = Client()
    client.post(RESET, {"email": carol.email})
    client.post(RESET_CODE, {"code": code_in(mails()[-1])})
    with hold_locks_until_awaited():
        # Without deleting its sessions, as erase() would.
        with transaction.atomic():
            User.objects.get(pk=carol.pk).delete()
        answer = later(
            client.post, "/accounts/password/reset/complete/", {"password1": "a longer sentence"}
        )

    assertRedirects(answer.result(timeout=120), RESET, fetch_redirect_response=False)
    assert not User.objects.exists()


def test_an_erased_person_is_not_stored_again(carol: User) -> None:
    late = User.objects.get(pk=carol.pk)
    erase(person=carol, now=EVENING)

    with pytest.raises(Exception, match="did not affect any rows"):
        late.save()

    assert not User.objects.exists()
