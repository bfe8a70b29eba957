"""No words that were sent are lost, and none overwrite others (ADR 25)."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.cache import cache
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import User
from journal import conflict_resolution, letter_actions
from journal.conflict_resolution import RevisionRef
from journal.expired_letters import delete_expired
from journal.models import (
    ENDED_IDS_STORED_FOR,
    MAX_ENDED_A_DAY,
    MAX_REVISIONS,
    REVISION_INTERVAL,
    EditSession,
    Ended,
    InvalidTransition,
    Letter,
    Revision,
    Words,
)
from journal.saving import LetterGone, Saved, SavedBeside, SavedInPlace, Superseded, save_words
from journal.submitted_letter import Submission
from tests.support.database import Statements
from tests.support.letters import a_draft, a_letter, bodies, earlier, words_of
from vault.key_ring import new_keyset
from vault.models import Key
from vault.rewrap import rewrap
from vault.storage_quota import MAX_ROWS

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def save(
    person: User,
    id: UUID,
    body: str,
    version: int = 0,
    *,
    now: datetime,
    revision: Revision | None = None,
    edit_session: EditSession | None = None,
    is_resent: bool = False,
) -> Saved:
    submission = Submission(
        Words("", body), version, revision and revision.pk, edit_session, is_resent=is_resent
    )
    return save_words(person=person, id=id, submission=submission, kind="them", now=now)


def save_beside(*args: Any, **kwargs: Any) -> Revision:
    """Save words that are expected to arrive after another page's."""
    saved = save(*args, **kwargs)
    assert isinstance(saved, SavedBeside)
    return saved.revision


def ref(person: User, letter: Letter, row: Revision) -> RevisionRef:
    return RevisionRef(person=person, letter_id=letter.pk, revision_id=row.pk)


def test_new_letter_becomes_a_draft(alice: User, now: datetime) -> None:
    id = uuid4()

    saved = save(alice, id, "first", now=now)

    assert isinstance(saved, SavedInPlace)
    assert (saved.letter.pk, saved.letter.version) == (Letter.stored_id(alice, id), 1)
    assert saved.letter.pk != id
    assert (saved.letter.state, saved.letter.kind) == ("draft", "them")
    assert bodies(alice) == ["first"]


def test_what_was_sent_twice_is_one_letter(alice: User, now: datetime) -> None:
    id = uuid4()
    save(alice, id, "first", now=now)

    again = save(alice, id, "first", now=now + MINUTE)

    assert isinstance(again, SavedInPlace)
    assert again.letter.version == 1
    assert bodies(alice) == ["first"]


def test_words_are_changed_if_they_name_the_current_version(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)

    saved = save(alice, draft.pk, "first, and more", 1, now=now + MINUTE)

    assert isinstance(saved, SavedInPlace)
    assert saved.letter.version == 2
    assert words_of(draft, alice).body == "first, and more"


def test_same_words_are_saved_whatever_version_they_name(alice: User, now: datetime) -> None:
    """The response to the first save was lost, so the page sends it again."""
    draft = a_draft(alice, "first", now=now)
    save(alice, draft.pk, "second", 1, now=now)

    again = save(alice, draft.pk, "second", 1, now=now)

    assert isinstance(again, SavedInPlace)
    assert again.letter.version == 2
    assert earlier(draft, alice, late=True) == []


