from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import CONSENT_VERSION, User
from tests.support.accounts import (
    CANNOT_BE_WRITTEN,
    EVENING,
    READ_AS_ANOTHER,
    TOO_LONG_IN_LOWERCASE,
    Mails,
    code_in,
    page_text,
    safety_notice_url,
    sign_up,
)
from tests.support.client import PASSWORD, Client
from tests.support.codes import AS_TYPED
from tests.support.quick_hasher import QuickHasher

CODE_PAGE = "/accounts/confirm-email/"


def test_sign_up_leads_by_a_code_to_today(client: Client, mails: Mails) -> None:
    with time_machine.travel(EVENING, tick=False):
        assertRedirects(sign_up(client), CODE_PAGE)
        [mail] = mails()
        response = client.post(CODE_PAGE, {"code": code_in(mail)})
        assertRedirects(response, safety_notice_url("/today/"), fetch_redirect_response=False)
        dana = User.objects.get(email="dana@example.org")
        assert client.session["_auth_user_id"] == str(dana.pk)

    assert mail.to == ["dana@example.org"]
    assert dana.consented_at == EVENING
    assert dana.consent_version == CONSENT_VERSION
    assert dana.key.owner == dana.pk


def test_sign_up_goes_where_the_person_came_from(client: Client, mails: Mails) -> None:
    assertContains(client.get("/accounts/signup/?next=/steps/3/"), 'value="/steps/3/"')
    sign_up(client, next="/steps/3/")

    response = client.post(CODE_PAGE, {"code": code_in(mails()[0])})

    assertRedirects(response, safety_notice_url("/steps/3/"), fetch_redirect_response=False)


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "\\\\evil.example", "javascript:x"]
)
def test_sign_up_goes_nowhere_else(client: Client, mails: Mails, elsewhere: str) -> None:
    sign_up(client, next=elsewhere)

    response = client.post(CODE_PAGE, {"code": code_in(mails()[0])})

    assertRedirects(response, safety_notice_url("/today/"), fetch_redirect_response=False)


def test_sign_up_without_consent_keeps_the_address_on_the_page(
    client: Client, mails: Mails
) -> None:
    response = sign_up(client, consent="")

    assertContains(response, "Tick the box if you agree.")
    assertContains(response, 'value="dana@example.org"')
    assertNotContains(response, "quiet harbour")
    assert "<title>Error: " in response.content.decode()
    assert not User.objects.exists()
    assert mails() == []


def test_consent_is_never_ticked_beforehand(client: Client, db: None) -> None:
    page = client.get("/accounts/signup/?consent=on").content.decode()

    assert "checked" not in page
    assert "aged 16 and over" in page


def test_sign_up_with_a_known_address_looks_the_same(
    client: Client, carol: User, mails: Mails
) -> None:
    stranger, known = Client(), Client()
    first = sign_up(stranger, "dana@example.org")
    second = sign_up(known, carol.email, password1="another quiet harbour")

    assert (first.status_code, first["Location"]) == (second.status_code, second["Location"])
    assert page_text(stranger.get(CODE_PAGE), "dana@example.org") == page_text(
        known.get(CODE_PAGE), carol.email
    )
    assert page_text(stranger.post(CODE_PAGE, {"code": "1"}), "dana@example.org") == page_text(
        known.post(CODE_PAGE, {"code": "1"}), carol.email
    )
    to_stranger, to_known = mails()
    assert code_in(to_stranger)
    assert to_known.to == [carol.email]
    assert "There is one already, and it is unchanged." in str(to_known.body)
    carol.refresh_from_db()
    assert not carol.check_password("another quiet harbour")


@pytest.mark.parametrize("email", ["dana@example.org", "carol@example.org"])
def test_sign_up_works_through_a_password_either_way(
    client: Client, carol: User, email: str
) -> None:
    before = QuickHasher.times

    sign_up(client, email)

    assert QuickHasher.times == before + 1


@pytest.mark.parametrize("email", ["Dana@Example.ORG", "  dana@example.org "])
def test_sign_up_keeps_one_spelling_of_an_address(client: Client, db: None, email: str) -> None:
    sign_up(client, email)

    assert User.objects.get().email == "dana@example.org"


@pytest.mark.parametrize(
    "email",
    [
        "",
        "dana",
        "da\0na@example.org",
        "dana@example.org\r\nBcc: x@example.org",
        "\udcff@example.org",
        "a" * 250 + "@example.org",
        "a" * 9000,
        "İ" * 60 + "a" * 180 + "@example.org",
        TOO_LONG_IN_LOWERCASE,
        "dİna@example.org",
        "dına@example.org",
        "ſigrid@example.org",
        "ünï@exämple.org",
        "<script>@example.org",
        *CANNOT_BE_WRITTEN,
        *READ_AS_ANOTHER,
    ],
)
def test_sign_up_declines_what_is_no_address(client: Client, mails: Mails, email: str) -> None:
    # As raw bytes: the test client would encode it correctly.
    address = email.encode("utf-8", "surrogateescape")
    response = client.post(
        "/accounts/signup/",
        urlencode({"email": address, "password1": PASSWORD, "consent": "on"}),
        content_type="application/x-www-form-urlencoded",
    )

    assert response.status_code == 200
    assert list(response.context["form"].errors) == ["email"]
    assert mails() == []


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("short 1", "Use at least 10 characters. A short sentence works well."),
        ("password1234", "Many people use this one, so it is tried first. Choose another."),
        ("dana@example", "This is very close to your email address. Choose another."),
        ("83927461950", "Digits alone are quick to guess. Add a word or two."),
        ("x y" * 43, "Use at most 128 characters."),
        ("har\0bour 42 quiet", "Null characters are not allowed."),
    ],
)
def test_sign_up_says_what_a_password_lacks(
    client: Client, db: None, password: str, words: str
) -> None:
    response = sign_up(client, password1=password)

    assert response.context["form"].errors == {"password1": [words]}
    assertNotContains(response, f'value="{password}"')


