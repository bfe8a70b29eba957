import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

import config.settings
from accounts.models import Profile, ProfileContents, User
from tests.support.accounts import EVENING
from tests.support.client import PASSWORD
from vault.sealing import CannotOpen


def test_password_is_stored_by_argon2() -> None:
    assert config.settings.PASSWORD_HASHERS[0].endswith("Argon2PasswordHasher")


@pytest.mark.parametrize("email", ["ALICE@Example.ORG", " alice@example.org "])
def test_address_has_one_spelling_and_one_account(alice: User, email: str) -> None:
    assert User.objects.get_by_natural_key(email) == alice
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user(email, PASSWORD)


def test_address_is_unique_in_any_case_in_the_database_itself(alice: User, bob: User) -> None:
    with (
        pytest.raises(IntegrityError, match="one_account_per_address_in_any_case"),
        transaction.atomic(),
    ):
        User.objects.filter(pk=bob.pk).update(email="Alice@example.org")


@pytest.mark.parametrize("password", ["", None])
def test_account_without_a_password_is_never_made(db: None, password: str | None) -> None:
    with pytest.raises(ValueError, match="needs a password"):
        User.objects.create_user("dana@example.org", password)  # type: ignore[arg-type]


def test_account_never_loses_its_password(alice: User) -> None:
    alice.set_unusable_password()

    with (
        pytest.raises(IntegrityError, match="password_can_always_be_asked_for"),
        transaction.atomic(),
    ):
        alice.save()


@pytest.mark.parametrize("fields", [{"consented_at": EVENING}, {"consent_version": "1"}])
def test_consent_has_both_its_moment_and_its_wording(
    alice: User, fields: dict[str, object]
) -> None:
    with (
        pytest.raises(IntegrityError, match="consent_has_its_moment_and_its_wording"),
        transaction.atomic(),
    ):
        User.objects.filter(pk=alice.pk).update(**fields)


@pytest.mark.parametrize("zone", ["Atlantis/Deep", "a\0b", "../x"])
def test_zone_that_does_not_exist_is_declined(alice: User, zone: str) -> None:
    alice.time_zone = zone

    with pytest.raises(ValidationError) as caught:
        alice.full_clean()

    assert list(caught.value.message_dict) == ["time_zone"]


def test_user_is_named_without_their_address(alice: User) -> None:
    assert str(alice) == f"user {alice.pk}"


def test_name_is_kept_sealed(alice: User) -> None:
    Profile.sealed_by(alice.key, ProfileContents("Ali"), now=EVENING).save()

    assert alice.preferred_name == "Ali"
    assert b"Ali" not in bytes(Profile.objects.of(alice).get().sealed)


def test_nobody_has_two_names(alice: User) -> None:
    Profile.sealed_by(alice.key, ProfileContents("Ali"), now=EVENING).save()

    with pytest.raises(IntegrityError, match="one_profile_per_person"), transaction.atomic():
        Profile.sealed_by(alice.key, ProfileContents("Lis"), now=EVENING).save()


def test_name_of_someone_else_does_not_open(alice: User, bob: User) -> None:
    Profile.sealed_by(bob.key, ProfileContents("Bob"), now=EVENING).save()
    Profile.objects.of(bob).update(owner=alice)

    with pytest.raises(CannotOpen):
        _ = alice.preferred_name
