"""The list of signed-in browsers, and signing out from elsewhere."""

from collections.abc import Callable

import pytest
from django.test import RequestFactory
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import Activity, User
from accounts.sessions.devices import device_name
from tests.support.client import PASSWORD, Client
from tests.support.database import Statements
from vault.sessions import Session, key_in

PAGE = "/accounts/devices/"
FIREFOX = "Mozilla/5.0 (Android 14; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"

SignedIn = Callable[[User, str], Client]


@pytest.fixture
def signed_in() -> SignedIn:
    def sign_in(person: User, agent: str) -> Client:
        client = Client(headers={"User-Agent": agent})
        client.force_login(person)
        assert client.get("/you/").status_code == 200
        return client

    return sign_in


@pytest.fixture
def proven(as_alice: Client) -> Client:
    """Alice's browser after a recent proof by password."""
    as_alice.get("/you/")
    as_alice.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return as_alice


def key_of(client: Client) -> str:
    return key_in(client.cookies["n"].value) or ""


def ids(client: Client) -> list[str]:
    return [each.id for each in client.get(PAGE).context["devices"]]


def test_long_list_has_pages(
    proven: Client, alice: User, signed_in: SignedIn, statements: Statements
) -> None:
    proven.get(PAGE)
    with statements() as one:
        proven.get(PAGE)
    for _ in range(21):
        signed_in(alice, FIREFOX)

    with statements() as many:
        first = proven.get(PAGE)
    second = proven.get(f"{PAGE}?page=2")

    assert [len(page.context["devices"]) for page in (first, second)] == [20, 2]
    assert first.context["devices"][0].is_this
    assert len(many) == len(one)
    for page in (first, second):
        assertContains(page, "/accounts/devices/end-others/")


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (FIREFOX, "Firefox on Android"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15"
            " (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
            " Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36"
            " (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
            "Chrome on Mac",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Linux",
        ),
        ("curl/8.5.0", ""),
        ("<script>alert(1)</script>\r\nX: y", ""),
    ],
)
def test_browser_is_told_no_finer_than_its_kind(agent: str, device: str) -> None:
    assert device_name(RequestFactory().get("/", headers={"User-Agent": agent})) == device


def test_page_asks_for_the_password_first(as_alice: Client) -> None:
    assertRedirects(as_alice.get(PAGE), "/accounts/reauthenticate/?next=%2Faccounts%2Fdevices%2F")


def test_page_lists_own_browsers_and_nobody_elses(
    proven: Client, alice: User, bob: User, signed_in: SignedIn
) -> None:
    phone = signed_in(alice, FIREFOX)
    signed_in(bob, "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0")

    page = proven.get(PAGE)

    assertContains(page, "Firefox on Android")
    assertNotContains(page, "Windows")
    assert [each.is_this for each in page.context["devices"]] == [True, False]
    for client in (proven, phone):
        assertNotContains(page, key_of(client))


def test_browser_of_no_known_kind_is_called_so_on_its_button_too(
    proven: Client, alice: User, signed_in: SignedIn
) -> None:
    signed_in(alice, "curl/8.5.0")

    page = proven.get(PAGE)

    assertContains(page, "<b>A browser we do not know</b>")
    assertContains(page, 'Sign it out<span class="vh">: A browser we do not know, ')


def test_one_browser_is_signed_out(proven: Client, alice: User, signed_in: SignedIn) -> None:
    phone, tablet = signed_in(alice, FIREFOX), signed_in(alice, "iPad Safari")
    of_phone = next(
        each.id for each in proven.get(PAGE).context["devices"] if "Android" in each.name
    )

    assertRedirects(proven.post(f"{PAGE}end/", {"id": of_phone}), PAGE)

    assert phone.get("/you/").status_code == 302
    assert tablet.get("/you/").status_code == 200
    assert proven.get("/you/").status_code == 200
    assert [row.kind for row in Activity.objects.of(alice)] == ["signed_out_elsewhere"]


def test_every_other_browser_is_signed_out(
    proven: Client, alice: User, bob: User, signed_in: SignedIn
) -> None:
    phone, of_bob = signed_in(alice, FIREFOX), signed_in(bob, FIREFOX)

    assertRedirects(proven.post(f"{PAGE}end-others/"), PAGE)

    assert phone.get("/you/").status_code == 302
    assert proven.get("/you/").status_code == 200
    assert of_bob.get("/you/").status_code == 200


def test_id_of_somebody_elses_browser_ends_nothing(
    proven: Client, alice: User, bob: User, signed_in: SignedIn
) -> None:
    of_bob = signed_in(bob, FIREFOX)
    of_bob.post("/accounts/reauthenticate/", {"password": PASSWORD})
    [his] = ids(of_bob)

    for sent in (his, "", "x", "\0", "é" * 32):
        assertRedirects(proven.post(f"{PAGE}end/", {"id": sent}), PAGE)

    assert of_bob.get("/you/").status_code == 200
    assert Session.objects.of(alice).count() == 1
    assert not Activity.objects.exists()


def test_page_needs_as_many_statements_with_many_browsers(
    proven: Client, alice: User, signed_in: SignedIn, statements: Statements
) -> None:
    proven.get(PAGE)
    with statements() as one:
        proven.get(PAGE)
    for _more in range(3):
        signed_in(alice, FIREFOX)
    with statements() as four:
        proven.get(PAGE)

    assert len(four) == len(one) <= 6


def test_activity_lists_own_and_not_what_was_written(
    as_alice: Client, bob: User, alice: User
) -> None:
    as_alice.post(
        "/journal/write/them/", {"id": "6f1c2a52-6d5c-4a1a-9a59-0f9f4a0f6f10", "body": "mine"}
    )
    Activity.objects.create(owner=bob, kind="password_changed", at=bob.joined_at)
    Activity.objects.create(
        owner=alice, kind="passkey_added", at=alice.joined_at, device="Firefox on Android"
    )

    page = as_alice.get("/accounts/activity/")

    assert [row.kind for row in page.context["page"]] == ["passkey_added"]
    assertContains(page, "Passkey added")
    assertContains(page, "Firefox on Android")
