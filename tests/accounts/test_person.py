from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import timezone, translation
from pytest_django import Settings
from pytest_django.asserts import assertContains

from accounts.models import User
from accounts.person_middleware import PersonMiddleware
from tests.support.accounts import EVENING
from tests.support.client import Client
from tests.support.database import Statements
from vault.sessions import SessionStore


def preferences_during_request(user: User | AnonymousUser, rf: RequestFactory) -> tuple[str, str]:
    """The active language and time zone while a page of this person is rendered."""
    found = []

    def page(request: HttpRequest) -> HttpResponse:
        found.append((str(translation.get_language()), timezone.get_current_timezone_name()))
        return HttpResponse()

    request = rf.get("/")
    request.user = user
    request.session = SessionStore()
    PersonMiddleware(page)(request)
    return found[0]


def test_person_is_spoken_to_in_their_language_and_zone(
    alice: User, rf: RequestFactory, settings: Settings
) -> None:
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    alice.language, alice.time_zone = "de", "Pacific/Auckland"

    assert preferences_during_request(alice, rf) == ("de", "Pacific/Auckland")
    assert preferences_during_request(AnonymousUser(), rf) == ("en", "UTC")


@pytest.mark.parametrize("zone", ["", "Atlantis/Deep", "../etc/passwd", "/etc", "a\0b", "America"])
def test_person_with_a_language_or_zone_that_is_gone_is_spoken_to_plainly(
    alice: User, rf: RequestFactory, zone: str
) -> None:
    alice.language, alice.time_zone = "xx", zone

    assert preferences_during_request(alice, rf) == ("en", "UTC")


def test_page_says_its_language(as_alice: Client, alice: User, settings: Settings) -> None:
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    User.objects.filter(pk=alice.pk).update(language="de")

    assertContains(as_alice.get("/accounts/logout/"), '<html lang="de">')


def test_visit_is_noted_at_most_hourly(as_alice: Client, alice: User) -> None:
    User.objects.update(lock_after=None)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        first = timezone.now()
        for minutes in (0, 59):
            clock.move_to(first + timedelta(minutes=minutes))
            as_alice.get("/accounts/logout/")
            alice.refresh_from_db()
            assert alice.last_visit_at == first

        clock.move_to(first + timedelta(minutes=60))
        as_alice.get("/accounts/logout/")
        alice.refresh_from_db()
        assert alice.last_visit_at == first + timedelta(minutes=60)


def test_visit_costs_nothing_within_the_hour(as_alice: Client, statements: Statements) -> None:
    as_alice.get("/accounts/logout/")

    with statements() as found:
        as_alice.get("/accounts/logout/")

    assert not [sql for sql in found if sql.startswith("UPDATE")]


@pytest.mark.parametrize("address", ["/nope/", "/accounts/activity/"])
def test_what_failed_is_no_visit(as_alice: Client, alice: User, address: str) -> None:
    assert as_alice.post(address).status_code >= 400

    alice.refresh_from_db()
    assert alice.last_visit_at is None


def test_visit_of_someone_erased_meanwhile_is_no_error(alice: User) -> None:
    User.objects.filter(pk=alice.pk).delete()

    alice.record_visit(now=EVENING)

    assert not User.objects.exists()
