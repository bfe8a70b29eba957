from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.utils import timezone
from pytest_django import Settings
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.invitations import invite, link_to
from accounts.models import Invitation, User
from accounts.tidying import tidy
from tests.support.accounts import EVENING, Mails, code_in, sign_in, sign_up
from tests.support.client import PASSWORD, Client
from tests.support.second_factors import enter_admin
from tests.support.waiting import wait_for

SIGN_UP = "/accounts/signup/"
CONFIRM = "/accounts/confirm-email/"
BY_INVITATION = "Accounts here are by invitation"
OVER = "This invitation is over"
TOO_LATE = "This invitation has been used, or it has ended"


pytestmark = pytest.mark.usefixtures("fresh_limits")


@pytest.fixture(autouse=True)
def by_invitation(settings: Settings) -> None:
    settings.REGISTRATION = "invitation"


@pytest.fixture
def link() -> str:
    [invitation] = invite(now=timezone.now())
    return path_of(invitation)


@pytest.fixture
def as_operator(db: None) -> Client:
    client = Client()
    operator = User.objects.create_superuser("operator@example.org", PASSWORD)
    client.force_login(operator)
    enter_admin(client, operator)
    return client


def path_of(invitation: Invitation) -> str:
    return urlsplit(link_to(invitation)).path


def follow(link: str, **more: Any) -> Client:
    """Open this link in a browser."""
    client = Client(**more)
    assertRedirects(client.get(link), SIGN_UP)
    return client


def start_again(client: Client) -> Any:
    return client.post("/accounts/logout/", {"next": SIGN_UP}, follow=True)


def test_a_link_opens_the_page_for_signing_up(link: str, mails: Mails) -> None:
    client = follow(link)

    assertContains(client.get(SIGN_UP), "Make my account")
    assert sign_up(client).status_code == 302
    assert client.post(CONFIRM, {"code": code_in(mails()[0])}).status_code == 302
    assert client.session["_auth_user_id"] == str(User.objects.get().pk)


def test_without_one_nobody_signs_up(client: Client, mails: Mails) -> None:
    assertContains(client.get(SIGN_UP), BY_INVITATION)
    assertContains(sign_up(client), BY_INVITATION)

    assert not User.objects.exists()
    assert mails() == []


@pytest.mark.parametrize("method", ["get", "head"])
def test_opening_a_link_uses_nothing_up(link: str, method: str) -> None:
    for _time in range(3):
        getattr(Client(), method)(link)

    assert Invitation.objects.usable(timezone.now()).count() == 1


def test_a_link_works_once(link: str, mails: Mails) -> None:
    late = follow(link)
    sign_up(follow(link))

    response = sign_up(late, "erin@example.org")

    assertContains(response, TOO_LATE)
    assertContains(response, 'value="erin@example.org"')
    assertContains(response, 'id="id_consent" checked')
    assertNotContains(response, PASSWORD)
    assert len(mails()) == 1
    assertContains(late.get(SIGN_UP), BY_INVITATION)
    assertContains(Client().get(link), OVER, status_code=404)


def test_a_link_ends_after_a_fortnight(db: None) -> None:
    [invitation] = invite(now=EVENING)
    with time_machine.travel(EVENING + timedelta(days=14, seconds=-1), tick=False):
        client = follow(path_of(invitation))
    with time_machine.travel(EVENING + timedelta(days=14), tick=False):
        assertContains(Client().get(path_of(invitation)), OVER, status_code=404)
        assertContains(sign_up(client), TOO_LATE)
        assertContains(client.get(SIGN_UP), BY_INVITATION)

    assert not User.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1],
        lambda token: token.partition(":")[0],
        lambda token: "0" * 32 + token[32:],
        lambda token: token.partition(":")[0].replace("-", "") + ":",
        lambda token: "x",
        lambda token: "x:" + "y" * 5000,
    ],
)
def test_a_link_that_was_not_made_here_opens_nothing(link: str, change: Any) -> None:
    token = link.removeprefix("/join/").removesuffix("/")

    response = Client().get(f"/join/{change(token)}/")

    assertContains(response, OVER, status_code=404)


def test_what_lies_in_the_table_opens_nothing(link: str) -> None:
    invitation = Invitation.objects.get()

    for told in (invitation.pk, invitation.pk.hex):
        assert Client().get(f"/join/{told}/").status_code == 404


