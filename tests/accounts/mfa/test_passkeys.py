"""Passkeys: a valid response of a device is accepted once, any other never. Also in Chromium."""

import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.conf import settings as project
from django.contrib.messages import get_messages
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.actions import open_account
from accounts.erasure import erase
from accounts.mfa.actions import add_passkey
from accounts.mfa.passkeys import public_id
from accounts.models import Activity, User
from config.site_url_parser import parse_site_url
from tests.support.accounts import EVENING, Later, Mails, check_page, sign_in
from tests.support.at_once import hold_locks_until_awaited
from tests.support.browser import NewContext
from tests.support.client import PASSWORD, Client
from tests.support.database import Statements
from tests.support.live_site import Site
from tests.support.second_factors import (
    AUTHENTICATE,
    EARLIER,
    PRESENT,
    VERIFIED,
    Device,
    code_of,
    give_app,
    give_passkey,
    is_signed_in,
    options_in,
    row_of,
    start_sign_in,
)
from vault.sessions import Session

INDEX = "/accounts/2fa/"
ADD = "/accounts/2fa/passkeys/add/"
LOGIN = "/accounts/2fa/passkeys/login/"
OPTIONS = "/accounts/2fa/passkeys/login/options/"
REAUTHENTICATE = "/accounts/2fa/passkeys/reauthenticate/"
NOT_KNOWN = "That passkey is not known here."


pytestmark = pytest.mark.usefixtures("fresh_limits")


@pytest.fixture
def device(carol: User) -> Device:
    """Carol's device, with her passkey."""
    return give_passkey(carol)


def asked(client: Client) -> dict[str, Any]:
    """The options that the sign-in page gets."""
    response = client.post(OPTIONS)
    assert response.status_code == 200
    options: dict[str, Any] = response.json()
    return options


def words(page: Any) -> str:
    """The page as text, without its CSRF token and options."""
    return re.sub(r' data-options="[^"]+"', "", page.text)


def sign_in_by_passkey(client: Client, device: Device, **more: str) -> Any:
    return client.post(LOGIN, {"credential": device.authenticate(asked(client))} | more)


# --- Adding and removing -------------------------------------------------------------------


def test_passkey_is_made_and_named_by_browser_and_day(
    carol: User, proved_carol: Client, mails: Mails
) -> None:
    page = proved_carol.get(ADD)
    check_page(words(page))
    assertContains(page, "Whoever can unlock this device, or shares its passwords and passkeys")
    options = options_in(page.text)
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["rp"] == {"id": "localhost", "name": "Notes"}

    chrome = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0 Safari/537.36"}
    response = proved_carol.post(ADD, {"credential": Device().register(options)}, headers=chrome)

    assertRedirects(response, "/accounts/2fa/codes/")
    assertContains(proved_carol.get(INDEX), "<b>Chrome on Linux</b>")
    [mail] = mails()
    assert "a new passkey" in str(mail.body)
    newest = Activity.objects.of(carol).newest_first()[0]
    assert (newest.kind, newest.device) == (Activity.Kind.PASSKEY_ADDED, "Chrome on Linux")


def test_more_than_ten_passkeys_are_not_made(proved_carol: Client, carol: User) -> None:
    for _ in range(9):
        give_passkey(carol)
    answer = Device().register(options_in(proved_carol.get(ADD).text))
    give_passkey(carol)

    for page in (proved_carol.get(ADD), proved_carol.post(ADD, {"credential": answer})):
        assertRedirects(page, INDEX, fetch_redirect_response=False)
    assertContains(proved_carol.get(INDEX), "There are ten passkeys here already.")
    assert add_passkey(person=carol, data={}, session_key=None, device="", now=EARLIER) is None
    assert Authenticator.objects.filter(user=carol, type="webauthn").count() == 10