def test_late_words_are_saved_beside_the_letter(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    save(alice, draft.pk, "from the desk", 1, now=now)

    saved = save(alice, draft.pk, "from the telephone", 1, now=now)

    assert isinstance(saved, SavedBeside)
    assert words_of(draft, alice).body == "from the desk"
    assert earlier(draft, alice, late=True) == ["from the telephone"]
    assert saved.letter.version == 2


def test_late_page_continues_in_its_own_revision(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    save(alice, draft.pk, "from the desk", 1, now=now)
    late = save_beside(alice, draft.pk, "from the", 1, now=now)

    more = save_beside(alice, draft.pk, "from the telephone", 1, revision=late, now=now)
    again = save_beside(alice, draft.pk, "from the telephone", 1, now=now)

    assert late == more == again
    assert earlier(draft, alice, late=True) == ["from the telephone"]


def test_two_late_devices_have_a_revision_each(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    save(alice, draft.pk, "from the desk", 1, now=now)

    save(alice, draft.pk, "from the telephone", 1, now=now)
    save(alice, draft.pk, "from the library", 1, now=now)

    assert sorted(earlier(draft, alice, late=True)) == ["from the library", "from the telephone"]


def test_page_follows_its_own_words(alice: User, now: datetime) -> None:
    """Its responses were lost, so it names an old version."""
    id, page = uuid4(), uuid4()
    save(alice, id, "one", 0, edit_session=EditSession(page, 1), now=now)
    save(alice, id, "one two", 0, edit_session=EditSession(page, 2), now=now)
    saved = save(alice, id, "one two three", 1, edit_session=EditSession(page, 3), now=now)

    assert isinstance(saved, SavedInPlace)
    assert bodies(alice) == ["one two three"]


def test_words_that_arrive_after_newer_ones_are_superseded(alice: User, now: datetime) -> None:
    id, page = uuid4(), uuid4()
    save(alice, id, "one", 0, edit_session=EditSession(page, 1), now=now)
    save(alice, id, "one two three", 1, edit_session=EditSession(page, 3), now=now)

    saved = save(alice, id, "one two", 1, edit_session=EditSession(page, 2), now=now)

    assert isinstance(saved, Superseded)
    assert saved.letter.version == 2
    assert bodies(alice) == ["one two three"]


@pytest.mark.parametrize("between", ["another page", "an earlier version", "a page without script"])
def test_page_does_not_follow_words_from_elsewhere(
    alice: User, now: datetime, between: str
) -> None:
    id, page = uuid4(), uuid4()
    draft = save(alice, id, "one", 0, edit_session=EditSession(page, 1), now=now).letter
    save(alice, id, "one two", 1, edit_session=EditSession(page, 2), now=now)
    if between == "another page":
        save(alice, id, "other", 2, edit_session=EditSession(uuid4(), 1), now=now)
    elif between == "a page without script":
        save(alice, id, "other", 2, now=now)
    else:
        row = Revision.objects.get()
        conflict_resolution.restore(ref(alice, draft, row), version=2, now=now)
    current = words_of(id, alice).body

    saved = save(alice, id, "one two three", 2, edit_session=EditSession(page, 3), now=now)

    assert isinstance(saved, SavedBeside)
    assert words_of(id, alice).body == current != "one two three"
    assert earlier(draft, alice, late=True) == ["one two three"]


def test_unreadable_late_words_are_not_overwritten(alice: User, bob: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    save(alice, draft.pk, "late", 7, now=now)
    sealed = bytes(a_draft(bob, now=now).sealed)
    Revision.objects.update(sealed=sealed)

    later = save_beside(alice, draft.pk, "later", 7, now=now)

    assert later.open(alice.key).body == "later"
    assert sealed in {bytes(row.sealed) for row in Revision.objects.all()}


def test_late_page_of_a_kept_letter_continues_in_its_own_revision(
    alice: User, now: datetime
) -> None:
    """Of two open pages, the first has the separate draft, the other a late revision of that."""
    kept = a_letter(alice, "kept", now=now)
    separate = save(alice, kept.pk, "from the desk", 1, now=now)
    late = save(alice, kept.pk, "from", 1, now=now)
    assert isinstance(late, SavedBeside)
    assert (late.letter, late.is_separate) == (separate.letter, True)

    for body in ("from the", "from the telephone"):
        save(alice, kept.pk, body, 1, revision=late.revision, now=now)

    assert earlier(late.letter, alice, late=True) == ["from the telephone"]


def test_words_are_superseded_in_a_separate_draft_too(alice: User, now: datetime) -> None:
    kept, page = a_letter(alice, "kept", now=now), uuid4()
    save(alice, kept.pk, "kept, and more", 1, edit_session=EditSession(page, 2), now=now)

    saved = save(alice, kept.pk, "kept, and", 1, edit_session=EditSession(page, 1), now=now)

    assert isinstance(saved, Superseded)
    assert saved.is_separate
    assert sorted(bodies(alice)) == ["kept", "kept, and more"]


def test_separate_draft_that_is_kept_by_now_has_a_separate_draft(
    alice: User, now: datetime
) -> None:
    kept = a_letter(alice, "kept", now=now)
    save(alice, kept.pk, "kept, and", 1, now=now).letter.keep(now=now)

    saved, again = (save(alice, kept.pk, "kept, and more", 1, now=now) for _ in range(2))

    assert saved == again == SavedInPlace(letter=saved.letter, is_separate=True)
    assert sorted(bodies(alice)) == ["kept", "kept, and", "kept, and more"]


@pytest.mark.parametrize("state", ["kept", "sealed", "let_go"])
def test_words_for_a_letter_that_is_no_draft_any_more_become_a_separate_draft(
    alice: User, now: datetime, state: str
) -> None:
    letter = a_letter(
        alice, "before", now=now, state=state, opens_on=now.date(), let_go_at=now, kind="quiet"
    )

    saved = save(alice, letter.pk, "before, and more", 1, now=now + MINUTE)
    again = save(alice, letter.pk, "before, and more", 1, now=now + MINUTE)

    assert saved == again == SavedInPlace(letter=saved.letter, is_separate=True)
    assert saved.letter != letter
    assert (saved.letter.state, saved.letter.kind) == ("draft", "quiet")
    assert words_of(letter, alice).body == "before"
    assert words_of(saved.letter, alice).body == "before, and more"


def test_words_of_a_draft_that_was_thrown_away_are_not_stored(alice: User, now: datetime) -> None:
    """They are still on the writer's screen."""
    with pytest.raises(LetterGone):
        save(alice, uuid4(), "words", 3, now=now)

    assert bodies(alice) == []


def test_resent_words_do_not_create_an_ended_letter_again(alice: User, now: datetime) -> None:
    """The page never received the response, and the writer has ended the letter since."""
    thrown, gone = a_draft(alice, now=now), a_draft(alice, now=now)
    letter_actions.throw_away(person=alice, letter=thrown, now=now)
    gone.let_go(leaves_line=False, now=now)
    delete_expired(now=now + 10 * MINUTE)

    for letter in (thrown, gone):
        with pytest.raises(LetterGone):
            save(alice, letter.pk, "words", now=now + DAY, is_resent=True)
    assert bodies(alice) == []
    save(alice, uuid4(), "sent for the first time", now=now + DAY, is_resent=True)
    assert bodies(alice) == ["sent for the first time"]


@pytest.mark.parametrize("is_let_go", [True, False])
def test_ended_letters_that_are_remembered_are_bounded_for_each_person(
    alice: User, bob: User, now: datetime, is_let_go: bool
) -> None:
    def end(person: User, count: int, at: datetime) -> None:
        plain = {"state": "let_go", "let_go_at": at - HOUR} if is_let_go else {"state": "draft"}
        for _ in range(count):
            letter = a_letter(person, now=at, **plain)
            if not is_let_go:
                letter_actions.throw_away(person=person, letter=letter, now=at)
        delete_expired(now=at)

    cache.clear()
    end(alice, MAX_ENDED_A_DAY - 1, now)
    end(alice, 3, now)
    assert Ended.objects.count() == MAX_ENDED_A_DAY
    end(bob, 1, now)
    end(alice, 1, now + DAY)

    assert Ended.objects.count() == MAX_ENDED_A_DAY + 2
    assert not Letter.objects.exists()
    assert ENDED_IDS_STORED_FOR // DAY * MAX_ENDED_A_DAY <= MAX_ROWS


def test_ended_letter_is_remembered_for_a_while_without_its_owner_or_id(
    alice: User, bob: User, now: datetime
) -> None:
    draft = a_draft(alice, now=now)
    letter_actions.throw_away(person=alice, letter=draft, now=now)

    ended = Ended.id_of(alice, draft.pk)
    assert Ended.objects.values().get() == {"id": ended, "ended_at": now}
    assert (
        len({ended, draft.pk, Ended.id_of(bob, draft.pk), Letter.stored_id(alice, draft.pk)}) == 4
    )
    delete_expired(now=now + ENDED_IDS_STORED_FOR - MINUTE)
    assert Ended.objects.exists()
    delete_expired(now=now + ENDED_IDS_STORED_FOR)
    assert not Ended.objects.exists()


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("is_emptied", [False, True], ids=["row", "line"])
def test_expired_letter_is_gone_although_its_row_exists(
    alice: User, now: datetime, is_emptied: bool, version: int
) -> None:
    page_id = uuid4()
    gone = a_letter(alice, id=Letter.stored_id(alice, page_id), now=now)
    gone.let_go(leaves_line=True, now=now)
    later = now + 10 * MINUTE
    if is_emptied:
        delete_expired(now=later)

    with pytest.raises(LetterGone):
        save(alice, page_id, "words", version, now=later)

    assert Letter.objects.count() == 1


def test_no_revision_of_a_letter_that_was_let_go_can_be_chosen(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "now", now=now)
    row = Revision.add(alice, draft, Words("", "before"), now=now)
    draft.let_go(leaves_line=False, now=now)
    revision = ref(alice, draft, row)

    for choose in (
        lambda: conflict_resolution.keep_both(revision, now=now),
        lambda: conflict_resolution.restore(revision, version=1, now=now),
        lambda: conflict_resolution.dismiss(revision),
    ):
        with pytest.raises(InvalidTransition):
            choose()

    assert bodies(alice) == ["now"]


@pytest.mark.parametrize("is_resent", [True, False])
def test_words_sent_again_find_a_letter_that_an_earlier_release_saved(
    alice: User, now: datetime, is_resent: bool
) -> None:
    """It is stored under the id of its page. Its device has not read the answer, or the form was
    posted once more by going back."""
    id = uuid4()
    before = a_draft(alice, "first", id=id, now=now)

    saved = save(alice, id, "first", now=now + DAY, is_resent=is_resent)
    assert saved == SavedInPlace(letter=before)
    assert bodies(alice) == ["first"]

    letter_actions.throw_away(person=alice, letter=before, now=now + DAY)
    with pytest.raises(LetterGone):
        save(alice, id, "first", now=now + DAY, is_resent=True)
    assert bodies(alice) == []


def _verbs(sent: list[str]) -> list[str]:
    """Statements without the values in them."""
    return [sql.partition(" ")[0] for sql in sent]


@pytest.mark.parametrize("fate", ["draft", "kept", "line", "thrown away", "expired", "none"])
@pytest.mark.parametrize("is_resent", [False, True])
@pytest.mark.parametrize("version", [0, 1])
def test_id_of_another_persons_letter_is_as_good_as_any_other(
    alice: User,
    bob: User,
    now: datetime,
    statements: Statements,
    fate: str,
    is_resent: bool,
    version: int,
) -> None:
    """Neither its page's id nor its own tells whether there is or was such a letter."""
    page_id = uuid4()
    hers = save(alice, page_id, "hers", now=now).letter
    if fate == "kept":
        hers.keep(now=now)
    elif fate == "thrown away":
        letter_actions.throw_away(person=alice, letter=hers, now=now)
    elif fate in {"line", "expired"}:
        hers.let_go(leaves_line=fate == "line", now=now)
        delete_expired(now=now + 10 * MINUTE)
    elif fate == "none":
        hers.delete()

    # Read once, as with the session of a request.
    assert bob.key

    def attempt(id: UUID) -> tuple[object, list[str]]:
        with statements() as sent:
            try:
                saved = save(bob, id, "his", version, now=now, is_resent=is_resent)
            except LetterGone:
                return LetterGone, _verbs(sent)
        repeated = save(bob, id, "his", version, now=now, is_resent=is_resent)
        assert saved == repeated == SavedInPlace(letter=saved.letter)
        assert saved.letter.pk == Letter.stored_id(bob, id) != id
        return SavedInPlace, _verbs(sent)

    expected = attempt(uuid4())
    assert expected[0] is (LetterGone if version else SavedInPlace)
    for id in (page_id, hers.pk or Letter.stored_id(alice, page_id)):
        assert attempt(id) == expected
    assert bodies(bob) == ([] if version else ["his"] * 3)


def test_ids_outlive_the_secret_key_and_the_master_keys(
    alice: User, now: datetime, settings: Settings
) -> None:
    """A device may send its words again after an operator has changed both."""
    kept, gone = uuid4(), uuid4()
    letter = save(alice, kept, "kept", now=now).letter
    letter_actions.throw_away(
        person=alice, letter=save(alice, gone, "gone", now=now).letter, now=now
    )

    settings.SECRET_KEY = "another one"
    settings.VAULT_KEYS = f"k2:{new_keyset()},{settings.VAULT_KEYS}"
    assert rewrap().rewrapped == 1
    settings.VAULT_KEYS = settings.VAULT_KEYS.partition(",")[0]
    alice = User.objects.get(pk=alice.pk)

    assert save(alice, kept, "kept", now=now, is_resent=True).letter == letter
    with pytest.raises(LetterGone):
        save(alice, gone, "gone", now=now, is_resent=True)
    assert bodies(alice) == ["kept"]


def test_letter_is_gone_on_time_also_while_the_key_cannot_be_opened(
    alice: User, now: datetime
) -> None:
    a_draft(alice, now=now).let_go(leaves_line=False, now=now)
    Key.objects.update(kek="away")

    assert delete_expired(now=now + 10 * MINUTE) == 1

    assert not Letter.objects.exists()
    assert not Ended.objects.exists()


def test_unreadable_letter_is_not_overwritten(alice: User, bob: User, now: datetime) -> None:
    draft = a_draft(alice, now=now)
    sealed = bytes(a_draft(bob, now=now).sealed)
    Letter.objects.filter(pk=draft.pk).update(sealed=sealed)

    saved = save(alice, draft.pk, "other words", 1, now=now)

    assert bytes(Letter.objects.get(pk=draft.pk).sealed) == sealed
    assert saved == SavedInPlace(letter=saved.letter, is_separate=True)
    assert saved.letter != draft
    assert words_of(saved.letter, alice).body == "other words"


# --- Earlier versions ----------------------------------------------------------------------


def test_earlier_versions_are_stored_every_few_minutes(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "one", now=now)
    save(alice, draft.pk, "one two", 1, now=now)
    save(alice, draft.pk, "one two three", 2, now=now + MINUTE)
    save(alice, draft.pk, "one two three four", 3, now=now + REVISION_INTERVAL)

    assert earlier(draft, alice) == ["one two three", "one"]


def test_earlier_version_is_always_stored_if_most_words_go(alice: User, now: datetime) -> None:
    """Everything was selected and one key pressed by mistake."""
    draft = a_draft(alice, "short", now=now)
    save(alice, draft.pk, "a whole evening of words", 1, now=now)

    save(alice, draft.pk, "x", 2, now=now + MINUTE)

    assert earlier(draft, alice)[0] == "a whole evening of words"


@pytest.mark.parametrize(
    ("after", "is_stored"),
    [
        ("Other words, as many as before.", True),
        ("A whole", True),
        ("A whole evening of words, and then some.", False),
        ("And then: a whole evening of words.", False),
        ("A whole evening, or two, of words.", False),
    ],
)
def test_unchanged_words_decide_and_not_the_length(
    alice: User, now: datetime, after: str, is_stored: bool
) -> None:
    draft = a_draft(alice, "short", now=now)
    before = "A whole evening of words."
    save(alice, draft.pk, before, 1, now=now)

    save(alice, draft.pk, after, 2, now=now + MINUTE)

    assert (earlier(draft, alice)[0] == before) is is_stored


def test_new_version_is_stored_after_the_clock_was_set_back(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "0", now=now)
    for number in range(1, 30):
        save(alice, draft.pk, f"{number}", number, now=now + number * REVISION_INTERVAL)

    save(alice, draft.pk, "x", 30, now=now - timedelta(days=1))

    assert "29" in earlier(draft, alice)
    assert len(earlier(draft, alice)) == MAX_REVISIONS


def test_twenty_earlier_versions_are_stored_and_no_late_one_is_deleted(
    alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "0", now=now)
    save(alice, draft.pk, "late", 7, now=now)

    for number in range(1, 30):
        save(alice, draft.pk, f"{number}", number, now=now + number * REVISION_INTERVAL)

    assert earlier(draft, alice, late=False) == [
        str(28 - number) for number in range(MAX_REVISIONS)
    ]
    assert earlier(draft, alice, late=True) == ["late"]


def test_earlier_version_is_restored_and_current_words_become_one(
    alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    save(alice, draft.pk, "second", 1, now=now)
    row = Revision.objects.get()

    conflict_resolution.restore(ref(alice, draft, row), version=2, now=now)

    assert words_of(draft, alice).body == "first"
    assert sorted(earlier(draft, alice)) == ["first", "second"]


def test_oldest_of_twenty_versions_is_restored(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "0", now=now)
    for number in range(1, MAX_REVISIONS + 1):
        save(alice, draft.pk, f"{number}", number, now=now + number * REVISION_INTERVAL)
    oldest = Revision.objects.newest_first().last()

    conflict_resolution.restore(ref(alice, draft, oldest), version=MAX_REVISIONS + 1, now=now)

    assert words_of(draft, alice).body == "0"
    assert f"{MAX_REVISIONS}" in earlier(draft, alice)


def test_no_version_is_restored_over_newer_words(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    save(alice, draft.pk, "second", 1, now=now)
    first = Revision.objects.get()
    save(alice, draft.pk, "third, unseen", 2, now=now)

    with pytest.raises(InvalidTransition):
        conflict_resolution.restore(ref(alice, draft, first), version=2, now=now)

    assert words_of(draft, alice).body == "third, unseen"


def test_both_are_kept_as_letters_once(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    save(alice, draft.pk, "second", 1, now=now)
    late = save_beside(alice, draft.pk, "other", 1, now=now)

    other = conflict_resolution.keep_both(ref(alice, draft, late), now=now)
    again = conflict_resolution.keep_both(ref(alice, draft, late), now=now)

    assert other == again
    assert sorted(bodies(alice)) == ["other", "second"]
    assert earlier(draft, alice, late=True) == []


def test_dismissed_words_become_an_earlier_version(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    late = save_beside(alice, draft.pk, "other", 5, now=now)

    conflict_resolution.dismiss(ref(alice, draft, late))

    assert words_of(draft, alice).body == "first"
    assert (earlier(draft, alice), earlier(draft, alice, late=True)) == (["other"], [])


def test_late_words_become_a_draft_when_their_letter_is_sealed(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    save(alice, draft.pk, "second", 1, now=now)
    save(alice, draft.pk, "from the telephone", 1, now=now)
    draft.refresh_from_db()

    letter_actions.seal(
        person=alice, letter=draft, day=now.date() + timedelta(days=9), tell_hour=None, now=now
    )

    assert not Revision.objects.exists()
    assert sorted(bodies(alice)) == ["from the telephone", "second"]


def test_late_words_become_a_draft_when_their_letter_is_let_go(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    save(alice, draft.pk, "from the telephone", 7, now=now)

    letter_actions.let_go(person=alice, letter=draft, leaves_line=False, now=now)
    delete_expired(now=now + 10 * MINUTE)

    assert bodies(alice) == ["from the telephone"]


def test_late_words_become_a_draft_when_their_letter_is_thrown_away(
    alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    save(alice, draft.pk, "from the telephone", 7, now=now)

    letter_actions.throw_away(person=alice, letter=draft, now=now)

    assert bodies(alice) == ["from the telephone"]


def test_unreadable_late_words_stay_when_their_letter_is_sealed(
    alice: User, bob: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    save(alice, draft.pk, "late", 7, now=now)
    Revision.objects.update(sealed=bytes(a_draft(bob, now=now).sealed))

    letter_actions.seal(
        person=alice, letter=draft, day=now.date() + timedelta(days=9), tell_hour=None, now=now
    )

    assert (Revision.objects.count(), bodies(alice)) == (1, ["first"])


# --- Costs, and any words ------------------------------------------------------------------


@pytest.mark.parametrize("many", [1, 100])
def test_statements_of_a_save_do_not_grow(
    alice: User, now: datetime, statements: Statements, many: int
) -> None:
    for _ in range(many):
        a_draft(alice, now=now)
    draft = a_draft(alice, "one", now=now)
    for number in range(1, 25):
        save(alice, draft.pk, str(number), number, now=now + number * REVISION_INTERVAL)

    with statements() as new:
        save(alice, uuid4(), "new", now=now)
    with statements() as changed:
        save(alice, draft.pk, "24, and more", 25, now=now + 24 * REVISION_INTERVAL + MINUTE)
    with statements() as revised:
        save(alice, draft.pk, "24, and much more", 26, now=now + 99 * REVISION_INTERVAL)

    asked = [[sql for sql in found if "SAVEPOINT" not in sql] for found in (new, changed, revised)]
    assert [len(found) for found in asked] == [3, 2, 5]


any_words = st.builds(
    Words,
    to=st.text(st.characters(codec="utf-8"), max_size=20),
    body=st.text(st.characters(codec="utf-8")),
)


@hypothesis_settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=any_words, second=any_words, third=any_words)
def test_any_words_come_back_as_they_were(
    alice: User, now: datetime, first: Words, second: Words, third: Words
) -> None:
    """Through a draft, an earlier version, late words, and back."""
    id = uuid4()
    for version, words in enumerate((first, second)):
        submission = Submission(words, version)
        save_words(person=alice, id=id, submission=submission, kind="them", now=now)
    letter = Letter.objects.get(pk=Letter.stored_id(alice, id))
    late = save_words(person=alice, id=id, submission=Submission(third, 99), now=now)

    assert words_of(id, alice) == second
    if isinstance(late, SavedBeside):
        assert late.revision.open(alice.key) == third
        conflict_resolution.restore(
            ref(alice, letter, late.revision), version=letter.version, now=now
        )
        assert words_of(id, alice) == third
