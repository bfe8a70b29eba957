from datetime import datetime
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import User
from journal.forms import MOST_CHARACTERS
from journal.models import Letter, LetterContents
from tests.conftest import Client, Statements

WORDS = "I kept checking if you had seen it.\n\nEven a hard answer."


@pytest.fixture
def letter(alice: User, now: datetime) -> Letter:
    contents = LetterContents(to="M.", body=WORDS)
    return Letter.keep(person=alice, id=uuid4(), contents=contents, now=now)


def words_of(person: User) -> list[str]:
    return [row.open(person.key).body for row in Letter.objects.of(person).newest_first()]


def test_letter_is_kept_and_read_again(as_alice: Client, alice: User) -> None:
    data = {"id": str(uuid4()), "to": "M.", "body": WORDS.replace("\n", "\r\n")}

    page = as_alice.post("/journal/write/", data, follow=True)

    assert page.redirect_chain == [(f"/journal/{data['id']}/", 302)]
    assert WORDS in page.content.decode()
    assert "Your letter is kept." in page.content.decode()
    assert words_of(alice) == [WORDS]
    assert b"checking" not in bytes(Letter.objects.get().sealed)


def test_pressing_twice_makes_one_letter(as_alice: Client, alice: User) -> None:
    data = {"id": str(uuid4()), "to": "", "body": "once"}

    as_alice.post("/journal/write/", data)
    as_alice.post("/journal/write/", data)

    assert words_of(alice) == ["once"]


def test_going_back_and_keeping_again_keeps_the_newer_words(as_alice: Client, alice: User) -> None:
    data = {"id": str(uuid4()), "to": "", "body": "first"}
    as_alice.post("/journal/write/", data)

    as_alice.post("/journal/write/", data | {"body": "first, and more"})

    assert words_of(alice) == ["first, and more"]


def test_an_id_of_someone_elses_letter_makes_a_letter_of_ones_own(
    as_bob: Client, alice: User, bob: User, letter: Letter
) -> None:
    as_bob.post("/journal/write/", {"id": str(letter.pk), "to": "", "body": "theirs"})

    assert words_of(alice) == [WORDS]
    assert words_of(bob) == ["theirs"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "One line counts as a letter"),
        (" \r\n ", "One line counts as a letter"),
        ("x" * (MOST_CHARACTERS + 1), "100,000 characters"),
        ("a\x00b", "cannot be kept"),
    ],
    ids=["empty", "only space", "too long", "nul"],
)
def test_paper_that_cannot_be_kept_stays_on_the_page(
    as_alice: Client, body: str, said: str
) -> None:
    page = as_alice.post("/journal/write/", {"id": str(uuid4()), "to": "M.", "body": body})

    assert page.status_code == 200
    assert said in page.content.decode()
    assert body.strip() in page.content.decode()
    assert not Letter.objects.exists()


def test_a_letter_of_100_000_characters_fits(as_alice: Client, alice: User) -> None:
    body = "é" * MOST_CHARACTERS

    as_alice.post("/journal/write/", {"id": str(uuid4()), "to": "", "body": body})

    assert words_of(alice) == [body]


def test_there_is_no_way_to_send_a_letter(as_alice: Client, letter: Letter) -> None:
    for path in ("/journal/write/", f"/journal/{letter.pk}/", f"/journal/{letter.pk}/edit/"):
        page = as_alice.get(path).content.decode()
        assert 'type="email"' not in page
        assert "mailto:" not in page
        assert "sms:" not in page


def test_letter_is_edited(as_alice: Client, alice: User, letter: Letter) -> None:
    assert WORDS in as_alice.get(f"/journal/{letter.pk}/edit/").content.decode()

    as_alice.post(f"/journal/{letter.pk}/edit/", {"to": "you", "body": "calmer"})

    assert words_of(alice) == ["calmer"]
    assert Letter.objects.get().created_at == letter.created_at


def test_letter_is_deleted_only_after_a_page_that_asks(as_alice: Client, letter: Letter) -> None:
    assert "Delete this letter?" in as_alice.get(f"/journal/{letter.pk}/delete/").content.decode()
    assert Letter.objects.exists()

    page = as_alice.post(f"/journal/{letter.pk}/delete/", follow=True)

    assert "The letter is deleted." in page.content.decode()
    assert not Letter.objects.exists()


def test_shelf_shows_day_and_state_and_no_word(as_alice: Client, letter: Letter) -> None:
    page = as_alice.get("/journal/").content.decode()

    assert "Letter of 12 March 2026" in page
    assert "M." not in page
    assert "checking" not in page


@pytest.mark.parametrize("path", ["/journal/", "/today/"])
def test_letter_has_its_picture_and_not_the_words_of_it(
    as_alice: Client, letter: Letter, path: str
) -> None:
    page = as_alice.get(path).content.decode()

    assert f'<a href="/journal/{letter.pk}/"><svg' in page
    assert "&lt;svg" not in page


def test_empty_shelf_says_how_to_begin(as_alice: Client) -> None:
    assert "Your shelf is empty" in as_alice.get("/journal/").content.decode()


def test_shelf_shows_twenty_letters_a_page(as_alice: Client, alice: User, now: datetime) -> None:
    for _ in range(21):
        Letter.keep(person=alice, id=uuid4(), contents=LetterContents("", "x"), now=now)

    first, second = as_alice.get("/journal/"), as_alice.get("/journal/?page=2")

    assert first.content.count(b"Letter of") == 20
    assert second.content.count(b"Letter of") == 1
    assert as_alice.get("/journal/?page=nowhere").status_code == 200


@pytest.mark.parametrize(("many", "asked"), [(1, 2), (20, 2), (21, 3), (500, 3)])
def test_statements_of_the_shelf_do_not_grow(
    as_alice: Client,
    alice: User,
    now: datetime,
    many: int,
    asked: int,
    statements: Statements,
) -> None:
    """Who comes, and their letters; these are counted only where they do not fit on a page."""
    contents = LetterContents("", "x")
    letters = [Letter.sealed_by(alice.key, contents, now=now) for _ in range(many)]
    Letter.objects.bulk_create(letters)
    as_alice.get("/journal/")

    with statements() as found:
        as_alice.get("/journal/")

    assert len(found) == asked


def test_letter_that_does_not_open_says_so_and_stays(
    as_alice: Client, bob: User, letter: Letter, now: datetime
) -> None:
    theirs = Letter.keep(person=bob, id=uuid4(), contents=LetterContents("", "b"), now=now)
    Letter.objects.filter(pk=letter.pk).update(sealed=bytes(theirs.sealed))

    for path in (f"/journal/{letter.pk}/", f"/journal/{letter.pk}/edit/"):
        page = as_alice.post(path, {"body": "over"}) if "edit" in path else as_alice.get(path)
        assert "We cannot open this" in page.content.decode()
        assert "still stored" in page.content.decode()
    assert bytes(Letter.objects.get(pk=letter.pk).sealed) == bytes(theirs.sealed)


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1))
def test_any_text_comes_back_byte_for_byte(as_alice: Client, alice: User, body: str) -> None:
    answer = as_alice.post("/journal/write/", {"id": str(uuid4()), "to": "", "body": body})

    if body.strip():
        row: Letter = Letter.objects.of(alice).get(pk=answer.headers["Location"].split("/")[2])
        assert row.open(alice.key).body == body.replace("\r\n", "\n")
    else:
        assert answer.status_code == 200