def test_what_was_not_made_uses_nothing_up(link: str) -> None:
    client = follow(link)

    sign_up(client, password1="short")
    sign_up(client, consent="")
    sign_up(client, "not an address")

    assert Invitation.objects.usable(timezone.now()).exists()
    assert sign_up(client).status_code == 302


def test_having_to_wait_uses_nothing_up(link: str) -> None:
    sign_up(follow(path_of(invite(now=timezone.now())[0])))

    assertContains(sign_up(follow(link)), "If you asked a moment ago, look for that mail first.")

    assert Invitation.objects.usable(timezone.now()).count() == 1


def test_an_address_with_an_account_uses_it_up_as_any_other(
    link: str, carol: User, mails: Mails
) -> None:
    """Otherwise a link that still works would reveal that there is an account."""
    assertRedirects(sign_up(follow(link), carol.email), CONFIRM)

    assertContains(Client().get(link), OVER, status_code=404)


@pytest.mark.parametrize("slip", ["slip@example.org", "carol@example.org"])
def test_a_slip_in_the_address_can_be_mended(
    link: str, carol: User, mails: Mails, slip: str
) -> None:
    client = follow(link)
    sign_up(client, slip)

    assertContains(start_again(client), "Make my account")
    assertRedirects(sign_up(client), CONFIRM)
    response = client.post(CONFIRM, {"code": code_in(mails()[1])})

    assert response.status_code == 302
    tidy(now=timezone.now())
    assert set(User.objects.values_list("email", flat=True)) == {carol.email, "dana@example.org"}


def test_mending_does_not_make_a_second_account(link: str, mails: Mails) -> None:
    client, elsewhere = follow(link), Client()
    sign_up(client)
    cache.clear()
    sign_in(elsewhere, "dana@example.org")
    elsewhere.post(CONFIRM, {"code": code_in(mails()[1])})

    assertContains(start_again(client), BY_INVITATION)
    assertContains(sign_up(client, "erin@example.org"), TOO_LATE)

    assert User.objects.get().email == "dana@example.org"


def test_an_account_that_was_mended_away_cannot_be_confirmed(link: str, mails: Mails) -> None:
    client, elsewhere = follow(link), Client()
    sign_up(client, "slip@example.org")
    cache.clear()
    sign_in(elsewhere, "slip@example.org")
    code = code_in(mails()[1])
    start_again(client)
    sign_up(client)

    assertRedirects(elsewhere.post(CONFIRM, {"code": code}), "/accounts/login/")
    assert sign_in(Client(), "slip@example.org").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_make_one_account(link: str, mails: Mails) -> None:
    browsers = [follow(link, REMOTE_ADDR=f"192.0.2.{number}") for number in range(20)]

    def go(number: int) -> Any:
        try:
            return sign_up(browsers[number], f"p{number}@example{number}.org")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(go, range(20), timeout=120))

    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [302]
    for number, answer in enumerate(answers):
        if answer.status_code == 200:
            assertContains(answer, TOO_LATE)
            assertContains(answer, f'value="p{number}@example{number}.org"')
            assertNotContains(answer, PASSWORD)
    assert User.objects.count() == 1
    assert len(mails()) == 1


