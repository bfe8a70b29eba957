"""Fixture: the address of every page, with something to show on it."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from accounts.actions import choose_name
from accounts.models import User
from healing.actions import mark_step, save_answer
from healing.guide import guide
from healing.models import StepMark
from journal.models import Opening, Revision, Words
from journal.opening_line_actions import add_opening
from pause.actions import end
from reminders.actions import turn_on
from tests.support.addresses import OBJECT, PRIVATE, PUBLIC, examples
from tests.support.letters import a_draft, a_letter
from tests.support.pauses import a_pause

# It locks the pages, which would make the later ones all the same.
LEAVES = "/leave/"


@pytest.fixture
def addresses(alice: User, now: datetime) -> list[str]:
    """One of each address, with something of Alice's in every room."""
    letter = a_letter(alice, "words", to="M.", now=now)
    draft = a_draft(alice, now=now)
    day = now.date() + timedelta(days=1)
    sealed = a_letter(alice, now=now, state="sealed", opens_on=day)
    ready = a_letter(alice, now=now, state="sealed", opens_on=now.date())
    let_go = a_letter(alice, now=now, state="let_go", let_go_at=now, let_go_from="kept")
    hour_ago = now - timedelta(hours=1)
    gone = a_letter(alice, now=now, state="let_go", let_go_at=hour_ago, leaves_line=True)
    revision = Revision.add(alice, letter, Words("M.", "earlier"), late=True, now=now)
    add_opening(person=alice, kind="them", text="I still", now=now)
    choose_name(person=alice, name="<Noor & Bo>", now=now)
    step = guide().steps[1]
    words = {"moments": [{"happened": "a", "filled_in": "b"}], "stands_out": "c"}
    answer = save_answer(
        person=alice, id=uuid4(), step=step, exercise=step.exercises[0], answer=words, now=now
    )
    mark_step(person=alice, step=guide().steps[2], state=StepMark.State.ASIDE, now=now)
    mark_step(person=alice, step=guide().steps[3], state=StepMark.State.SETTLED, now=now)
    turn_on(person=alice, hour=18, zone="Europe/Dublin", now=now)
    line = Opening.objects.get()
    unsent = a_pause(alice, "Are you there?", now=now - timedelta(days=2))
    end(person=alice, row=unsent, outcome="sent", now=now - timedelta(days=2))
    rows = {"letter": letter, "gone": gone, "answer": answer, "revision": revision, "line": line}
    rows |= {"pause": unsent}
    of_each = [
        each.format(**{name: row.pk for name, row in rows.items()})
        for each in examples(PUBLIC, PRIVATE, OBJECT)
        if each != LEAVES
    ]
    states = [f"/journal/{each.pk}/" for each in (sealed, ready, let_go)]
    ends = [f"/journal/{draft.pk}/{end}/" for end in ("edit", "close", "throw-away", "settle")]
    steps = [f"/steps/{number}/" for number in range(2, 9)]
    return [*of_each, *states, *ends, *steps, "/journal/?show=kept&kind=them", "/no/such/page/"]
