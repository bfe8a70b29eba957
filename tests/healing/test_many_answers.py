"""Pages of somebody who has saved hundreds of answers ask and weigh what they did with few."""

import gzip
from datetime import datetime, timedelta
from typing import Any

from accounts.models import User
from healing.guide import guide
from healing.models import Answer, AnswerContents
from tests.support.client import Client
from tests.support.database import Statements

# More than a page shows, and many more.
SOME, MANY = 25, 500
HEAVIEST = 6_000
FIELDS: dict[str, tuple[int, dict[str, Any]]] = {
    "filling-in": (1, {"moments": [{"happened": "rain", "filled_in": "my fault"}]}),
    "small-wins": (8, {"wins": ["slept"], "my_part": "went to bed"}),
    "mine": (4, {"before": ["swimming"], "this_week": "swim", "on_day": "2026-03-01"}),
    "still-me": (4, {"someone": "swims"}),
}
PAGES = [
    "/today/",
    "/steps/",
    "/progress/",
    "/steps/1/",
    "/steps/1/filling-in/",
    "/steps/4/mine/",
    "/saved/",
    "/saved/wins/",
    "/saved/wins/?page=2",
    "/saved/mine/",
    "/saved/then-and-now/",
]


def version_of(step: int, key: str) -> str:
    exercise = guide().steps[step].exercise(key)
    assert exercise
    return exercise.version


def create_answers(person: User, count: int, now: datetime) -> None:
    Answer.objects.bulk_create(
        Answer.sealed_by(
            person.key,
            AnswerContents(fields=fields),
            step=step,
            exercise=key,
            version=version_of(step, key),
            # Each of those with a day is due.
            asks_at=now if key == "mine" else None,
            now=now - timedelta(hours=number),
        )
        for key, (step, fields) in FIELDS.items()
        for number in range(count)
    )


def test_statements_and_weight_stay_the_same(
    as_alice: Client, alice: User, now: datetime, statements: Statements
) -> None:
    found = []
    for count in (SOME, MANY - SOME):
        create_answers(alice, count, now)
        as_alice.get("/today/")
        asked = {}
        for page in PAGES:
            with statements() as queries:
                response = as_alice.get(page)
            assert response.status_code == 200
            assert len(gzip.compress(response.content)) <= HEAVIEST, page
            asked[page] = len(queries)
        found.append(asked)

    few, many = found
    assert few == many
    # Today has room for nine.
    assert many.pop("/today/") <= 9
    assert max(many.values()) <= 6
