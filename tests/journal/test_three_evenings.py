import shutil
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import time_machine
from pytest_django import Settings

from accounts.models import User
from home.guide_letters_check import letters_of_the_guide_exist
from journal.letter_kinds import EVENINGS, LetterKind
from journal.models import Letter, LetterContents
from tests.support.client import Client

DAY = timedelta(days=1)


def letter(person: User, kind: str, now: datetime, state: str = Letter.State.KEPT) -> Letter:
    contents = LetterContents(to="", body="What happened.")
    row = Letter.sealed_by(person.key, contents, id=uuid4(), kind=kind, state=state, now=now)
    row.save(force_insert=True)
    return row


def evenings(client: Client, person: User, at: datetime) -> str:
    """Where the address of the three evenings leads, or what its page says."""
    with time_machine.travel(at, tick=False):
        client.force_login(person)
        response = client.get("/journal/write/evenings/")
    return str(response.headers.get("Location", response.text))


def test_evenings_follow_each_other_one_a_day_and_end(
    as_alice: Client, alice: User, now: datetime
) -> None:
    for number, kind in enumerate(EVENINGS):
        at = now + 3 * number * DAY
        assert evenings(as_alice, alice, at) == f"/journal/write/{kind.key}/"
        letter(alice, kind.key, at)
        if kind is not EVENINGS[-1]:
            assert "The next one is for another day" in evenings(as_alice, alice, at)

    assert "This has come to its end" in evenings(as_alice, alice, now + 30 * DAY)


def test_draft_of_an_evening_is_gone_on_with_on_any_day(
    as_alice: Client, alice: User, now: datetime
) -> None:
    draft = letter(alice, "evening-1", now, Letter.State.DRAFT)

    assert evenings(as_alice, alice, now + 5 * DAY) == f"/journal/{draft.pk}/edit/"


@pytest.mark.parametrize("kind", EVENINGS, ids=lambda kind: kind.key)
def test_each_evening_has_its_own_question(as_alice: Client, kind: LetterKind) -> None:
    page = as_alice.get(f"/journal/write/{kind.key}/").text

    assert str(kind.question) in page


def test_evenings_are_chosen_together_and_not_offered_to_those_who_ask_why(
    as_alice: Client,
) -> None:
    page = as_alice.get("/journal/write/").text

    assert page.count("/journal/write/evenings/") == 1
    assert "/journal/write/evening-1/" not in page
    assert "/evening" not in as_alice.get("/journal/write/?why=1").text


def test_guide_names_only_letters_that_exist(tmp_path: Path, settings: Settings) -> None:
    assert letters_of_the_guide_exist() == []

    settings.GUIDE_FOLDER = shutil.copytree(settings.GUIDE_FOLDER, tmp_path / "guide")
    path = settings.GUIDE_FOLDER / "en/steps/3-express.md"
    path.write_text(path.read_text().replace("desk: plain", "desk: postcard"))

    (error,) = letters_of_the_guide_exist()
    assert error.msg.startswith("Step 3: “plain-day” has “desk: postcard”. There is: evenings, ")