def test_passkey_of_no_known_browser_is_called_so_on_its_link_too(proved_carol: Client) -> None:
    options = options_in(proved_carol.get(ADD).text)
    proved_carol.post(
        ADD, {"credential": Device().register(options)}, headers={"User-Agent": "curl/8.5.0"}
    )

    page = proved_carol.get(INDEX)

    assertContains(page, "<b>A browser we do not know</b>")
    assertContains(page, 'Remove<span class="vh">: A browser we do not know, ')


def test_first_passkey_signs_out_everywhere_else(proved_carol: Client, carol: User) -> None:
    elsewhere = Client()
    sign_in(elsewhere, carol.email)
    options = options_in(proved_carol.get(ADD).text)

    page = proved_carol.post(ADD, {"credential": Device().register(options)}, follow=True)

    assertContains(page, "Wherever else you were signed in, you are signed out now.")
    assert is_signed_in(proved_carol)
    assert not is_signed_in(elsewhere)


@pytest.mark.django_db(transaction=True)
def test_passkey_made_while_the_account_is_erased_is_not_said_to_be_set_up(
    carol: User, proved_carol: Client, later: Later
) -> None:
    options = options_in(proved_carol.get(ADD).text)

    with hold_locks_until_awaited():
        erase(person=carol, now=EVENING)
        sent = later(proved_carol.post, ADD, {"credential": Device().register(options)})

    answer = sent.result(timeout=120)
    assert answer.status_code == 302
    assert list(get_messages(answer.wsgi_request)) == []


def test_only_what_was_asked_for_is_kept_of_a_new_passkey(
    carol: User, proved_carol: Client
) -> None:
    answer = json.loads(Device().register(options_in(proved_carol.get(ADD).text)))
    answer |= {"clientExtensionResults": {"a": "\ud800\0" * 100}, "note": "private words"}

    assert proved_carol.post(ADD, {"credential": json.dumps(answer)}).status_code == 302

    data = row_of(carol, "webauthn").data
    assert data.keys() == {"name", "credential", "counter"}
    assert data["credential"].keys() == {"id", "rawId", "type", "response"}
    assert data["credential"]["response"].keys() == {"clientDataJSON", "attestationObject"}


@pytest.mark.parametrize("part", ["id", "attestationObject", "clientDataJSON"])
def test_passkey_is_stored_as_it_was_verified(carol: User, proved_carol: Client, part: str) -> None:
    """Base64 decoders skip foreign characters, such as a NUL, which the database refuses."""
    answer = json.loads(Device().register(options_in(proved_carol.get(ADD).text)))
    holder = answer if part == "id" else answer["response"]
    # Four of them, to keep a length that base64 allows.
    holder[part] = f"{holder[part][:8]}{chr(0) * 4}{holder[part][8:]}"

    assert proved_carol.post(ADD, {"credential": json.dumps(answer)}).status_code in {200, 302}

    assert "\\u0000" not in json.dumps([row.data for row in Authenticator.objects.all()])
    assert proved_carol.get(INDEX).status_code == 200


@pytest.mark.parametrize(
    "bent",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://sub.localhost:8000"},
        {"origin": "http://localhost:8443"},
        {"origin": "https://localhost:8000"},
        {"site": "evil.example"},
        {"flags": PRESENT},
        {"flags": VERIFIED},
    ],
    ids=str,
)
def test_passkey_that_was_made_otherwise_is_not_kept(
    proved_carol: Client, bent: dict[str, Any]
) -> None:
    options = options_in(proved_carol.get(ADD).text)

    page = proved_carol.post(ADD, {"credential": Device(**bent).register(options)})

    assertContains(page, NOT_KNOWN)
    assert not Authenticator.objects.exists()


def test_passkey_made_for_another_question_is_not_kept(proved_carol: Client) -> None:
    earlier = options_in(proved_carol.get(ADD).text)
    proved_carol.get(ADD)

    assertContains(proved_carol.post(ADD, {"credential": Device().register(earlier)}), NOT_KNOWN)


