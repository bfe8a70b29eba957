"""Two clocks at once, as after a careless restart: one note for a person on a date."""

from tests.faults.house import QUICK_BEAT, House
from tests.faults.waiting import wait_for
from tests.support.smtp import Sink

PEOPLE = ("anna", "bea", "cleo")
ALL = [f"{name}@example.org" for name in PEOPLE]


def test_two_clocks_send_one_note_each(house: House, sink: Sink) -> None:
    house.beat.kill()
    house.inside("note", *PEOPLE)
    second = house.another(QUICK_BEAT, "second-beat")
    # One planner has the schedules and is held while it writes; the others come by meanwhile.
    with house.holding("LOCK TABLE mail_message IN SHARE MODE"):
        house.beat.start()
        second.start()
        house.wait_for_lock('INSERT INTO "mail_message"%')
        house.ticks(3, "reminders")

    wait_for(lambda: len(sink.raw) >= 3, "the notes")
    house.ticks(10, "reminders")
    house.ticks(10)
    assert sink.to == ALL
    assert house.states() == [("sent", "")] * 3


def test_note_of_a_date_is_made_once_even_where_the_schedule_forgot_it(
    house: House, sink: Sink
) -> None:
    """As when a copy of the schedules is put back, from before this morning."""
    house.inside("note", *PEOPLE)
    wait_for(lambda: sink.to == ALL, "the notes")

    house.sql("UPDATE reminders_schedule SET next_due_at = now(), last_on = NULL, unanswered = 0")
    house.ticks(5, "reminders")
    house.ticks(5)

    assert sink.to == ALL
