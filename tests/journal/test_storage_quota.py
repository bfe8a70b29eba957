"""Letters of a person who stores as much as they may, and long lists."""

from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from journal import conflict_resolution, letter_actions
from journal.conflict_resolution import RevisionRef
from journal.models import MAX_LATE_REVISIONS, Letter, Revision, Words
from journal.saving import save_words
from journal.submitted_letter import Submission
from tests.support.client import Client
from tests.support.database import Statements
from tests.support.full_quota import empty, fill_bytes, fill_rows
from tests.support.letters import a_draft, bodies, earlier, words_of
from vault.storage_quota import MAX_BYTES, MAX_ROWS, QuotaExceeded, measure

NO_ROOM = "There is no room for more words here"
LITTLE_ROOM = "There is little room left here"
TOO_MANY = "twenty other versions of this letter wait"
LONG = "a" * 10_000


def sent(body: str, **more: Any) -> dict[str, str]:
    fields = {"id": uuid4(), "kind": "them", "body": body} | more
    return {name: str(value) for name, value in fields.items()}


@pytest.fixture
def full(alice: User) -> User:
    fill_rows(alice)
    return alice


# --- A full quota ----------------------------------------------------------------------------


def test_new_letter_with_a_full_quota_stays_on_the_page(as_alice: Client, full: User) -> None:
    page = as_alice.post("/journal/write/them/", sent("my new words"))
    script = as_alice.post(f"/journal/{uuid4()}/autosave/", sent("my new words"))

    assert (page.status_code, script.status_code) == (422, 422)
    assert NO_ROOM in page.text
    assert "my new words</textarea>" in page.text
    assert NO_ROOM in script.json()["said"]
    assert bodies(full) == []


def test_letter_is_saved_once_there_is_room(as_alice: Client, full: User) -> None:
    letter = sent("my new words")
    as_alice.post("/journal/write/them/", letter)
    empty(full)

    as_alice.post("/journal/write/them/", letter)

    assert bodies(full) == ["my new words"]


def test_draft_with_a_full_quota_can_be_corrected_and_not_made_longer(
    as_alice: Client, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "words of mine", now=now, revised_at=datetime.now(now.tzinfo))
    fill_bytes(alice)
    address = f"/journal/{draft.pk}/autosave/"

    shorter = as_alice.post(address, sent("words of min", version=1))
    longer = as_alice.post(address, sent("words of min" + LONG, version=2))

    assert (shorter.status_code, longer.status_code) == (200, 422)
    assert NO_ROOM in longer.json()["said"]
    draft.refresh_from_db()
    assert draft.version == 2
    assert words_of(draft, alice).body == "words of min"