def test_passkey_is_removed_by_a_name_that_tells_nothing(
    carol: User, proved_carol: Client, device: Device, mails: Mails
) -> None:
    address = f"{INDEX}passkeys/{public_id(row_of(carol, 'webauthn'))}/remove/"
    check_page(words(proved_carol.get(address)))

    assertRedirects(proved_carol.post(address), INDEX)

    assert not Authenticator.objects.exists()
    assert "A passkey is gone" in str(mails()[-1].body)


def test_passkey_of_another_person_is_not_there(
    carol: User, bob: User, proved_carol: Client, device: Device
) -> None:
    give_passkey(bob)
    for id in (
        public_id(row_of(bob, "webauthn")),
        str(row_of(carol, "webauthn").pk),
        "0" * 32,
        "é",
    ):
        assert proved_carol.get(f"{INDEX}passkeys/{id}/remove/").status_code == 404
        assert proved_carol.post(f"{INDEX}passkeys/{id}/remove/").status_code == 404

    assert Authenticator.objects.filter(type="webauthn").count() == 2


# --- Signing in ----------------------------------------------------------------------------


def test_passkey_takes_the_place_of_password_and_code(
    client: Client, carol: User, device: Device
) -> None:
    give_app(carol)

    response = sign_in_by_passkey(client, device, next="/journal/")

    assertRedirects(response, "/journal/", fetch_redirect_response=False)
    assert is_signed_in(client)
    kinds = Activity.objects.of(carol).values_list("kind", flat=True)
    assert Activity.Kind.SIGNED_IN in kinds


@pytest.mark.parametrize(
    ("typed", "origin"),
    [
        ("http://LocalHost:8000/", "http://localhost:8000"),
        ("https://localhost:443", "https://localhost"),
    ],
)
def test_passkey_is_known_however_the_site_was_typed(
    client: Client, device: Device, settings: Settings, typed: str, origin: str
) -> None:
    settings.SITE = parse_site_url(typed)
    device.origin = origin

    sign_in_by_passkey(client, device)

    assert is_signed_in(client)


def test_passkey_leads_to_no_other_site(client: Client, device: Device) -> None:
    response = sign_in_by_passkey(client, device, next="https://evil.example/")

    assertRedirects(response, "/today/", fetch_redirect_response=False)


@pytest.mark.parametrize(
    "bent",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://sub.localhost:8000"},
        {"origin": "http://localhost:8443"},
        {"site": "evil.example"},
        {"flags": PRESENT},
        {"flags": VERIFIED},
        {"holder": b"0" * 16},
        {"holder": b"x"},
        {"holder": b""},
        {"id": b"0" * 32},
        {"key": Device().key},
    ],
    ids=lambda bent: next(iter(bent)),
)
def test_passkey_that_is_not_all_true_opens_nothing(
    client: Client, carol: User, device: Device, bent: dict[str, Any]
) -> None:
    for name, value in bent.items():
        setattr(device, name, value)

    response = sign_in_by_passkey(client, device)

    assertRedirects(response, "/accounts/login/", fetch_redirect_response=False)
    assertContains(client.get("/accounts/login/"), NOT_KNOWN)
    assert not is_signed_in(client)


def test_passkey_with_the_user_handle_of_another_person_is_refused(
    client: Client, carol: User, bob: User, device: Device
) -> None:
    """The user handle is not signed: anybody can change it."""
    device.holder = bob.pk.bytes

    sign_in_by_passkey(client, device)

    assert not is_signed_in(client)


def test_passkey_does_not_reveal_who_has_an_account(
    carol: User, bob: User, device: Device, statements: Statements
) -> None:
    """Neither by the options, nor by the response, nor by the number of queries."""
    forged = Device(holder=carol.pk.bytes, id=device.id)
    strange = Device(holder=carol.pk.bytes)
    without = Device(holder=bob.pk.bytes)
    nobodys = Device(holder=b"0" * 16)

    with time_machine.travel(EVENING, tick=False):
        refusals = [_refused(each, statements) for each in (forged, strange, without, nobodys)]

    assert refusals[0]["asked"] == {"challenge", "rpId", "allowCredentials", "userVerification"}
    assert refusals[0]["allowed"] == []
    for other in refusals[1:]:
        for what, value in refusals[0].items():
            assert other[what] == value, what