@pytest.mark.django_db(transaction=True)
def test_one_browser_that_starts_again_in_ten_tabs_makes_one_account(link: str) -> None:
    client = follow(link)
    sign_up(client)
    start_again(client)
    cookies = client.cookies.output(header="", sep=";")

    def go(number: int) -> int:
        tab = Client(REMOTE_ADDR=f"192.0.2.{number}")
        tab.cookies.load(cookies)
        try:
            return int(sign_up(tab, f"p{number}@example{number}.org").status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        # The row stays locked until all wait: a later request would be allowed to start again.
        with transaction.atomic():
            Invitation.objects.select_for_update().get()
            going = [pool.submit(go, number) for number in range(10)]
            wait_for(lambda: at_the_row() == 10, "all of them to stand at the door")
        answers = [each.result(timeout=120) for each in going]

    assert sorted(answers) == [200] * 9 + [302]
    tidy(now=timezone.now())
    assert User.objects.count() == 1


def at_the_row() -> int:
    """How many queries wait for a locked row, directly or behind one that does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
            " WHERE locktype = 'tuple' AND datname = current_database()"
        )
        return int(cursor.fetchone()[0])


# --- REGISTRATION -----------------------------------------------------------------------------


def test_an_open_place_needs_none(settings: Settings, link: str) -> None:
    settings.REGISTRATION = "open"

    client = follow(link)
    assert sign_up(client).status_code == 302
    assert Invitation.objects.usable(timezone.now()).exists(), "and uses none up"


@pytest.mark.parametrize("address", ["dana@example.org", "carol@example.org"])
def test_a_closed_place_takes_nobody(
    settings: Settings, carol: User, mails: Mails, link: str, address: str
) -> None:
    client = follow(link)
    settings.REGISTRATION = "closed"

    assertContains(sign_up(client, address), "No new accounts for now")
    assertContains(client.get(SIGN_UP), "No new accounts for now")

    assert list(User.objects.all()) == [carol]
    assert mails() == []
    assert sign_in(Client(), carol.email).status_code == 302, "whoever has one keeps it"


@pytest.mark.parametrize("registration", ["invitation", "closed"])
@pytest.mark.parametrize(
    "page",
    ["/", "/accounts/login/", "/steps/1/", "/steps/1/filling-in/", "/steps/2/if-then/"],
)
def test_no_page_invites_where_nobody_can_sign_up(
    client: Client, settings: Settings, registration: str, page: str
) -> None:
    settings.REGISTRATION = registration

    assertNotContains(client.get(page), SIGN_UP)


@pytest.mark.parametrize("page", ["/accounts/login/", "/steps/1/", "/steps/2/if-then/"])
def test_pages_invite_where_anyone_can_sign_up(
    client: Client, settings: Settings, page: str
) -> None:
    settings.REGISTRATION = "open"

    assertContains(client.get(page), SIGN_UP)


# --- for operators ----------------------------------------------------------------------------


def test_command_prints_links(db: None) -> None:
    output = StringIO()

    call_command("invite", "--count", "3", "--days", "2", stdout=output)

    links = output.getvalue().split()
    assert len(links) == 3
    ends = Invitation.objects.values_list("ends_at", flat=True)
    assert all(timedelta(days=1.9) < end - timezone.now() <= timedelta(days=2) for end in ends)
    for link in links:
        follow(urlsplit(link).path)


@pytest.mark.parametrize("odd", ["--count=0", "--count=-2", "--days=0", "--days=-3"])
def test_command_makes_none_that_nobody_could_use(db: None, odd: str) -> None:
    with pytest.raises(CommandError, match="No invitation was made"):
        call_command("invite", odd)

    assert not Invitation.objects.exists()


def test_operator_makes_one_and_copies_its_link(as_operator: Client) -> None:
    page = as_operator.post("/admin/accounts/invitation/add/", {}, follow=True)

    invitation = Invitation.objects.get()
    assertContains(page, link_to(invitation))
    assert invitation.ends_at - invitation.made_at == timedelta(days=14)
    assertNotContains(as_operator.get("/admin/accounts/invitation/"), "/join/")


def test_operator_changes_nothing_about_one(as_operator: Client, link: str) -> None:
    invitation = Invitation.objects.get()
    address = f"/admin/accounts/invitation/{invitation.pk}/change/"

    as_operator.post(address, {"ends_at_0": "2099-01-01", "ends_at_1": "00:00"})

    assert Invitation.objects.get().ends_at == invitation.ends_at


def test_operator_sees_no_link_of_one_that_is_over(as_operator: Client, link: str) -> None:
    invitation = Invitation.objects.get()
    Invitation.objects.update(used_at=timezone.now())

    page = as_operator.get(f"/admin/accounts/invitation/{invitation.pk}/change/")

    assertContains(page, "It is over.")
    assertNotContains(page, "/join/")


def test_operator_takes_one_back(as_operator: Client, link: str) -> None:
    invitation = Invitation.objects.get()
    as_operator.post(f"/admin/accounts/invitation/{invitation.pk}/delete/", {"post": "yes"})

    assertContains(Client().get(link), OVER, status_code=404)


def test_one_names_nobody() -> None:
    columns = {field.name for field in Invitation._meta.get_fields()}

    assert columns == {"id", "made_at", "ends_at", "used_at"}
