"""Drafts that the guide, another tab or a setting has overtaken: no word of theirs is lost."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from pytest_django.asserts import assertContains

from accounts.guide_settings import set_asks_why
from accounts.models import User
from healing.guide import guide
from healing.guide_types import Choice, Field
from healing.models import Answer, Draft
from tests.support.client import Client

TWICE = "/steps/7/told-twice/"
OTHER_KINDS = [
    Field("as_i", "lines", "Lines", limit=200, most=3),
    Field("as_i", "choice", "Choose", choices=(Choice("a", "A"),)),
    Field("as_i", "date", "Day"),
]


def write(client: Client, number: int, name: str, words: str) -> None:
    sent = {"which-question": name, "id": str(uuid4()), name: words}
    assert client.post(f"{TWICE}{number}/", sent).status_code == 302


def words_of(person: User) -> str:
    rows = [*Draft.objects.of(person), *Answer.objects.of(person)]
    return " ".join(str(row.open(person.key).fields) for row in rows)


def replaced(value: Any, **changes: Any) -> Any:
    return replace(value, **changes)


def id_in(client: Client, page: str) -> dict[str, Any]:
    return {"id": str(client.get(page).context["id"])}


@pytest.mark.parametrize("question", OTHER_KINDS, ids=lambda each: each.kind)
def test_walking_past_a_question_of_another_kind_keeps_what_was_written(
    as_alice: Client, alice: User, monkeypatch: pytest.MonkeyPatch, question: Field
) -> None:
    write(as_alice, 1, "as_i", "It rained.")
    step = guide().steps[7]
    changed = [
        replaced(each, fields=tuple(question if f.name == "as_i" else f for f in each.fields))
        if each.key == "told-twice"
        else each
        for each in step.exercises
    ]
    monkeypatch.setitem(guide().steps, 7, replaced(step, exercises=tuple(changed)))  # type: ignore[arg-type]

    sent = {"which-question": "as_i", "id": str(uuid4()), "go-to": "back"}
    assert as_alice.post(f"{TWICE}1/", sent).status_code == 302

    assert "It rained." in words_of(alice)


def test_page_of_an_earlier_draft_deletes_no_later_one(as_alice: Client, alice: User) -> None:
    write(as_alice, 1, "as_i", "It rained.")
    stale = id_in(as_alice, f"{TWICE}discard/")
    as_alice.post(f"{TWICE}check/", id_in(as_alice, f"{TWICE}check/"))
    write(as_alice, 2, "by_name", "A later evening.")

    as_alice.post(f"{TWICE}discard/", stale)

    assert "A later evening." in words_of(alice)


def test_page_of_an_earlier_draft_saves_no_later_one(as_alice: Client, alice: User) -> None:
    write(as_alice, 1, "as_i", "It rained.")
    stale = id_in(as_alice, f"{TWICE}check/")
    as_alice.post(f"{TWICE}check/", stale)
    write(as_alice, 2, "by_name", "A later evening.")

    as_alice.post(f"{TWICE}check/", stale)

    assert Answer.objects.of(alice).count() == Draft.objects.of(alice).count() == 1


@pytest.mark.parametrize("is_saved", [True, False])
def test_what_is_left_out_by_wish_stays_reachable(
    as_alice: Client, alice: User, *, is_saved: bool
) -> None:
    write(as_alice, 1, "as_i", "It rained.")
    if is_saved:
        as_alice.post(f"{TWICE}check/", id_in(as_alice, f"{TWICE}check/"))
    set_asks_why(alice, asks_why=True)

    assertContains(as_alice.get("/steps/7/"), f'href="{TWICE}"')