def _refused(device: Device, statements: Statements) -> dict[str, Any]:
    """What a refused visitor can see: the page, and the queries it took."""
    client = Client()
    options = asked(client)
    shown = device.authenticate(options)
    with statements() as found:
        response = client.post(LOGIN, {"credential": shown})
    page = client.get("/accounts/login/")
    return {
        "asked": set(options),
        "allowed": options.get("allowCredentials"),
        "status": response.status_code,
        "headers": {name: value for name, value in response.items() if name != "X-Request-ID"},
        "statements": len(found),
        "page": re.sub(r'value="\w{64}"', "", page.text),
    }


def test_answer_of_a_device_works_once(carol: User, device: Device) -> None:
    browser, thief = Client(), Client()
    answer = device.authenticate(asked(browser))
    thief.cookies = browser.cookies.copy()
    assert browser.post(LOGIN, {"credential": answer}).status_code == 302
    browser.post("/accounts/logout/")

    for other in (browser, thief, Client()):
        other.post(LOGIN, {"credential": answer})
        assert not is_signed_in(other)
        asked(other)
        other.post(LOGIN, {"credential": answer})
        assert not is_signed_in(other)


def test_answer_of_a_device_opens_a_lock_once(as_carol: Client, device: Device) -> None:
    as_carol.get("/leave/")
    answer = device.authenticate(options_in(as_carol.get(REAUTHENTICATE).text))
    assert as_carol.post(REAUTHENTICATE, {"credential": answer}).status_code == 302
    assert is_signed_in(as_carol)
    as_carol.get("/leave/")

    assertContains(as_carol.post(REAUTHENTICATE, {"credential": answer}), NOT_KNOWN)
    assert not is_signed_in(as_carol)


def test_copy_of_a_device_is_noticed_by_its_count(carol: User) -> None:
    device = give_passkey(carol, Device(counter=7))
    device.counter = 9
    assert sign_in_by_passkey(Client(), device).status_code == 302

    for earlier in (9, 8, 0):
        device.counter = earlier
        browser = Client()
        sign_in_by_passkey(browser, device)
        assert not is_signed_in(browser), earlier

    device.counter = 10
    browser = Client()
    sign_in_by_passkey(browser, device)
    assert is_signed_in(browser)


def test_closed_account_stays_closed_to_a_passkey(
    client: Client, carol: User, device: Device
) -> None:
    User.objects.filter(pk=carol.pk).update(is_active=False)

    assertRedirects(sign_in_by_passkey(client, device), "/accounts/inactive/")
    assert not is_signed_in(client)


def test_removed_passkey_opens_nothing(client: Client, carol: User, device: Device) -> None:
    options = asked(client)
    Authenticator.objects.all().delete()

    client.post(LOGIN, {"credential": device.authenticate(options)})

    assert not is_signed_in(client)


def test_passkey_after_the_password(carol: User, device: Device) -> None:
    browser = start_sign_in(carol)
    page = browser.get(AUTHENTICATE)
    check_page(words(page))
    options = options_in(page.text)
    assert len(options["allowCredentials"]) == 1

    response = browser.post(AUTHENTICATE, {"credential": device.authenticate(options)})

    assertRedirects(response, "/today/", fetch_redirect_response=False)
    assert is_signed_in(browser)


def test_passkey_of_somebody_else_is_no_second_step(carol: User, bob: User, device: Device) -> None:
    theirs = give_passkey(bob)
    browser = start_sign_in(carol)

    page = browser.post(
        AUTHENTICATE,
        {"credential": theirs.authenticate(options_in(browser.get(AUTHENTICATE).text))},
    )

    assertContains(page, NOT_KNOWN)
    assert not is_signed_in(browser)


