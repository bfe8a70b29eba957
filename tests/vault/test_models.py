from datetime import datetime
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.db.migrations.state import ModelState
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from journal.models import Letter, LetterContents
from vault.checks import ring_opens_what_is_stored
from vault.key_ring import new_keyset
from vault.models import Key, Sealed
from vault.sealing import CannotOpen

WORDS = LetterContents(to="M.", body="I kept checking if you had seen it.")


@pytest.fixture
def letter(alice: User, now: datetime) -> Letter:
    letter = Letter.sealed_by(alice.key, WORDS, now=now)
    letter.save()
    return letter


def test_everyone_has_a_key_from_the_start(alice: User) -> None:
    assert Key.objects.get(owner=alice).kek == "k1"


def test_letter_opens_for_its_owner(alice: User, letter: Letter) -> None:
    assert Letter.objects.of(alice).get().open(alice.key) == WORDS


def test_letter_does_not_open_for_anyone_else(bob: User, letter: Letter) -> None:
    with pytest.raises(CannotOpen):
        letter.open(bob.key)


def test_bytes_swapped_between_two_people_do_not_open(
    alice: User, bob: User, letter: Letter, now: datetime
) -> None:
    other = Letter.sealed_by(bob.key, WORDS, now=now)
    letter.sealed = other.sealed

    with pytest.raises(CannotOpen):
        letter.open(alice.key)


def test_a_key_row_given_to_another_person_does_not_unwrap(alice: User, bob: User) -> None:
    Key.objects.filter(owner=alice).update(wrapped=Key.objects.get(owner=bob).wrapped)

    with pytest.raises(CannotOpen):
        _ = alice.key


def test_unknown_scheme_does_not_open(alice: User, letter: Letter) -> None:
    letter.scheme = 9

    with pytest.raises(CannotOpen):
        letter.open(alice.key)


def test_str_of_a_letter_shows_no_word(letter: Letter) -> None:
    assert str(letter) == f"letter {letter.pk}"


def rotate(settings: LazySettings, *, keep_old: bool = True) -> None:
    old = settings.VAULT_KEYS
    settings.VAULT_KEYS = f"k2:{new_keyset()}" + (f",{old}" if keep_old else "")


def test_rotation_opens_everything_without_the_old_key(
    alice: User,
    bob: User,
    letter: Letter,
    settings: LazySettings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rotate(settings)
    call_command("vault_rewrap")
    settings.VAULT_KEYS = settings.VAULT_KEYS.partition(",")[0]

    fresh = User.objects.get(pk=alice.pk)
    assert letter.open(fresh.key) == WORDS
    assert set(Key.objects.values_list("kek", flat=True)) == {"k2"}
    assert "2 keys now wrapped by k2" in capsys.readouterr().out


def test_rotation_run_again_does_nothing(
    alice: User, settings: LazySettings, capsys: pytest.CaptureFixture[str]
) -> None:
    rotate(settings)
    call_command("vault_rewrap")
    before = Key.objects.values_list("wrapped", flat=True).get()

    call_command("vault_rewrap")

    assert bytes(Key.objects.values_list("wrapped", flat=True).get()) == bytes(before)
    assert "0 keys now wrapped" in capsys.readouterr().out


def test_rotation_changes_nothing_in_a_dry_run(alice: User, settings: LazySettings) -> None:
    rotate(settings)

    call_command("vault_rewrap", "--dry-run")

    assert Key.objects.get().kek == "k1"


def test_rotation_leaves_keys_alone_that_it_cannot_open(
    alice: User, settings: LazySettings
) -> None:
    before = bytes(Key.objects.get().wrapped)
    rotate(settings, keep_old=False)

    with pytest.raises(CommandError, match="1 keys open with none of VAULT_KEYS"):
        call_command("vault_rewrap")

    assert bytes(Key.objects.get().wrapped) == before


def test_missing_master_key_is_reported(alice: User, settings: LazySettings) -> None:
    assert ring_opens_what_is_stored(databases=["default"]) == []

    rotate(settings, keep_old=False)

    (error,) = ring_opens_what_is_stored(databases=["default"])
    assert "“k1” is not in VAULT_KEYS" in error.msg


def test_sealed_row_belongs_to_the_owner_of_the_key(alice: User, now: datetime) -> None:
    letter = Letter.sealed_by(alice.key, WORDS, now=now)

    assert letter.owner_id == alice.pk
    letter.owner_id = uuid4()
    with pytest.raises(CannotOpen):
        letter.open(alice.key)


def test_every_sealed_table_has_an_index_that_begins_with_the_owner(db: None) -> None:
    for model in Sealed.__subclasses__():
        with connection.cursor() as cursor:
            table = model._meta.db_table
            constraints = connection.introspection.get_constraints(cursor, table).values()
        first_columns = [
            each["columns"][0] for each in constraints if each["index"] or each["unique"]
        ]
        assert "owner_id" in first_columns, table


def test_sealed_row_is_inserted_once_and_never_overwritten(
    alice: User, bob: User, letter: Letter, now: datetime
) -> None:
    others = LetterContents(to="N.", body="Other words.")
    for person in (alice, bob):
        assert not Letter.sealed_by(person.key, others, id=letter.pk, now=now).insert_if_new()

    # The transaction around it can still be used.
    assert Letter.objects.get().open(alice.key) == WORDS
    assert Letter.sealed_by(alice.key, others, now=now).insert_if_new()
    assert Letter.objects.count() == 2


def test_row_that_cannot_be_inserted_for_another_reason_raises(alice: User, now: datetime) -> None:
    unknown = Letter.sealed_by(alice.key, WORDS, now=now, kind="unknown")

    with pytest.raises(IntegrityError, match="letter_is_of_a_known_kind"):
        unknown.insert_if_new()


@pytest.mark.django_db(transaction=True)
def test_insert_outside_a_transaction_takes_one_statement(alice: User, now: datetime) -> None:
    letter = Letter.sealed_by(alice.key, WORDS, now=now)

    with CaptureQueriesContext(connection) as captured:
        assert letter.insert_if_new()
        assert not letter.insert_if_new()

    commands = [query["sql"].split()[0] for query in captured.captured_queries]
    assert commands == ["INSERT", "INSERT"]


def test_sealed_class_does_not_put_typing_into_migrations() -> None:
    """Django cannot build the historical model of a migration that names Generic as a base."""
    for model in Sealed.__subclasses__():
        assert ModelState.from_model(model).bases == (Model,)
