"""Whatever is done to a long exercise, in whatever order: no word of it gets lost unseen."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import User
from healing.field_kinds import KINDS
from healing.guide import guide
from healing.guide_types import Exercise, Field
from healing.models import Answer, Draft
from tests.support.client import Client

# The exercise with the most pages.
PLAN = "/steps/6/safety-page/"
TYPED = re.compile(r"typed-\d+-")
WRITABLE = ("signs", "steadies", "people", "safer")
Guide = tuple[Field, ...]


def plan() -> Exercise:
    exercise = guide().steps[6].exercise("safety-page")
    assert exercise
    return exercise


AS_IT_IS = plan().fields
FIELDS = {field.name: field for field in AS_IT_IS}
# The guide as it may be after an edit: a question gone, of another kind, shorter, or moved.
GUIDES: dict[str, Guide] = {
    "as it is": AS_IT_IS,
    "gone": tuple(each for each in AS_IT_IS if each.name != "safer"),
    "other kinds": tuple(
        replace(FIELDS["safer"], name=each.name)
        if each.name in {"signs", "people"}
        else replace(FIELDS["signs"], name=each.name)
        if each.name == "safer"
        else each
        for each in AS_IT_IS
    ),
    "shorter": tuple(replace(each, limit=3) if each.limit else each for each in AS_IT_IS),
    "moved": AS_IT_IS[::-1],
}
ANSWERS = st.tuples(
    st.just("answer"),
    st.sampled_from(WRITABLE),
    st.sampled_from(["", "back", "stop"]),
    st.sampled_from(["the page of now", "a page from before"]),
)
EDITS = st.tuples(st.just("guide"), st.sampled_from(sorted(GUIDES)))
OTHERS = st.sampled_from(
    [(each,) for each in ("save", "change", "delete", "save late", "delete late", "empty")]
)
# Something is written, the guide changes, and then anything.
ACTIONS = st.tuples(
    st.lists(ANSWERS, min_size=2, max_size=4),
    EDITS,
    st.lists(st.one_of(ANSWERS, EDITS, OTHERS), min_size=2, max_size=10),
).map(lambda parts: [*parts[0], parts[1], *parts[2]])


class Evening:
    """Two open tabs, and what they do; each step looks at what became of every word."""

    def __init__(self, client: Client, person: User) -> None:
        self.client, self.person = client, person
        self.base = PLAN
        self.numbers = count(1)
        self.late_id = str(uuid4())
        set_guide(AS_IT_IS)
        Draft.objects.all().delete()
        Answer.objects.all().delete()

    def fields(self, model: Any) -> list[dict[str, Any]]:
        return [row.open(self.person.key).fields for row in model.objects.of(self.person)]

    def stored(self) -> set[str]:
        return words_in([self.fields(Draft), self.fields(Answer)])

    def do(self, action: tuple[str, ...]) -> None:
        before = self.stored()
        name, *more = action
        may_go: set[str] = getattr(self, f"_{name.replace(' ', '_')}")(*more)
        assert before - self.stored() <= may_go, action

    def _answer(self, question: str, go_to: str, page: str) -> set[str]:
        field = FIELDS[question] if page == "a page from before" else plan().field(question)
        if field is None:
            return set()
        word = f"typed-{next(self.numbers)}-"
        rows = [*self.fields(Draft), *self.fields(Answer)]
        # What the page could not show is not typed over.
        now, values = plan().field(question), [each.get(question) for each in rows]
        replaced = [each for each in values if now and each and KINDS[now.kind].fits(now, each)]
        data = {"which-question": question, "id": str(uuid4()), "go-to": go_to, **sent(field, word)}
        response = self.client.post(f"{self.base}{AS_IT_IS.index(FIELDS[question]) + 1}/", data)
        assert response.status_code in {200, 302, 409}
        kept = word in self.stored()
        assert kept if response.status_code == 302 else word in shown(response)
        # Words of this question that were typed over; none if these were not kept.
        return words_in(replaced) if kept else set()

    def _empty(self) -> set[str]:
        """Nothing is typed, and every button keeps what there is."""
        self.client.post(f"{self.base}1/", {"which-question": "lines", "id": str(uuid4())})
        return set()

    def _guide(self, which: str) -> set[str]:
        set_guide(GUIDES[which])
        return set()

    def _save(self) -> set[str]:
        page = self.client.get(f"{self.base}check/")
        if page.status_code == 302 or not page.context["has_draft"]:
            return set()
        draft, seen = self.fields(Draft), shown(page)
        self.late_id = str(page.context["id"])
        saved_before = words_in(self.fields(Answer))
        response = self.client.post(f"{self.base}check/", {"id": self.late_id})
        if response.status_code == 422:
            assert seen <= shown(response) | words_in(draft)
            return set()
        row = Answer.objects.of(self.person).order_by("changed_at").last()
        assert row
        assert words_in(row.open(self.person.key).fields) == seen
        self.base = PLAN
        # A change replaces what it was shown instead of.
        return saved_before - seen

    def _save_late(self) -> set[str]:
        """The page of a draft that was saved or deleted since saves no other one."""
        if not Draft.objects.filter(pk=self.late_id).exists():
            before = self.fields(Answer)
            self.client.post(f"{self.base}check/", {"id": self.late_id})
            assert self.fields(Answer) == before
        return set()

    def _change(self) -> set[str]:
        row = Answer.objects.of(self.person).order_by("pk").first()
        self.base = f"{PLAN}{row.pk}/" if row else PLAN
        return set()

    def _delete(self) -> set[str]:
        page = self.client.get(f"{self.base}discard/")
        if page.status_code == 302:
            return set()
        self.late_id = str(page.context["id"])
        gone = words_in(self.fields(Draft)) - words_in(self.fields(Answer))
        told = self.client.post(f"{self.base}discard/", {"id": self.late_id}, follow=True)
        assert "It is deleted." in told.text
        return gone

    def _delete_late(self) -> set[str]:
        """Likewise, it deletes no other one."""
        if not Draft.objects.filter(pk=self.late_id).exists():
            self.client.post(f"{self.base}discard/", {"id": self.late_id})
        return set()


def set_guide(fields: Guide) -> None:
    step = guide().steps[6]
    changed = tuple(
        replace(each, fields=fields) if each.key == "safety-page" else each
        for each in step.exercises
    )
    guide().steps[6] = replace(step, exercises=changed)  # type: ignore[index]


@pytest.fixture(autouse=True)
def guide_again() -> Iterator[None]:
    yield
    set_guide(AS_IT_IS)


def sent(field: Field, word: str) -> dict[str, str]:
    names = {"lines": f"{field.name}-0", "rows": f"{field.name}-0-who", "long": field.name}
    return {names[field.kind]: word}


def words_in(stored: Any) -> set[str]:
    return set(TYPED.findall(repr(stored)))


def shown(response: HttpResponse) -> set[str]:
    return set(TYPED.findall(unescape(response.text)))


@given(actions=ACTIONS)
@hypothesis_settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_word_gets_lost_in_any_order(
    as_alice: Client, alice: User, actions: list[tuple[str, ...]]
) -> None:
    evening = Evening(as_alice, alice)
    for action in actions:
        evening.do(action)
