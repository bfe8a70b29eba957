"""Pages that were open while the guide changed: what they send is saved whole, or shown."""

import re
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from healing.guide import guide
from healing.guide_types import Choice, Field
from healing.models import Answer, Draft
from tests.support.client import Client

WORDS, OTHER_WORDS = "It rained all day.", "Nobody could have known."
FILLING_IN, TWICE = "/steps/1/filling-in/", "/steps/7/told-twice/"
CHANGED = "has changed meanwhile"
OTHER_KINDS = [
    Field("as_i", "choice", "Choose", choices=(Choice("a", "A"),)),
    Field("as_i", "scale", "How much", choices=(Choice("a", "A"),)),
    Field("as_i", "several", "Choose some", choices=(Choice("a", "A"),)),
    Field("as_i", "date", "Day"),
    Field("as_i", "time", "Hour"),
    Field("as_i", "country", "Country"),
]


def change(
    monkeypatch: pytest.MonkeyPatch, number: int, key: str, field: str, **changes: Any
) -> None:
    """Change one field of an exercise, as an edited file and a restart would."""
    step = guide().steps[number]
    exercises = tuple(
        replace(
            each,
            fields=tuple(replace(f, **changes) if f.name == field else f for f in each.fields),
        )
        if each.key == key
        else each
        for each in step.exercises
    )
    monkeypatch.setitem(guide().steps, number, replace(step, exercises=exercises))  # type: ignore[arg-type]


def opened(client: Client, address: str) -> dict[str, str]:
    """What a page sends along that is opened now."""
    names = re.findall(r'name="(id|guide-version)" value="([^"]*)"', client.get(address).text)
    return dict(names)


def shows(page: Any, *words: str) -> bool:
    return (
        page.status_code == 409
        and CHANGED in page.text
        and all(f"{each}</textarea>" in page.text for each in words)
    )


def test_words_for_a_question_that_is_gone_are_shown(
    as_alice: Client, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = {each: opened(each, FILLING_IN) for each in (as_alice, client)}
    change(monkeypatch, 1, "filling-in", "stands_out", name="what_stands_out")

    for each, sent in people.items():
        words = {"stands_out": WORDS, "moments-0-happened": OTHER_WORDS}
        page = each.post(FILLING_IN, sent | words)
        assert shows(page, WORDS, OTHER_WORDS)
        assert WORDS not in each.get(FILLING_IN).text
    assert not Answer.objects.exists()


def test_changed_words_for_a_question_that_is_gone_are_shown(
    as_alice: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_alice.post(FILLING_IN, {"id": str(uuid4()), "stands_out": OTHER_WORDS})
    address = f"{FILLING_IN}{Answer.objects.get().pk}/"
    sent = opened(as_alice, address)
    change(monkeypatch, 1, "filling-in", "stands_out", name="what_stands_out")

    page = as_alice.post(address, sent | {"stands_out": WORDS})

    assert shows(page, WORDS)
    assert Answer.objects.get().open(alice.key).fields["stands_out"] == OTHER_WORDS


def test_row_that_the_guide_no_longer_has_room_for_is_shown(
    as_alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = opened(as_alice, FILLING_IN)
    change(monkeypatch, 1, "filling-in", "moments", most=2)

    words = {"moments-0-happened": WORDS, "moments-4-happened": OTHER_WORDS}
    assert shows(as_alice.post(FILLING_IN, sent | words), WORDS, OTHER_WORDS)
    assert not Answer.objects.exists()


@pytest.mark.parametrize("question", OTHER_KINDS, ids=lambda each: each.kind)
def test_words_for_a_question_of_another_kind_are_shown(
    as_alice: Client, monkeypatch: pytest.MonkeyPatch, question: Field
) -> None:
    asked = opened(as_alice, f"{TWICE}1/") | {"which-question": "as_i", "as_i": WORDS}
    whole = opened(as_alice, FILLING_IN) | {"stands_out": WORDS}
    kind = {name: getattr(question, name) for name in ("kind", "choices")}
    change(monkeypatch, 7, "told-twice", "as_i", **kind)
    change(monkeypatch, 1, "filling-in", "stands_out", **kind)

    assert shows(as_alice.post(f"{TWICE}1/", asked), WORDS)
    assert shows(as_alice.post(FILLING_IN, whole), WORDS)
    assert not Answer.objects.exists()
    assert not Draft.objects.exists()


def test_what_a_changed_guide_still_asks_is_saved(
    as_alice: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = opened(as_alice, FILLING_IN) | {"moments-0-happened": WORDS, "stands_out": ""}
    change(monkeypatch, 1, "filling-in", "stands_out", name="what_stands_out")

    assert as_alice.post(FILLING_IN, sent).status_code == 302
    moments = Answer.objects.get().open(alice.key).fields["moments"]
    assert moments == [{"happened": WORDS, "filled_in": ""}]