def test_who_has_no_passkey_is_not_asked_for_one(carol: User) -> None:
    secret = give_app(carol)
    browser = start_sign_in(carol)

    assertNotContains(browser.get(AUTHENTICATE), "data-passkey=")
    assert browser.post(AUTHENTICATE, {"credential": "{}"}).status_code == 200
    assert browser.post(AUTHENTICATE, {"code": code_of(secret)}).status_code == 302


def test_locked_pages_open_with_a_passkey(as_carol: Client, device: Device) -> None:
    as_carol.get("/leave/")
    assert not is_signed_in(as_carol)
    page = as_carol.get(REAUTHENTICATE)
    check_page(words(page))

    options = options_in(page.text)
    response = as_carol.post(
        REAUTHENTICATE, {"credential": device.authenticate(options), "next": "/you/"}
    )

    assertRedirects(response, "/you/")


def test_locked_pages_stay_closed_to_another_passkey(
    as_carol: Client, bob: User, device: Device
) -> None:
    theirs = give_passkey(bob)
    as_carol.get("/leave/")
    options = options_in(as_carol.get(REAUTHENTICATE).text)

    page = as_carol.post(
        REAUTHENTICATE, {"credential": theirs.authenticate(options), "next": "/you/"}
    )

    assertContains(page, NOT_KNOWN)
    assert not is_signed_in(as_carol)


def test_passkey_opens_the_admin(device: Device, carol: User) -> None:
    User.objects.filter(pk=carol.pk).update(is_staff=True, is_superuser=True)
    browser = Client()
    sign_in_by_passkey(browser, device)

    assert browser.get("/admin/").status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "null",
        "5",
        '"x"',
        "[]",
        "{}",
        "{",
        "[" * 5_000,
        '{"a":' * 5_000,
        "9" * 5_000,
        "NaN",
        '{"response": "x"}',
        '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}',
        '{"id": 1, "rawId": 2, "type": 3, "response": {"clientDataJSON": 4}}',
        '{"id": "\\ud800", "rawId": "\\u0000", "type": "public-key", "response": []}',
        "x" * 300_000,
    ],
    ids=lambda sent: sent[:20],
)
def test_what_is_no_passkey_breaks_nothing(
    proved_carol: Client, carol: User, device: Device, sent: str
) -> None:
    visitor = Client()
    asked(visitor)
    assert visitor.post(LOGIN, {"credential": sent}).status_code == 302
    proved_carol.get(ADD)
    assert proved_carol.post(ADD, {"credential": sent}).status_code == 200
    proved_carol.get(REAUTHENTICATE)
    assert proved_carol.post(REAUTHENTICATE, {"credential": sent}).status_code == 200
    browser = start_sign_in(carol)
    browser.get(AUTHENTICATE)
    assert browser.post(AUTHENTICATE, {"credential": sent}).status_code == 200


@pytest.mark.parametrize("part", ["clientDataJSON", "attestationObject"])
def test_new_passkey_with_odd_bytes_breaks_nothing(proved_carol: Client, part: str) -> None:
    options = options_in(proved_carol.get(ADD).text)
    answer = json.loads(Device().register(options))
    whole = answer["response"][part]
    for cut in (0, 3, 8, 40, 60, len(whole) // 2, len(whole) - 4):
        answer["response"][part] = whole[:cut]
        assert proved_carol.post(ADD, {"credential": json.dumps(answer)}).status_code == 200
        options_in(proved_carol.get(ADD).text)
    assert not Authenticator.objects.exists()


# --- Sessions, limits, queries -------------------------------------------------------------


def test_sign_in_page_begins_no_session_and_the_button_does(client: Client, db: None) -> None:
    client.get("/accounts/login/")
    assert project.SESSION_COOKIE_NAME not in client.cookies
    assert not Session.objects.exists()

    asked(client)

    assert Session.objects.count() == 1


def test_asking_again_and_again_is_refused(client: Client, db: None) -> None:
    answers = [client.post(OPTIONS).status_code for _ in range(21)]

    assert answers == [200] * 20 + [429]


def test_wrong_passwords_keep_nobody_from_their_passkey(
    client: Client, carol: User, device: Device
) -> None:
    for _ in range(11):
        sign_in(Client(), carol.email, "a guess")

    sign_in_by_passkey(client, device)

    assert is_signed_in(client)


@pytest.mark.parametrize("address", [ADD, REAUTHENTICATE])
def test_page_needs_few_statements(
    proved_carol: Client, carol: User, device: Device, statements: Statements, address: str
) -> None:
    proved_carol.get(address)

    with statements() as found:
        assert proved_carol.get(address).status_code == 200

    assert len(found) <= 6, found


# --- In a real browser ---------------------------------------------------------------------


@pytest.fixture
def page(site: Site, new_context: NewContext, settings: Settings) -> Page:
    """A browser on a device that stores passkeys and verifies its user."""
    settings.SITE = urlsplit(site.url)
    context = new_context(base_url=site.url)
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    kept = devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.holder = (devtools, kept["authenticatorId"])  # type: ignore[attr-defined]
    return page


def hold(page: Page, *, is_owner: bool) -> None:
    devtools, device = page.holder  # type: ignore[attr-defined]
    devtools.send(
        "WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": is_owner}
    )