@pytest.mark.parametrize("typed", AS_TYPED.values(), ids=AS_TYPED)
def test_mailed_code_is_taken_as_any_phone_types_it(
    client: Client, mails: Mails, typed: Callable[[str], str]
) -> None:
    sign_up(client)

    response = client.post(CODE_PAGE, {"code": typed(code_in(mails()[0]))})

    assertRedirects(response, safety_notice_url("/today/"), fetch_redirect_response=False)


def test_a_wrong_code_is_said_kindly_and_can_be_tried_again(client: Client, mails: Mails) -> None:
    sign_up(client)

    response = client.post(CODE_PAGE, {"code": "00000000x"})

    assertContains(response, "That is not the code from the mail.")
    response = client.post(CODE_PAGE, {"code": f" {code_in(mails()[0])} "})
    assertRedirects(response, safety_notice_url("/today/"), fetch_redirect_response=False)


def test_a_code_is_dead_after_three_wrong_tries(client: Client, mails: Mails) -> None:
    sign_up(client)
    for _ in range(2):
        assert client.post(CODE_PAGE, {"code": "wrong"}).status_code == 200

    response = client.post(CODE_PAGE, {"code": "wrong"}, follow=True)

    assertContains(response, "There were several tries in a short time.")
    assertRedirects(client.post(CODE_PAGE, {"code": code_in(mails()[0])}), "/accounts/login/")
    assert "_auth_user_id" not in client.session


def test_a_code_works_in_the_browser_that_asked_for_it_only(client: Client, mails: Mails) -> None:
    sign_up(client)

    response = Client().post(CODE_PAGE, {"code": code_in(mails()[0])})

    assertRedirects(response, "/accounts/login/")


def test_a_code_runs_out_after_ten_minutes_and_says_so(client: Client, mails: Mails) -> None:
    with time_machine.travel(EVENING, tick=False) as clock:
        sign_up(client)
        clock.shift(timedelta(minutes=10, seconds=1))

        response = client.post(CODE_PAGE, {"code": code_in(mails()[0])}, follow=True)

    assertRedirects(response, "/accounts/login/")
    assertContains(response, "That code has run out.")


def test_a_code_sent_again_lasts_as_long_as_its_mail_says(client: Client, mails: Mails) -> None:
    with time_machine.travel(EVENING, tick=False) as clock:
        sign_up(client)
        clock.shift(timedelta(minutes=9))
        assertRedirects(client.post(CODE_PAGE, {"action": "resend"}), CODE_PAGE)
        clock.shift(timedelta(minutes=9))
        first, second = map(code_in, mails())

        assertContains(client.post(CODE_PAGE, {"code": first}), "That is not the code")
        response = client.post(CODE_PAGE, {"code": second})

    assertRedirects(response, safety_notice_url("/today/"), fetch_redirect_response=False)


def test_asking_again_at_once_is_answered_calmly(client: Client, mails: Mails) -> None:
    sign_up(client)

    response = client.post(CODE_PAGE, {"action": "resend"}, follow=True)

    assertRedirects(response, CODE_PAGE)
    assertContains(response, "If you asked a moment ago, look for that mail first.")
    [mail] = mails()
    assert client.post(CODE_PAGE, {"code": code_in(mail)}).status_code == 302


def test_the_code_page_offers_two_more_codes(client: Client, mails: Mails) -> None:
    with time_machine.travel(EVENING, tick=False) as clock:
        sign_up(client)
        for _ in range(2):
            assertContains(client.get(CODE_PAGE), "Send a new code")
            clock.shift(timedelta(minutes=1))
            client.post(CODE_PAGE, {"action": "resend"})

        assertNotContains(client.get(CODE_PAGE), "Send a new code")


def test_another_address_can_be_tried_instead(client: Client, mails: Mails) -> None:
    sign_up(client, "slip@example.org")

    response = client.post("/accounts/logout/", {"next": "/accounts/signup/"})

    assertRedirects(response, "/accounts/signup/")
    sign_up(client, "dana@example.org")
    [_, mail] = mails()
    response = client.post(CODE_PAGE, {"code": code_in(mail)})
    assertRedirects(response, safety_notice_url("/today/"), fetch_redirect_response=False)