def test_revision_with_a_full_quota_is_refused_with_the_words_it_is_for(
    as_alice: Client, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    fill_rows(alice)

    page = as_alice.post(f"/journal/{draft.pk}/edit/", sent("second", version=1))

    assert page.status_code == 422
    assert "second</textarea>" in page.text
    assert (words_of(draft, alice).body, earlier(draft, alice)) == ("first", [])


def test_repeat_of_a_saved_letter_is_confirmed_with_a_full_quota(
    as_alice: Client, alice: User
) -> None:
    letter = sent("words", waited="1")
    address = f"/journal/{letter['id']}/autosave/"
    first = as_alice.post(address, letter)
    fill_rows(alice)

    again = as_alice.post(address, letter)

    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    assert bodies(alice) == ["words"]


@pytest.mark.parametrize("fill", [fill_rows, fill_bytes])
def test_nearly_full_quota_is_told_and_everything_is_saved(
    as_alice: Client, alice: User, fill: Any
) -> None:
    fill(alice, (MAX_ROWS if fill is fill_rows else MAX_BYTES) * 4 // 5)

    script = as_alice.post(f"/journal/{uuid4()}/autosave/", sent("one"))
    page = as_alice.post("/journal/write/them/", sent("two"), follow=True)

    assert LITTLE_ROOM in script.json()["said"]
    assert LITTLE_ROOM in page.text
    assert sorted(bodies(alice)) == ["one", "two"]


def test_letters_with_late_versions_can_be_let_go_with_a_full_quota(
    alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "mine", now=now)
    Revision.add(alice, draft, Words("", "late"), late=True, now=now)
    fill_rows(alice)

    letter_actions.let_go(person=alice, letter=draft, leaves_line=False, now=now)

    assert sorted(bodies(alice)) == ["late", "mine"]


def test_letting_go_and_bringing_back_stores_late_versions_once(
    as_alice: Client, alice: User, contested: Letter
) -> None:
    fill_rows(alice)
    before = measure(alice.pk)

    as_alice.post(f"/journal/{contested.pk}/let-go/")
    as_alice.post(f"/journal/{contested.pk}/bring-back/")

    assert measure(alice.pk).rows == before.rows
    late = [f"late {number}" for number in range(MAX_LATE_REVISIONS)]
    assert sorted(bodies(alice)) == sorted([*late, "mine"])
    assert earlier(contested, alice) == []


@pytest.mark.parametrize("fill", [fill_rows, fill_bytes])
def test_restoring_with_a_full_quota_keeps_both_where_they_are(
    as_alice: Client, alice: User, now: datetime, fill: Any
) -> None:
    draft = a_draft(alice, "mine", now=now)
    other = Revision.add(alice, draft, Words("", LONG), now=now)
    fill(alice)
    before = measure(alice.pk)
    address = f"/journal/{draft.pk}/versions/{other.pk}/"

    page = as_alice.post(address, {"keep": "other", "version": "1"}, follow=True)

    assert page.redirect_chain == [(address, 302)]
    assert "There is no room for another version" in page.text
    assert measure(alice.pk) == before
    assert (bodies(alice), earlier(draft, alice)) == (["mine"], [LONG])
    empty(alice)
    as_alice.post(address, {"keep": "other", "version": "1"})
    assert (bodies(alice), "mine" in earlier(draft, alice)) == ([LONG], True)


def test_keeping_both_with_a_full_quota_keeps_both_where_they_are(
    as_alice: Client, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "mine", now=now)
    late = Revision.add(alice, draft, Words("", "late"), late=True, now=now)
    fill_rows(alice)
    address = f"/journal/{draft.pk}/versions/{late.pk}/"

    page = as_alice.post(address, {"keep": "both", "version": "1"}, follow=True)

    assert page.redirect_chain == [(address, 302)]
    assert "There is no room for another draft" in page.text
    assert (bodies(alice), earlier(draft, alice, late=True)) == (["mine"], ["late"])
    ref = RevisionRef(person=alice, letter_id=draft.pk, revision_id=late.pk)
    with pytest.raises(QuotaExceeded):
        conflict_resolution.keep_both(ref, now=now)


# --- Late versions ---------------------------------------------------------------------------


@pytest.fixture
def contested(alice: User, now: datetime) -> Letter:
    """A draft with as many late versions as may wait."""
    draft = a_draft(alice, "mine", now=now)
    for number in range(MAX_LATE_REVISIONS):
        Revision.add(alice, draft, Words("", f"late {number}"), late=True, now=now)
    return draft


def test_one_late_version_too_many_stays_on_the_page(
    as_alice: Client, alice: User, contested: Letter
) -> None:
    before = earlier(contested, alice)

    page = as_alice.post(f"/journal/{contested.pk}/edit/", sent("one more", version=7))
    script = as_alice.post(f"/journal/{contested.pk}/autosave/", sent("one more", version=7))

    assert (page.status_code, script.status_code) == (422, 422)
    assert TOO_MANY in page.text
    assert "one more</textarea>" in page.text
    assert f'href="/journal/{contested.pk}/versions/' in page.text
    assert TOO_MANY in script.json()["said"]
    assert (words_of(contested, alice).body, earlier(contested, alice)) == ("mine", before)


def test_late_version_is_saved_once_another_is_decided_about(
    as_alice: Client, alice: User, contested: Letter, now: datetime
) -> None:
    late = Revision.objects.of(alice).late().newest_first().first()
    conflict_resolution.dismiss(
        RevisionRef(person=alice, letter_id=contested.pk, revision_id=late.pk)
    )

    as_alice.post(f"/journal/{contested.pk}/autosave/", sent("one more", version=7))

    assert "one more" in earlier(contested, alice, late=True)


def test_page_that_has_a_late_version_goes_on_in_it(
    as_alice: Client, alice: User, contested: Letter
) -> None:
    own = Revision.objects.of(alice).late().newest_first().first()

    response = as_alice.post(
        f"/journal/{contested.pk}/autosave/", sent("goes on", version=7, revision=own.pk)
    )

    assert response.status_code == 409
    assert len(earlier(contested, alice)) == MAX_LATE_REVISIONS
    assert "goes on" in earlier(contested, alice, late=True)


def test_late_version_with_a_full_quota_is_refused(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "mine", now=now)
    fill_rows(alice)

    with pytest.raises(QuotaExceeded):
        save_words(person=alice, id=draft.pk, submission=Submission(Words("", "late"), 7), now=now)

    assert earlier(draft, alice) == []


# --- Long lists ------------------------------------------------------------------------------


@pytest.mark.parametrize(("page", "listed"), [(1, 20), (2, 20), (3, 1)])
def test_versions_of_a_letter_are_listed_in_pages(
    as_alice: Client,
    alice: User,
    contested: Letter,
    now: datetime,
    statements: Statements,
    page: int,
    listed: int,
) -> None:
    rows = [
        Revision.sealed_by(alice.key, Words("", "before"), letter=contested, now=now)
        for _ in range(21)
    ]
    Revision.objects.bulk_create(rows)
    alice.record_visit(now=datetime.now(now.tzinfo))
    address = f"/journal/{contested.pk}/versions/"

    with statements() as asked:
        html = as_alice.get(f"{address}?page={page}").text

    assert html.count(f'href="{address}') == listed
    assert len(asked) <= 6
