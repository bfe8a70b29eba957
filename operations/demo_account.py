"""The demo account, to look at on a laptop. Its person and all its words are invented."""

from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from accounts.actions import choose_name, open_account
from accounts.models import User
from accounts.retried_transaction import retried_transaction
from healing.actions import mark_step, save_answer
from healing.guide import guide
from healing.models import StepMark
from journal.models import Letter, LetterContents
from reminders.actions import turn_on

EMAIL = "demo@example.org"
PASSWORD = "a boat made of paper"  # noqa: S105 - the demo account exists on a laptop only

# (days ago, to, body)
LETTERS = [
    (
        9,
        "R.",
        "I made two cups of tea tonight before I noticed.\n\n"
        "When you stopped answering, I felt like a door that nobody knocks on any more. I wish you "
        "had said one plain thing. I accept that I may never hear it.",
    ),
    (
        4,
        "me, last spring",
        "You were not foolish to hope. You had good reasons: he laughed at your jokes and he "
        "carried the heavy bag.\n\nYou did not know yet. Nobody had told you.",
    ),
    (1, "", "Work, soup, a walk past the river. The swans were asleep. So was half of me."),
]

# (days ago, exercise, answer)
ANSWERS: list[tuple[int, str, dict[str, Any]]] = [
    (
        10,
        "filling-in",
        {
            "moments": [
                {
                    "happened": "The message about Saturday was read at nine. No reply came.",
                    "filled_in": "That I had become too much.",
                },
                {
                    "happened": "At the party R. talked to everyone and nodded to me.",
                    "filled_in": "That the others know something.",
                },
            ],
            "stands_out": "What happened fits on one hand. The rest is mine, and it is tired.",
        },
    ),
    (
        9,
        "both-true",
        {"one": "I miss the walks with R.", "other": "I am tired of asking for them"},
    ),
    (
        8,
        "if-then",
        {
            "moment": "I reach for the phone in bed",
            "act": "put it in the kitchen",
            "other": "read one page of anything",
        },
    ),
    (
        5,
        "circle",
        {
            "people": [
                {"who": "Mei", "ring": "near", "good_for": "walking, no advice"},
                {"who": "My brother", "ring": "away", "ask_with": "Have you ten minutes?"},
            ]
        },
    ),
    (4, "still-me", {"someone": "finishes crosswords in pen", "still_like": "the first train"}),
    (
        3,
        "boundary",
        {
            "value": "a clear word",
            "situation": "someone leaves me waiting for days",
            "action": "make my own plans for the evening",
        },
    ),
    (2, "small-wins", {"wins": ["Swam before work", "Said no to a late call"]}),
]
# Some days ago, an exercise with a day was answered: Today asks about it.
PLANNED_DAYS_AGO = 3
PLANNED = {"before": ["the early swim", "old records"], "this_week": "ten minutes of records"}

# (days ago, step, state)
MARKS = [(10, 1, StepMark.State.SETTLED), (2, 7, StepMark.State.ASIDE)]


@retried_transaction
def create_demo_account(*, now: datetime) -> User:
    """Create an account with letters, answers and reminders, in place of an earlier one."""
    # Locked first: a page of the demo that is still open may add a row meanwhile.
    for earlier in User.objects.select_for_update().filter(email=EMAIL):
        earlier.delete()
    person = open_account(email=EMAIL, password=PASSWORD, now=now)
    person.record_safety_shown(now=now)
    choose_name(person=person, name="Noor", now=now)
    for days, to, body in LETTERS:
        Letter.sealed_by(
            person.key,
            LetterContents(to=to, body=body),
            id=uuid5(NAMESPACE_URL, f"demo-{person.pk}-{days}"),
            state=Letter.State.KEPT,
            now=now - timedelta(days=days),
        ).save(force_insert=True)
    for days, key, answer in [*ANSWERS, (PLANNED_DAYS_AGO, "mine", _planned(now))]:
        _save_answer(person, key, answer, now - timedelta(days=days))
    for days, number, state in MARKS:
        mark_step(
            person=person, step=guide().steps[number], state=state, now=now - timedelta(days=days)
        )
    turn_on(person=person, hour=18, zone="Europe/Dublin", now=now)
    return person


def _planned(now: datetime) -> dict[str, Any]:
    """Planned for the day after it was written."""
    return PLANNED | {"on_day": (now - timedelta(days=PLANNED_DAYS_AGO - 1)).date().isoformat()}


def _save_answer(person: User, key: str, answer: dict[str, Any], at: datetime) -> None:
    step, exercise = next(
        (step, exercise)
        for step in guide().steps.values()
        for exercise in step.exercises
        if exercise.key == key
    )
    save_answer(
        person=person,
        id=uuid5(NAMESPACE_URL, f"demo-{person.pk}-{key}"),
        step=step,
        exercise=exercise,
        answer=answer,
        now=at,
    )
