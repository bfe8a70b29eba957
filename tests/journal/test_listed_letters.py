from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone, translation

from accounts.models import User
from journal.listed_letters import LISTED_FIELDS, letter_lines
from journal.models import Letter
from tests.support.database import Statements
from tests.support.letters import a_letter

NOON = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
TOMORROW = NOON.date() + timedelta(days=1)
LET_GO = {"state": "let_go", "let_go_at": NOON, "let_go_from": "kept", "leaves_line": True}


@pytest.mark.parametrize(
    ("plain", "after", "icon", "note"),
    [
        ({"state": "draft"}, 0, "letter", "Draft, last changed 12 March 2026"),
        ({"state": "kept"}, 0, "letter", "Kept"),
        ({"state": "sealed", "opens_on": TOMORROW}, 0, "envelope", "Sealed until 13 March 2026"),
        (
            {"state": "sealed", "opens_on": TOMORROW},
            24 * 60,
            "envelope",
            "Sealed until 13 March 2026. You can open it now.",
        ),
        (LET_GO, 9, "let-go", "Let go. You can bring it back until 12:10 pm UTC."),
        (LET_GO, 10, "letter", "Let go, 12 March 2026"),
    ],
)
def test_line_tells_kind_day_and_what_became_of_the_letter(
    alice: User, plain: dict[str, object], after: int, icon: str, note: str
) -> None:
    letter = a_letter(alice, "private words", to="Ina", kind="them", now=NOON, **plain)

    [line] = letter_lines([letter], NOON + timedelta(minutes=after))

    is_gone = note == "Let go, 12 March 2026"
    address = f"/journal/{letter.pk}/" + ("remove-line/" if is_gone else "")
    assert (line.address, line.title) == (address, "To them, 12 March 2026")
    assert (line.icon, line.note, line.is_gone) == (icon, note, is_gone)
    assert "private" not in repr(line)


def test_line_has_the_local_day_and_the_language_of_its_reader(alice: User) -> None:
    letter = a_letter(alice, state="draft", now=NOON.replace(hour=23, minute=30))

    with timezone.override("Asia/Tokyo"), translation.override("pl"):
        [line] = letter_lines([letter], NOON)

    assert line.title.endswith(", 13 marca 2026")
    assert "13 marca 2026, 08:30" in line.note


def test_lines_need_no_other_column(alice: User, statements: Statements) -> None:
    for plain in ({"state": "draft"}, {"state": "sealed", "opens_on": TOMORROW}, LET_GO):
        a_letter(alice, now=NOON, **plain)
    letters = list(Letter.objects.of(alice).only(*LISTED_FIELDS))

    with statements() as sent:
        letter_lines(letters, NOON)

    assert sent == []
