import pytest
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import User
from tests.support.accounts import Mails, code_in, page_text, safety_notice_url, sign_in, sign_up
from tests.support.client import PASSWORD, Client


def test_sign_in_leads_to_today(client: Client, carol: User) -> None:
    assertRedirects(sign_in(client, carol.email), "/today/", fetch_redirect_response=False)
    assert client.session["_auth_user_id"] == str(carol.pk)


def test_sign_in_goes_on_where_the_person_was_stopped(client: Client, carol: User) -> None:
    asked = client.get("/journal/")
    assertRedirects(asked, "/accounts/login/?next=/journal/")

    response = sign_in(client, carol.email, next="/journal/")

    assertRedirects(response, "/journal/", fetch_redirect_response=False)


def test_sign_in_takes_an_address_in_any_case(client: Client, carol: User) -> None:
    assert sign_in(client, "  CAROL@Example.org").status_code == 302


def test_sign_in_tells_nobody_who_has_an_account(client: Client, carol: User) -> None:
    wrong = sign_in(client, carol.email, "not her password")
    unknown = sign_in(client, "nobody@example.org", "not her password")

    assertContains(wrong, "This address and this password do not go together.")
    assert wrong.status_code == unknown.status_code
    assert page_text(wrong, carol.email) == page_text(unknown, "nobody@example.org")
    assertNotContains(wrong, "not her password")


def test_sign_in_before_the_code_sends_another_one(client: Client, mails: Mails) -> None:
    sign_up(Client())
    sign_in(client, "dana@example.org")
    assert len(mails()) == 1, "one code in ten seconds is enough"


def test_sign_in_of_someone_unconfirmed_goes_by_a_code(alice: User, mails: Mails) -> None:
    client = Client()

    assertRedirects(sign_in(client, alice.email), "/accounts/confirm-email/")
    [mail] = mails()
    response = client.post("/accounts/confirm-email/", {"code": code_in(mail)})

    assertRedirects(response, safety_notice_url("/today/"), fetch_redirect_response=False)


def test_sign_in_of_a_closed_account_says_so(client: Client, carol: User) -> None:
    User.objects.filter(pk=carol.pk).update(is_active=False)

    response = client.post(
        "/accounts/login/", {"login": carol.email, "password": PASSWORD}, follow=True
    )

    assertRedirects(response, "/accounts/inactive/")
    assertContains(response, "This account is closed for now")


def test_sign_in_stops_after_ten_wrong_tries(client: Client, carol: User, bob: User) -> None:
    for _ in range(10):
        sign_in(client, carol.email, "not her password")

    assertContains(sign_in(client, carol.email), "There were several tries in a short time.")


def test_sign_out_asks_first_and_then_does_it(as_carol: Client) -> None:
    asked = as_carol.get("/accounts/logout/")
    assertContains(asked, "Sign out?")
    assert "_auth_user_id" in as_carol.session

    response = as_carol.post("/accounts/logout/", follow=True)

    assertRedirects(response, "/")
    assertContains(response, "You are signed out.")
    assert "_auth_user_id" not in as_carol.session


def test_sign_in_page_sends_on_who_is_signed_in(as_carol: Client) -> None:
    response = as_carol.get("/accounts/login/")

    assertRedirects(response, "/today/", fetch_redirect_response=False)


@pytest.mark.parametrize(
    "header", [{"X-Requested-With": "XMLHttpRequest"}, {"Accept": "application/json"}]
)
def test_sign_in_answers_with_pages_only(client: Client, db: None, header: dict[str, str]) -> None:
    response = client.get("/accounts/login/", headers=header)

    assert response["Content-Type"] == "text/html; charset=utf-8"
