import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import timezone, translation
from pytest_django import Settings
from pytest_django.asserts import assertContains

from accounts.locale_middleware import LocaleMiddleware
from accounts.models import User
from tests.support.client import Client
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
    LocaleMiddleware(page)(request)
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
