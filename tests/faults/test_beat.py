"""Two beats at once, as after a careless restart: one note for a person on a date."""

from tests.faults.deployment import QUICK_BEAT, Deployment
from tests.support.smtp import Sink
from tests.support.waiting import wait_for

PEOPLE = ("anna", "bea", "cleo")
ALL = [f"{name}@example.org" for name in PEOPLE]


def test_two_beats_send_one_note_each(deployment: Deployment, sink: Sink) -> None:
    deployment.beat.kill()
    deployment.call("note", *PEOPLE)
    second = deployment.extra_program(QUICK_BEAT, "second-beat")
    # One planner has locked the schedules and waits to insert, while the others run.
    with deployment.locking("LOCK TABLE mail_message IN SHARE MODE"):
        deployment.beat.start()
        second.start()
        deployment.wait_for_lock('INSERT INTO "mail_message"%')
        deployment.ticks(3, "reminders")

    wait_for(lambda: len(sink.raw) >= 3, "the notes")
    deployment.ticks(10, "reminders")
    deployment.ticks(10)
    assert sink.to == ALL
    assert deployment.states() == [("sent", "")] * 3


def test_note_of_a_date_is_made_once_even_where_the_schedule_forgot_it(
    deployment: Deployment, sink: Sink
) -> None:
    """As when a backup of the schedules is restored, from before this morning."""
    deployment.call("note", *PEOPLE)
    wait_for(lambda: sink.to == ALL, "the notes")

    deployment.sql(
        "UPDATE reminders_schedule SET next_due_at = now(), last_on = NULL, unanswered = 0"
    )
    deployment.ticks(5, "reminders")
    deployment.ticks(5)

    assert sink.to == ALL
