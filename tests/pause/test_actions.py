"""Begin, lengthen and end a pause, at any times and in any order."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.erasure import erase
from accounts.models import User
from pause import actions, tasks
from pause.models import ASKS_FOR, STORED_FOR, Pause
from tests.support.full_quota import fill_rows
from tests.support.pauses import a_pause, contents_of
from vault.models import Key
from vault.sealing import CannotOpen
from vault.storage_quota import QuotaExceeded, measure

MINUTE = timedelta(minutes=1)
PAGE = UUID("5b0f3a52-6a55-4a52-8f3f-1c1d5a5f7f10")


@pytest.mark.django_db(transaction=True)
def test_twenty_taps_at_once_make_one_pause(alice: User, now: datetime) -> None:
    def tap(number: int) -> UUID:
        try:
            # Half of them from a second device.
            page = PAGE if number % 2 else uuid4()
            return a_pause(User.objects.get(pk=alice.pk), "Are you there?", page=page, now=now).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as threads:
        made = set(threads.map(tap, range(20)))

    assert {row.pk for row in Pause.objects.all()} == made
    assert len(made) == 1
    assert contents_of(person=alice).words == "Are you there?"


def test_other_words_are_put_below_those_of_the_open_pause(alice: User, now: datetime) -> None:
    """From a second tab or device: no word is lost, and no second pause begins."""
    first = a_pause(alice, "one", trigger="a song", minutes=20, page=PAGE, now=now)

    for _ in range(2):
        second = a_pause(alice, "two", trigger="a photo", now=now + MINUTE)

    contents = contents_of(person=alice)
    assert second.pk == first.pk
    assert (contents.words, contents.trigger) == ("one\n\ntwo", "a song")
    assert str(PAGE) in contents.pages
    assert Pause.objects.get().ends_at == now + 20 * MINUTE


def test_words_beyond_what_fits_are_refused_and_named(alice: User, now: datetime) -> None:
    a_pause(alice, "a" * 60_000, now=now)

    with pytest.raises(actions.NoRoomForWords):
        a_pause(alice, "b" * 60_000, now=now)

    assert contents_of(person=alice).words == "a" * 60_000


def test_waiting_needs_no_words_and_asks_about_none(alice: User, now: datetime) -> None:
    row = a_pause(alice, "", now=now)
    assert not row.is_undecided

    a_pause(alice, "written on another page", now=now)

    assert Pause.objects.get().is_undecided


def test_page_that_is_sent_again_after_the_end_begins_nothing(alice: User, now: datetime) -> None:
    row = a_pause(alice, "words", page=PAGE, now=now)
    actions.end(person=alice, row=row, outcome="passed", now=now + MINUTE)

    assert a_pause(alice, "words", page=PAGE, now=now + 2 * MINUTE) == row
    other = a_pause(alice, "other words", page=PAGE, now=now + 2 * MINUTE)

    assert other != row
    assert {contents_of(each, person=alice).words for each in (row, other)} == {
        "words",
        "other words",
    }


def test_nobody_has_two_open_pauses(alice: User, bob: User, now: datetime) -> None:
    row = a_pause(alice, now=now)
    a_pause(bob, now=now)
    twin = Pause.sealed_by(
        alice.key,
        row.open(alice.key),
        began_at=now,
        ends_at=now + MINUTE,
        is_undecided=False,
        now=now,
    )

    with pytest.raises(IntegrityError, match="one_open_pause_per_person"):
        twin.save(force_insert=True)


def test_ten_minutes_are_added_once_for_each_page(alice: User, now: datetime) -> None:
    row = a_pause(alice, now=now)
    until = int(row.ends_at.timestamp())

    for _ in range(20):
        row.add_ten_minutes(until=until, now=now + MINUTE)

    assert (row.began_at, row.ends_at) == (now, now + 20 * MINUTE)


def test_wave_begins_again_when_it_is_over(alice: User, now: datetime) -> None:
    row, later = a_pause(alice, now=now), now + 30 * MINUTE

    row.add_ten_minutes(until=int(row.ends_at.timestamp()), now=later)

    row.refresh_from_db()
    assert (row.began_at, row.ends_at) == (later, later + 10 * MINUTE)
    assert row.created_at == now


def test_nothing_is_added_to_a_pause_that_has_ended(alice: User, now: datetime) -> None:
    row = a_pause(alice, now=now)
    actions.end(person=alice, row=row, outcome="still", now=now + MINUTE)

    row.add_ten_minutes(until=int(row.ends_at.timestamp()), now=now + MINUTE)

    assert row.ends_at == now + MINUTE


def test_first_end_stands(alice: User, now: datetime) -> None:
    """A page of another device may still show the water."""
    row = a_pause(alice, now=now)
    actions.end(person=alice, row=row, outcome="passed", now=now + MINUTE)
    actions.end(person=alice, row=row, outcome="sent", now=now + 5 * MINUTE)

    assert contents_of(person=alice).outcome == "passed"
    assert Pause.objects.get().ends_at == now + MINUTE


def test_end_that_is_said_late_was_when_the_time_was_over(alice: User, now: datetime) -> None:
    row = a_pause(alice, now=now)
    actions.end(person=alice, row=row, outcome="passed", now=now + timedelta(hours=5))

    assert Pause.objects.get().ends_at == now + 10 * MINUTE


def test_pause_that_nobody_came_back_to_makes_room_for_another(alice: User, now: datetime) -> None:
    first = a_pause(alice, "one", now=now)
    assert Pause.objects.of(alice).current(now + ASKS_FOR).get() == first
    later = now + 10 * MINUTE + ASKS_FOR
    assert not Pause.objects.of(alice).current(later).exists()

    second = a_pause(alice, "two", now=later)

    first.refresh_from_db()
    assert (first.is_open, first.ends_at) == (False, now + 10 * MINUTE)
    assert second != first
    assert contents_of(first, person=alice).words == "one"


def test_pause_that_cannot_be_opened_is_never_written_over(alice: User, now: datetime) -> None:
    first = a_pause(alice, "one", now=now)
    Pause.objects.update(sealed=b"damaged")

    second = a_pause(alice, "two", now=now)

    assert second != first
    assert bytes(Pause.objects.get(pk=first.pk).sealed) == b"damaged"
    assert contents_of(second, person=alice).words == "two"


def test_pause_ends_also_if_it_cannot_be_opened(alice: User, now: datetime) -> None:
    row = a_pause(alice, "one", now=now)
    row.sealed = b"damaged"
    row.save()

    actions.end(person=alice, row=row, outcome="passed", now=now)

    row.refresh_from_db()
    assert (row.is_open, bytes(row.sealed)) == (False, b"damaged")


def test_nothing_begins_while_the_key_does_not_open(alice: User, now: datetime) -> None:
    Key.objects.update(kek="k9")

    with pytest.raises(CannotOpen):
        a_pause(User.objects.get(pk=alice.pk), now=now)

    assert not Pause.objects.exists()


def test_full_quota_is_said_and_nothing_is_lost(alice: User, now: datetime) -> None:
    fill_rows(alice)

    with pytest.raises(QuotaExceeded):
        a_pause(alice, "one", now=now)

    assert not Pause.objects.exists()


def test_pauses_count_for_what_one_person_may_store(alice: User, bob: User, now: datetime) -> None:
    before = measure(alice.pk)
    row = a_pause(alice, "one", now=now)
    a_pause(bob, "his", now=now)

    use = measure(alice.pk)

    assert (use.rows, use.bytes) == (before.rows + 1, before.bytes + len(row.sealed))


def test_erasing_an_account_deletes_its_pauses(alice: User, bob: User, now: datetime) -> None:
    a_pause(alice, now=now)
    a_pause(bob, now=now)

    erase(person=alice, now=now)

    assert Pause.objects.get().owner == bob


def test_row_and_words_are_deleted_thirty_days_after_the_end(
    alice: User, bob: User, now: datetime
) -> None:
    row = a_pause(alice, now=now)
    a_pause(bob, now=now)
    actions.end(person=alice, row=row, outcome="sent", now=now + 4 * MINUTE)
    over = now + 4 * MINUTE + STORED_FOR

    assert actions.delete_old(now=over - timedelta(seconds=1)) == 0
    assert actions.delete_old(now=over) == 1
    assert Pause.objects.get().owner == bob
    # Nobody said how it ended.
    assert actions.delete_old(now=over + 6 * MINUTE) == 1


def test_beat_deletes_old_pauses(alice: User, now: datetime) -> None:
    a_pause(alice, now=now - timedelta(days=3650))

    tasks.delete_old()

    assert not Pause.objects.exists()


ZONES = ["UTC", "Europe/Dublin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]
# The clocks of these zones change in it, and Apia skipped a whole day.
MOMENTS = st.builds(
    lambda start, after: datetime(start, 1, 1, tzinfo=UTC) + after,
    st.sampled_from([2011, 2026]),
    st.timedeltas(timedelta(0), timedelta(days=730)),
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    at=MOMENTS,
    after=st.timedeltas(timedelta(0), timedelta(days=3)),
    zone=st.sampled_from(ZONES),
)
def test_words_are_shown_from_the_next_morning_on(
    at: datetime, after: timedelta, zone: str
) -> None:
    """Never on the day itself nor in the night after it, and always two days later."""
    person = User(time_zone=zone)
    row = Pause(created_at=at, began_at=at, ends_at=at + 10 * MINUTE, is_undecided=True)
    then, now = at.astimezone(person.zone), (at + after).astimezone(person.zone)

    shown = row.shows_words(person, at + after)

    if shown:
        assert now.date() > then.date()
        assert now.hour >= 5 or (now - then) > timedelta(hours=20)
        assert at + after >= row.ends_at
    elif after > timedelta(days=2, hours=7):
        raise AssertionError((then, now))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["begin", "begin again", "more", "stale more", "end", "delete old"]),
        st.timedeltas(timedelta(minutes=-70), timedelta(hours=8)),
    ),
    max_size=12,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_any_steps_at_any_times_keep_one_open_pause_and_every_word(
    alice: User, now: datetime, steps: list[tuple[str, timedelta]]
) -> None:
    """Clocks go back too."""
    Pause.objects.of(alice).delete()
    written: list[str] = []
    for number, (step, passed) in enumerate(steps):
        now += passed
        row = Pause.objects.of(alice).filter(is_open=True).first()
        if step.startswith("begin"):
            written.append(f"words {number}." if step == "begin" else (written or ["words"])[-1])
            a_pause(alice, written[-1], now=now)
        elif step == "delete old":
            actions.delete_old(now=now)
        elif row and step == "end":
            actions.end(person=alice, row=row, outcome="still", now=now)
        elif row:
            row.add_ten_minutes(until=int(row.ends_at.timestamp()) - (step != "more"), now=now)
        rows = list(Pause.objects.of(alice))
        assert len([each for each in rows if each.is_open]) <= 1
        assert all(each.began_at <= each.ends_at for each in rows)
        assert all(0 <= each.progress(now) <= 1 for each in rows)
        stored = "\n".join(each.open(alice.key).words for each in rows)
        assert all(words in stored for words in written)
