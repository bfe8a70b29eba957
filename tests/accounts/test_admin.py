import pytest
from allauth.account.models import EmailAddress
from django.contrib import admin
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.actions import choose_name
from accounts.models import Profile, User
from mail.models import Message
from tests.support.accounts import EVENING
from tests.support.client import PASSWORD, Client
from tests.support.second_factors import enter_admin
from vault.models import Key, Sealed


@pytest.fixture
def as_operator(db: None) -> Client:
    client, operator = Client(), User.objects.create_superuser("operator@example.org", PASSWORD)
    client.force_login(operator)
    enter_admin(client, operator)
    return client


def test_operator_sees_accounts_and_nothing_private(as_operator: Client, alice: User) -> None:
    choose_name(person=alice, name="Ali", now=EVENING)

    for address in ("/admin/accounts/user/", f"/admin/accounts/user/{alice.pk}/change/"):
        page = as_operator.get(address)
        assertContains(page, alice.email)
        assertNotContains(page, "Ali<")
        assertNotContains(page, alice.password)


@pytest.mark.parametrize(
    "asked", ["password__startswith=a", "lock_after=5", "wrapped_key__kek=k1", "id__startswith=a"]
)
def test_operator_asks_for_nothing_that_the_list_does_not_show(
    as_operator: Client, alice: User, asked: str
) -> None:
    """A filter on the password column would reveal a hash character by character."""
    assert as_operator.get(f"/admin/accounts/user/?{asked}").status_code == 400
    assertContains(as_operator.get("/admin/accounts/user/?is_active__exact=1"), alice.email)


def test_operator_changes_a_password_where_everyone_does(as_operator: Client) -> None:
    """There the change is recorded and mailed."""
    page = as_operator.get("/admin/password_change/")
    assertRedirects(page, "/accounts/password/change/", fetch_redirect_response=False)


def test_operator_can_close_an_account_and_change_no_address(
    as_operator: Client, alice: User
) -> None:
    as_operator.post(
        f"/admin/accounts/user/{alice.pk}/change/", {"email": "x@example.org", "is_staff": ""}
    )

    alice.refresh_from_db()
    assert (alice.email, alice.is_active) == ("alice@example.org", False)


def test_operator_makes_no_accounts(as_operator: Client) -> None:
    assert as_operator.get("/admin/accounts/user/add/").status_code == 403


@pytest.mark.django_db(transaction=True)
def test_operator_deletes_without_seeing_what_is_deleted(as_operator: Client, alice: User) -> None:
    choose_name(person=alice, name="Ali", now=EVENING)
    page = as_operator.get(f"/admin/accounts/user/{alice.pk}/delete/")
    assertContains(page, alice.email)
    assertNotContains(page, "rofile")

    as_operator.post(f"/admin/accounts/user/{alice.pk}/delete/", {"post": "yes"})

    assert not User.objects.filter(pk=alice.pk).exists()
    assert not Profile.objects.exists()
    assert Message.objects.filter(kind="account.account_erased").count() == 1


@pytest.mark.django_db(transaction=True)
def test_operator_deletes_several_at_once(as_operator: Client, alice: User, bob: User) -> None:
    as_operator.post(
        "/admin/accounts/user/",
        {
            "action": "delete_selected",
            "_selected_action": [str(alice.pk), str(bob.pk)],
            "post": "yes",
        },
    )

    assert User.objects.count() == 1
    assert Message.objects.filter(kind="account.account_erased").count() == 2


@pytest.mark.django_db(transaction=True)
def test_operator_does_not_delete_themselves_by_the_way(as_operator: Client, alice: User) -> None:
    operator = User.objects.get(is_staff=True)
    address = f"/admin/accounts/user/{operator.pk}/delete/"
    assert as_operator.post(address, {"post": "yes"}).status_code == 403

    as_operator.post(
        "/admin/accounts/user/",
        {
            "action": "delete_selected",
            "_selected_action": [str(operator.pk), str(alice.pk)],
            "post": "yes",
        },
    )

    assert list(User.objects.all()) == [operator]


def test_no_private_model_is_in_the_admin() -> None:
    registered = set(admin.site._registry)

    assert Key not in registered
    assert EmailAddress not in registered
    assert not [model for model in registered if issubclass(model, Sealed)]
