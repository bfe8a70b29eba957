"""The vault from outside: what a thief finds, and what threads at once could mix up."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.db import connections
from pytest_django.asserts import assertRedirects

from accounts.models import User
from journal.models import Letter, LetterContents
from tests.adversarial.conftest import keep_letter
from tests.support.client import PASSWORD, Client
from tests.support.letters import a_draft
from tests.support.private_words import BODY, CANARIES
from tests.support.second_factors import codes_of, give_app
from vault.key_ring import ring
from vault.models import Key
from vault.sealing import CannotOpen
from vault.sessions import Session, cookie_for

SEALS = 1_000_000
HANDS = 16
TURNS = 8


def test_no_nonce_is_used_twice() -> None:
    """A nonce used twice under one key would give both texts away. The nonce comes after five bytes
    that name the key."""
    owner, row = uuid4(), uuid4()
    key = ring().unwrap(owner, ring().primary, ring().new_person_key(owner))

    nonces = {key.seal("adversarial", row, b"x")[5:17] for _seal in range(SEALS)}

    assert len(nonces) == SEALS


def test_refused_form_leaves_the_next_reader_with_their_own_words(
    as_alice: Client, alice: User, as_bob: Client, bob: User, now: datetime
) -> None:
    """Form classes live as long as the process: nothing of a request may stay in them."""
    mine, his = a_draft(alice, "Alice’s words", now=now), a_draft(bob, "Bob’s words", now=now)

    for refused in ("", " ", "x" * 100_001):
        page = as_alice.post(f"/journal/{mine.pk}/edit/", {"to": "", "body": refused})
        assert page.status_code == 200
        assert "Bob’s words" in as_bob.get(f"/journal/{his.pk}/edit/").text
        assert "Alice’s words" in as_alice.get(f"/journal/{mine.pk}/edit/").text


@pytest.mark.django_db(transaction=True)
def test_many_hands_at_once_mix_nothing_up(now: datetime) -> None:
    def write_and_read(hand: int) -> Iterator[tuple[str, str]]:
        person = User.objects.create_user(f"hand{hand}@example.org", PASSWORD)
        client = Client()
        client.force_login(person)
        for turn in range(TURNS):
            words = f"hand {hand}, turn {turn} " + "…" * (hand * 37)
            sent = {"id": str(uuid4()), "to": "", "body": words}
            id = UUID(client.post("/journal/write/them/", sent).headers["Location"].split("/")[2])
            yield words, Letter.objects.get(pk=id).open(User.objects.get(pk=person.pk).key).body
            yield (
                "shown",
                "shown" if words in client.get(f"/journal/{id}/edit/").text else "not shown",
            )

    def one(hand: int) -> list[tuple[str, str]]:
        try:
            return list(write_and_read(hand))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(HANDS) as pool:
        pairs = [pair for found in pool.map(one, range(HANDS)) for pair in found]

    assert len(pairs) == HANDS * TURNS * 2
    assert not [pair for pair in pairs if pair[0] != pair[1]]


def everything_stored() -> str:
    """Every value of every row, as in a copy of the database."""
    rows = [
        row
        for model in apps.get_models(include_auto_created=True)
        for row in model._default_manager.values_list()
    ]
    return repr([[bytes(v) if isinstance(v, memoryview) else v for v in row] for row in rows])


def test_thief_of_the_database_reads_nobodys_words_and_signs_nobody_in(
    lived_in: User, browser: Client, client: Client
) -> None:
    browser.get("/today/")
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    browser.get("/accounts/2fa/app/")
    half_made = browser.session["mfa.totp.secret"]
    secrets = [half_made, give_app(lived_in), *codes_of(lived_in)]

    stolen = everything_stored()

    assert lived_in.email in stolen
    assert not [word for word in (*CANARIES, BODY, *secrets, PASSWORD) if word in stolen]
    key = Session.objects.of(lived_in).get().session_key
    assert key in stolen
    client.cookies["n"] = key
    assertRedirects(client.get("/today/"), "/accounts/login/?next=/today/")
    assert cookie_for(key) not in stolen


def test_older_words_put_back_into_their_own_row_open_as_they_were(
    alice: User, letter: Letter, now: datetime
) -> None:
    """What sealing cannot prevent (docs/security.md): no word is read or made up by it."""
    older = bytes(letter.sealed)
    letter.reseal(alice.key, LetterContents(to="", body="Newer words."), now=now)
    Letter.objects.filter(pk=letter.pk).update(sealed=older)

    opened: LetterContents = Letter.objects.get(pk=letter.pk).open(alice.key)
    assert opened.body == BODY


def test_restored_without_keys_opens_nothing_and_with_them_only_what_was_kept(
    alice: User, bob: User, letter: Letter, now: datetime
) -> None:
    """Yesterday’s data with today’s keys: a person who was erased since is unreadable."""
    his = keep_letter(bob, now)
    kept = {row.pk: (row.owner_id, bytes(row.sealed)) for row in Letter.objects.all()}
    Key.objects.filter(owner=bob).delete()

    assert kept[letter.pk] == (alice.pk, bytes(letter.sealed))
    opened: LetterContents = letter.open(User.objects.get(pk=alice.pk).key)
    assert opened.body == BODY
    with pytest.raises(CannotOpen):
        his.open(User.objects.get(pk=bob.pk).key)