@pytest.fixture
def dora(site: Site) -> User:
    person = open_account(email="dora@example.org", password=PASSWORD, now=EARLIER)
    person.record_safety_shown(now=EARLIER)
    return person


def type_password(page: Page) -> None:
    page.locator("input[type=password]").fill(PASSWORD)
    page.locator("main form button.btn").first.click()


def make_passkey(page: Page) -> None:
    page.goto("/accounts/login/")
    page.locator("input[type=email]").fill("dora@example.org")
    type_password(page)
    page.wait_for_url("**/today/")
    page.goto(ADD)
    type_password(page)
    page.wait_for_url(f"**{ADD}")
    page.get_by_role("button", name="Make a passkey on this device").click()
    page.wait_for_url("**/accounts/2fa/codes/")


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_passkey_in_chromium_from_making_it_to_every_door(page: Page, dora: User) -> None:
    make_passkey(page)
    page.context.clear_cookies()

    page.goto("/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/today/")

    page.request.get("/leave/", max_redirects=0)
    page.goto("/you/")
    page.get_by_role("link", name="Use a passkey instead").click()
    page.get_by_role("button", name="Unlock with a passkey").click()
    page.wait_for_url("**/you/")

    page.context.clear_cookies()
    page.goto("/accounts/login/")
    page.locator("input[type=email]").fill("dora@example.org")
    type_password(page)
    page.wait_for_url(f"**{AUTHENTICATE}")
    page.get_by_role("button", name="Use a passkey").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/today/")


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_device_that_does_not_know_its_holder_opens_nothing(page: Page, dora: User) -> None:
    make_passkey(page)
    page.context.clear_cookies()
    hold(page, is_owner=False)

    page.goto("/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()

    expect(page.locator("[data-passkey-said]")).to_contain_text("No passkey was handed over")
    assert page.url.endswith("/accounts/login/")


# An older browser without parseRequestOptionsFromJSON and toJSON: the page converts itself.
OLDER = """
delete PublicKeyCredential.parseCreationOptionsFromJSON;
delete PublicKeyCredential.parseRequestOptionsFromJSON;
delete PublicKeyCredential.prototype.toJSON;
"""


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_passkey_in_an_older_browser(page: Page, dora: User) -> None:
    page.add_init_script(OLDER)
    make_passkey(page)
    page.context.clear_cookies()

    page.goto("/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()

    page.wait_for_url("**/today/")


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_without_script_or_passkeys_the_page_says_so(site: Site, new_context: NewContext) -> None:
    without_script = new_context(base_url=site.url, java_script_enabled=False)
    without_passkeys = new_context(base_url=site.url)
    without_passkeys.add_init_script("delete window.PublicKeyCredential")
    for context in (without_script, without_passkeys):
        page = context.new_page()
        page.goto("/accounts/login/")
        expect(page.get_by_text("A passkey needs a browser that knows passkeys")).to_be_visible()
        expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
        expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
