"""How pages name the operator, and where vulnerabilities are reported."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from pytest_django import Settings

from safety.checks import operator_is_named, vulnerabilities_can_be_reported
from safety.operator_contact import contact_link
from tests.support.client import Client
from tests.support.database import Statements

SECURITY_TXT = "/.well-known/security.txt"
EVENING = datetime(2026, 3, 12, 20, 14, tzinfo=UTC)
OPERATOR_UNKNOWN = "have not said who they are"


@pytest.fixture
def named(settings: Settings) -> None:
    settings.OPERATOR_NAME = "Mara Example"
    settings.OPERATOR_CONTACT = "mara@example.org"


@pytest.fixture
def unnamed(settings: Settings) -> None:
    settings.OPERATOR_NAME = settings.OPERATOR_CONTACT = settings.SOURCE_URL = ""


# --- Pages ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/about/", "/privacy/", "/terms/", "/accessibility/"])
def test_pages_name_the_operator(client: Client, named: None, path: str) -> None:
    page = client.get(path).content.decode()

    contact = '<a href="mailto:mara@example.org" rel="noreferrer">mara@example.org</a>'
    assert f"<p>Mara Example, {contact}</p>" in page
    assert OPERATOR_UNKNOWN not in page


@pytest.mark.parametrize("path", ["/about/", "/privacy/", "/terms/", "/accessibility/"])
def test_pages_say_that_the_operator_is_unknown(client: Client, unnamed: None, path: str) -> None:
    page = client.get(path).content.decode()

    assert "have not said who they are, nor how to reach them" in page
    assert "not said where the source of this program can be had" in page


def test_pages_say_which_half_is_missing(client: Client, named: None, settings: Settings) -> None:
    settings.OPERATOR_NAME = ""
    assert OPERATOR_UNKNOWN in client.get("/terms/").content.decode()

    settings.OPERATOR_NAME, settings.OPERATOR_CONTACT = "Mara Example", ""
    page = client.get("/terms/").content.decode()
    assert OPERATOR_UNKNOWN not in page
    assert "not said how to reach them" in page


def test_source_is_offered_at_the_foot_of_every_page(
    client: Client, db: None, settings: Settings
) -> None:
    settings.SOURCE_URL = "https://code.example.org/site"

    for path in ("/", "/terms/", "/accounts/signup/"):
        assert 'href="https://code.example.org/site"' in client.get(path).content.decode()


@pytest.mark.parametrize(
    ("contact", "link"),
    [
        ("mara@example.org", "mailto:mara@example.org"),
        (" mara@example.org ", "mailto:mara@example.org"),
        ("https://example.org/contact", "https://example.org/contact"),
        ("http://example.org/contact", ""),
        ("javascript:alert(1)", ""),
        ("Mara, by the door", ""),
        ("mara@example.org\nContact: mailto:eve@example.org", ""),
        ("https://example.org/\nContact: mailto:eve@example.org", ""),
        ("https://example.org/ x", ""),
        ("", ""),
    ],
)
def test_only_an_email_address_or_https_url_becomes_a_link(contact: str, link: str) -> None:
    assert contact_link(contact) == link


# --- security.txt --------------------------------------------------------------------------


@time_machine.travel(EVENING, tick=False)
def test_security_txt_names_the_contact(client: Client, settings: Settings) -> None:
    settings.SECURITY_CONTACT = "security@example.org"
    settings.HTTPS, settings.SITE_URL = True, "https://notes.example.org"

    response = client.get(SECURITY_TXT)

    assert response.content.decode().splitlines() == [
        "Contact: mailto:security@example.org",
        "Expires: 2027-01-06T00:00:00Z",
        "Preferred-Languages: en",
        "Canonical: https://notes.example.org/.well-known/security.txt",
    ]
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("day", [EVENING, datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC)])
def test_security_txt_expires_within_a_year_of_any_day(
    client: Client, settings: Settings, day: datetime
) -> None:
    settings.SECURITY_CONTACT = "security@example.org"

    with time_machine.travel(day, tick=False):
        text = client.get(SECURITY_TXT).content.decode()

    expires_at = datetime.strptime(text.split("Expires: ")[1][:20], "%Y-%m-%dT%H:%M:%S%z")
    assert timedelta(days=30) < expires_at - day < timedelta(days=365)


def test_security_txt_is_cached_for_a_day_and_needs_no_query(
    client: Client, settings: Settings, statements: Statements
) -> None:
    settings.SECURITY_CONTACT = "security@example.org"

    with statements() as queries:
        response = client.get(SECURITY_TXT)

    assert queries == []
    assert response.headers["Cache-Control"] == "public, max-age=86400"
    assert not response.cookies


def test_security_txt_requested_with_a_session_is_not_stored(
    as_alice: Client, settings: Settings
) -> None:
    settings.SECURITY_CONTACT = "security@example.org"

    assert as_alice.get(SECURITY_TXT).headers["Cache-Control"] == "no-store, private"


@pytest.mark.parametrize("contact", ["", "Mara, by the door"])
def test_security_txt_is_not_found_without_a_contact(
    client: Client, settings: Settings, contact: str
) -> None:
    settings.SECURITY_CONTACT = contact

    response = client.get(SECURITY_TXT)

    assert response.status_code == 404
    assert response.headers["Cache-Control"] == "no-store, private"


# --- Checks --------------------------------------------------------------------------------


def test_named_operator_passes(named: None) -> None:
    assert operator_is_named(None) == []


@pytest.mark.parametrize("name", ["OPERATOR_NAME", "OPERATOR_CONTACT"])
def test_missing_operator_setting_is_a_warning(named: None, settings: Settings, name: str) -> None:
    setattr(settings, name, " ")

    [warning] = operator_is_named(None)

    assert (warning.id, warning.msg) == ("safety.W001", f"{name}: not said.")


def test_contact_without_a_link_needs_a_security_contact(named: None, settings: Settings) -> None:
    settings.SECURITY_CONTACT = settings.OPERATOR_CONTACT = "Mara, by the door"
    assert [warning.id for warning in vulnerabilities_can_be_reported(None)] == ["safety.W002"]

    settings.SECURITY_CONTACT = "mara@example.org"
    assert vulnerabilities_can_be_reported(None) == []
