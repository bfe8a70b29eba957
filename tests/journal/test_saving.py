"""No word that was sent is ever lost, and none is ever written over another."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import User
from journal import actions
from journal.actions import RevisionRef, Saved, Sheet, ThrownAway
from journal.models import (
    REMEMBERED,
    REVISION_GRAIN,
    REVISIONS,
    EditSession,
    Ended,
    Letter,
    NotNow,
    Revision,
    Words,
)
from tests.conftest import Statements
from tests.support.letters import a_draft, a_letter, bodies, earlier, words_of

pytestmark = pytest.mark.django_db

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def save(
    person: User,
    id: UUID,
    body: str,
    version: int = 0,
    *,
    now: datetime,
    revision: Revision | None = None,
    sitting: EditSession | None = None,
    has_waited: bool = False,
) -> Saved:
    at = revision and revision.pk
    sheet = Sheet(Words("", body), version, at, sitting, has_waited=has_waited)
    return actions.save_words(person=person, id=id, sheet=sheet, kind="them", now=now)


def which(person: User, letter: Letter, row: Revision | None) -> RevisionRef:
    assert row is not None
    return RevisionRef(person=person, id=letter.pk, revision=row.pk)


def test_new_paper_becomes_a_draft(alice: User, now: datetime) -> None:
    id = uuid4()

    saved = save(alice, id, "first", now=now)

    assert (saved.letter.pk, saved.letter.version, saved.revision) == (id, 1, None)
    assert (saved.letter.state, saved.letter.kind) == ("draft", "them")
    assert bodies(alice) == ["first"]


def test_what_was_sent_twice_is_one_letter(alice: User, now: datetime) -> None:
    id = uuid4()
    save(alice, id, "first", now=now)

    again = save(alice, id, "first", now=now + MINUTE)

    assert (again.letter.version, again.revision) == (1, None)
    assert bodies(alice) == ["first"]


def test_words_are_changed_from_the_version_they_began_with(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)

    saved = save(alice, draft.pk, "first, and more", 1, now=now + MINUTE)

    assert (saved.letter.version, saved.revision) == (2, None)
    assert words_of(draft, alice).body == "first, and more"


def test_same_words_are_fine_whatever_version_they_name(alice: User, now: datetime) -> None:
    """The answer to the first save was lost on the way, so it is sent again."""
    draft = a_draft(alice, "first", now=now)
    save(alice, draft.pk, "second", 1, now=now)

    again = save(alice, draft.pk, "second", 1, now=now)

    assert (again.letter.version, again.revision) == (2, None)
    assert earlier(draft, alice, late=True) == []


def test_words_that_come_too_late_are_kept_beside(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    save(alice, draft.pk, "from the desk", 1, now=now)

    late = save(alice, draft.pk, "from the telephone", 1, now=now)

    assert words_of(draft, alice).body == "from the desk"
    assert earlier(draft, alice, late=True) == ["from the telephone"]
    assert late.letter.version == 2


def test_paper_that_came_too_late_goes_on_in_its_own_row(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    save(alice, draft.pk, "from the desk", 1, now=now)
    late = save(alice, draft.pk, "from the", 1, now=now)

    on = save(alice, draft.pk, "from the telephone", 1, revision=late.revision, now=now)
    again = save(alice, draft.pk, "from the telephone", 1, now=now)

    assert on.revision == late.revision == again.revision
    assert earlier(draft, alice, late=True) == ["from the telephone"]


def test_two_devices_that_came_too_late_have_a_row_each(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    save(alice, draft.pk, "from the desk", 1, now=now)

    save(alice, draft.pk, "from the telephone", 1, now=now)
    save(alice, draft.pk, "from the library", 1, now=now)

    assert sorted(earlier(draft, alice, late=True)) == ["from the library", "from the telephone"]


def test_what_one_page_sends_follows_what_it_sent_before(alice: User, now: datetime) -> None:
    """Its answers were lost, so it names a version that is over."""
    id, page = uuid4(), uuid4()
    save(alice, id, "one", 0, sitting=EditSession(page, 1), now=now)
    save(alice, id, "one two", 0, sitting=EditSession(page, 2), now=now)
    saved = save(alice, id, "one two three", 1, sitting=EditSession(page, 3), now=now)

    assert saved.revision is None
    assert bodies(alice) == ["one two three"]


def test_what_a_page_sent_first_and_comes_last_is_overtaken(alice: User, now: datetime) -> None:
    id, page = uuid4(), uuid4()
    save(alice, id, "one", 0, sitting=EditSession(page, 1), now=now)
    save(alice, id, "one two three", 1, sitting=EditSession(page, 3), now=now)

    saved = save(alice, id, "one two", 1, sitting=EditSession(page, 2), now=now)

    assert (saved.revision, saved.letter.version) == (None, 2)
    assert bodies(alice) == ["one two three"]


@pytest.mark.parametrize("between", ["another page", "an earlier version", "nobody known"])
def test_page_does_not_follow_what_others_put_in_the_letter(
    alice: User, now: datetime, between: str
) -> None:
    id, page = uuid4(), uuid4()
    draft = save(alice, id, "one", 0, sitting=EditSession(page, 1), now=now).letter
    save(alice, id, "one two", 1, sitting=EditSession(page, 2), now=now)
    if between == "another page":
        save(alice, id, "other", 2, sitting=EditSession(uuid4(), 1), now=now)
    elif between == "nobody known":
        save(alice, id, "other", 2, now=now)
    else:
        row = Revision.objects.get()
        actions.put_back(which(alice, draft, row), version=2, now=now)
    stands = words_of(id, alice).body

    saved = save(alice, id, "one two three", 2, sitting=EditSession(page, 3), now=now)

    assert saved.revision is not None
    assert words_of(id, alice).body == stands != "one two three"
    assert earlier(draft, alice, late=True) == ["one two three"]


def test_late_words_that_do_not_open_hold_nothing_up(alice: User, bob: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    save(alice, draft.pk, "late", 7, now=now)
    sealed = bytes(a_draft(bob, now=now).sealed)
    Revision.objects.update(sealed=sealed)

    saved = save(alice, draft.pk, "later", 7, now=now)

    assert saved.revision is not None
    assert saved.revision.open(alice.key).body == "later"
    assert sealed in {bytes(row.sealed) for row in Revision.objects.all()}


def test_paper_of_a_closed_letter_goes_on_in_its_own_row(alice: User, now: datetime) -> None:
    """Two pages of it are open: the first has its draft, the other a row beside that."""
    kept = a_letter(alice, "closed", now=now)
    save(alice, kept.pk, "from the desk", 1, now=now)
    late = save(alice, kept.pk, "from", 1, now=now)

    for body in ("from the", "from the telephone"):
        save(alice, kept.pk, body, 1, revision=late.revision, now=now)

    assert earlier(late.letter, alice, late=True) == ["from the telephone"]


@pytest.mark.parametrize("state", ["kept", "sealed", "let_go"])
def test_words_for_a_letter_that_was_closed_meanwhile_become_a_draft(
    alice: User, now: datetime, state: str
) -> None:
    closed = a_letter(
        alice, "closed", now=now, state=state, opens_on=now.date(), let_go_at=now, kind="quiet"
    )

    saved = save(alice, closed.pk, "closed, and more", 1, now=now + MINUTE)
    again = save(alice, closed.pk, "closed, and more", 1, now=now + MINUTE)

    assert saved.letter == again.letter != closed
    assert (saved.letter.state, saved.letter.kind) == ("draft", "quiet")
    assert words_of(closed, alice).body == "closed"
    assert words_of(saved.letter, alice).body == "closed, and more"


def test_words_of_a_draft_that_was_thrown_away_are_not_stored(alice: User, now: datetime) -> None:
    """Whoever sent them still has them on the screen."""
    with pytest.raises(ThrownAway):
        save(alice, uuid4(), "words", 3, now=now)

    assert bodies(alice) == []


def test_words_that_waited_on_a_device_begin_no_letter_anew(alice: User, now: datetime) -> None:
    """Its page never heard that they were kept, and its writer has ended the letter since."""
    thrown, gone = a_draft(alice, now=now), a_draft(alice, now=now)
    actions.throw_away(person=alice, letter=thrown, now=now)
    gone.let_go(leaves_line=False, now=now)
    actions.let_go_for_good(now=now + 10 * MINUTE)

    for letter in (thrown, gone):
        with pytest.raises(ThrownAway):
            save(alice, letter.pk, "words", now=now + DAY, has_waited=True)
    assert bodies(alice) == []
    save(alice, uuid4(), "never came", now=now + DAY, has_waited=True)
    assert bodies(alice) == ["never came"]


def test_it_is_known_for_a_while_that_there_was_a_letter_and_not_whose(
    alice: User, now: datetime
) -> None:
    draft = a_draft(alice, now=now)
    actions.throw_away(person=alice, letter=draft, now=now)

    assert Ended.objects.values().get() == {"id": draft.pk, "ended_at": now}
    actions.let_go_for_good(now=now + REMEMBERED - MINUTE)
    assert Ended.objects.exists()
    actions.let_go_for_good(now=now + REMEMBERED)
    assert not Ended.objects.exists()


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("is_late", [True, False], ids=["row", "line"])
def test_letter_that_nothing_brings_back_is_gone_though_its_row_is_still_there(
    alice: User, now: datetime, is_late: bool, version: int
) -> None:
    gone = a_letter(alice, now=now)
    gone.let_go(leaves_line=True, now=now)
    later = now + 10 * MINUTE
    if not is_late:
        actions.let_go_for_good(now=later)

    with pytest.raises(ThrownAway):
        save(alice, gone.pk, "words", version, now=later)

    assert Letter.objects.count() == 1


def test_nothing_is_chosen_beside_a_letter_that_was_let_go(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "now", now=now)
    row = Revision.keep(alice, draft, Words("", "before"), now=now)
    draft.let_go(leaves_line=False, now=now)
    chosen = which(alice, draft, row)

    for choose in (
        lambda: actions.keep_both(chosen, now=now),
        lambda: actions.put_back(chosen, version=1, now=now),
        lambda: actions.leave_as_it_is(chosen),
    ):
        with pytest.raises(NotNow):
            choose()

    assert bodies(alice) == ["now"]


def test_id_of_somebody_elses_letter_makes_a_letter_of_ones_own(
    alice: User, bob: User, now: datetime
) -> None:
    hers = a_draft(alice, "hers", now=now)

    saved = save(bob, hers.pk, "his", now=now)

    assert saved.letter.pk != hers.pk
    assert (bodies(alice), bodies(bob)) == (["hers"], ["his"])


def test_letter_that_does_not_open_is_not_written_over(
    alice: User, bob: User, now: datetime
) -> None:
    draft = a_draft(alice, now=now)
    sealed = bytes(a_draft(bob, now=now).sealed)
    Letter.objects.filter(pk=draft.pk).update(sealed=sealed)

    saved = save(alice, draft.pk, "over it", 1, now=now)

    assert bytes(Letter.objects.get(pk=draft.pk).sealed) == sealed
    assert (saved.letter.pk != draft.pk, saved.is_apart) == (True, True)
    assert words_of(saved.letter, alice).body == "over it"


# --- Earlier versions ----------------------------------------------------------------------


def test_earlier_versions_are_kept_now_and_then(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "one", now=now)
    save(alice, draft.pk, "one two", 1, now=now)
    save(alice, draft.pk, "one two three", 2, now=now + MINUTE)
    save(alice, draft.pk, "one two three four", 3, now=now + REVISION_GRAIN)

    assert earlier(draft, alice) == ["one two three", "one"]


def test_much_that_is_about_to_go_is_always_kept(alice: User, now: datetime) -> None:
    """Everything marked, and one key pressed by mistake."""
    draft = a_draft(alice, "short", now=now)
    save(alice, draft.pk, "a whole evening of words", 1, now=now)

    save(alice, draft.pk, "x", 2, now=now + MINUTE)

    assert earlier(draft, alice)[0] == "a whole evening of words"


@pytest.mark.parametrize(
    ("after", "is_kept"),
    [
        ("Other words, as many as before.", True),
        ("A whole", True),
        ("A whole evening of words, and then some.", False),
        ("And then: a whole evening of words.", False),
        ("A whole evening, or two, of words.", False),
    ],
)
def test_what_stays_decides_and_not_how_long_it_is(
    alice: User, now: datetime, after: str, is_kept: bool
) -> None:
    draft = a_draft(alice, "short", now=now)
    before = "A whole evening of words."
    save(alice, draft.pk, before, 1, now=now)

    save(alice, draft.pk, after, 2, now=now + MINUTE)

    assert (earlier(draft, alice)[0] == before) is is_kept


def test_clock_that_was_set_back_takes_no_version_away(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "0", now=now)
    for number in range(1, 30):
        save(alice, draft.pk, f"{number}", number, now=now + number * REVISION_GRAIN)

    save(alice, draft.pk, "x", 30, now=now - timedelta(days=1))

    assert "29" in earlier(draft, alice)
    assert len(earlier(draft, alice)) == REVISIONS


def test_twenty_earlier_versions_are_kept_and_no_late_one_makes_room(
    alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "0", now=now)
    save(alice, draft.pk, "late", 7, now=now)

    for number in range(1, 30):
        save(alice, draft.pk, f"{number}", number, now=now + number * REVISION_GRAIN)

    assert earlier(draft, alice, late=False) == [str(28 - number) for number in range(REVISIONS)]
    assert earlier(draft, alice, late=True) == ["late"]


def test_earlier_words_are_put_back_and_what_stood_there_becomes_an_earlier_version(
    alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    save(alice, draft.pk, "second", 1, now=now)
    row = Revision.objects.get()

    actions.put_back(which(alice, draft, row), version=2, now=now)

    assert words_of(draft, alice).body == "first"
    assert sorted(earlier(draft, alice)) == ["first", "second"]


def test_oldest_of_twenty_versions_is_put_back(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "0", now=now)
    for number in range(1, REVISIONS + 1):
        save(alice, draft.pk, f"{number}", number, now=now + number * REVISION_GRAIN)
    oldest = Revision.objects.newest_first().last()
    assert oldest is not None

    actions.put_back(which(alice, draft, oldest), version=REVISIONS + 1, now=now)

    assert words_of(draft, alice).body == "0"
    assert f"{REVISIONS}" in earlier(draft, alice)


def test_nothing_is_put_back_over_words_that_were_not_seen(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    save(alice, draft.pk, "second", 1, now=now)
    save(alice, draft.pk, "third, unseen", 2, now=now)

    with pytest.raises(NotNow):
        actions.put_back(which(alice, draft, Revision.objects.first()), version=2, now=now)

    assert words_of(draft, alice).body == "third, unseen"


def test_both_are_kept_as_letters_of_their_own_once(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    save(alice, draft.pk, "second", 1, now=now)
    late = save(alice, draft.pk, "other", 1, now=now).revision

    other = actions.keep_both(which(alice, draft, late), now=now)
    again = actions.keep_both(which(alice, draft, late), now=now)

    assert other == again
    assert sorted(bodies(alice)) == ["other", "second"]
    assert earlier(draft, alice, late=True) == []


def test_letter_is_left_as_it_is_and_the_other_is_an_earlier_version(
    alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    late = save(alice, draft.pk, "other", 5, now=now).revision

    actions.leave_as_it_is(which(alice, draft, late))

    assert words_of(draft, alice).body == "first"
    assert (earlier(draft, alice), earlier(draft, alice, late=True)) == (["other"], [])


def test_words_nobody_has_decided_about_outlive_the_sealing(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    save(alice, draft.pk, "second", 1, now=now)
    save(alice, draft.pk, "from the telephone", 1, now=now)
    draft.refresh_from_db()

    actions.seal(
        person=alice, letter=draft, day=now.date() + timedelta(days=9), tell_hour=None, now=now
    )

    assert not Revision.objects.exists()
    assert sorted(bodies(alice)) == ["from the telephone", "second"]


def test_words_nobody_has_decided_about_are_not_let_go(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    save(alice, draft.pk, "from the telephone", 7, now=now)

    actions.let_go(person=alice, letter=draft, leaves_line=False, now=now)
    actions.let_go_for_good(now=now + 10 * MINUTE)

    assert bodies(alice) == ["from the telephone"]


def test_words_nobody_has_decided_about_are_not_thrown_away(alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    save(alice, draft.pk, "from the telephone", 7, now=now)

    actions.throw_away(person=alice, letter=draft, now=now)

    assert bodies(alice) == ["from the telephone"]


def test_late_words_that_do_not_open_stay_where_a_letter_is_sealed(
    alice: User, bob: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    save(alice, draft.pk, "late", 7, now=now)
    Revision.objects.update(sealed=bytes(a_draft(bob, now=now).sealed))

    actions.seal(
        person=alice, letter=draft, day=now.date() + timedelta(days=9), tell_hour=None, now=now
    )

    assert (Revision.objects.count(), bodies(alice)) == (1, ["first"])


# --- What it costs -------------------------------------------------------------------------


@pytest.mark.parametrize("many", [1, 100])
def test_statements_of_a_save_do_not_grow(
    alice: User, now: datetime, statements: Statements, many: int
) -> None:
    for _ in range(many):
        a_draft(alice, now=now)
    draft = a_draft(alice, "one", now=now)
    for number in range(1, 25):
        save(alice, draft.pk, str(number), number, now=now + number * REVISION_GRAIN)

    with statements() as new:
        save(alice, uuid4(), "new", now=now)
    with statements() as changed:
        save(alice, draft.pk, "24, and more", 25, now=now + 24 * REVISION_GRAIN + MINUTE)
    with statements() as revised:
        save(alice, draft.pk, "24, and much more", 26, now=now + 99 * REVISION_GRAIN)

    asked = [[sql for sql in found if "SAVEPOINT" not in sql] for found in (new, changed, revised)]
    assert [len(found) for found in asked] == [1, 2, 4]


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
    """Through a draft, an earlier version, words that came too late, and back."""
    id = uuid4()
    for version, words in enumerate((first, second)):
        actions.save_words(person=alice, id=id, sheet=Sheet(words, version), kind="them", now=now)
    letter = Letter.objects.get(pk=id)
    late = actions.save_words(person=alice, id=id, sheet=Sheet(third, 99), now=now).revision

    assert words_of(id, alice) == second
    if late:
        assert late.open(alice.key) == third
        actions.put_back(which(alice, letter, late), version=letter.version, now=now)
        assert words_of(id, alice) == third
