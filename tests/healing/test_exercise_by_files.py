"""An exercise with a field of each kind is added as docs/writing.md says: by a file alone."""

import re
import shutil
from html import unescape
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from accounts.models import User
from healing.field_kinds import KINDS
from healing.models import Answer
from tests.support.client import Client
from tests.support.returned_forms import on_a_page_of

EXERCISE = """exercises:
  - key: one-of-each
    title: One of each
    minutes: 2
    intro: Each field is of another kind.
    fields:
      - {name: value, kind: text, label: What I value, limit: 40}
      - {name: act, kind: text, label: What I will do, limit: 40}
      - {name: more, kind: long, label: More, limit: 100, optional: true}
      - {name: wins, kind: lines, label: Wins, most: 2}
      - {name: which, kind: choice, label: Which, choices: {sea: The sea, hill: The hill}}
      - {name: some, kind: several, label: Some, choices: {tea: Tea, rain: Rain}}
      - {name: often, kind: scale, label: How often, choices: {rare: Seldom, daily: Every day}}
      - name: signs
        kind: grid
        label: Signs
        items: {talk: We talk, plan: We plan}
        choices: {fits: Yes, differs: No}
      - {name: looking, kind: checklist, label: Looking, choices: {mute: Mute}, own: Another way}
      - {name: day, kind: date, label: A day}
      - {name: hour, kind: time, label: An hour, latest: "20:00"}
      - {name: country, kind: country, label: A country}
      - name: pairs
        kind: rows
        label: Pairs
        most: 2
        columns:
          - {name: happened, kind: text, label: Happened, limit: 40}
      - name: people
        kind: people
        label: People
        most: 2
        columns:
          - {name: who, kind: text, label: Who, limit: 40}
          - name: ring
            kind: choice
            label: Ring
            choices: {near: Near, away: A call away, later: Not yet}
    makes: "I value {value}, so I will {act}."
    kept: Saved, one of each.
    gathers: cards
"""
SENT = {
    "value": "a clear word",
    "act": "go home",
    "more": "line\r\nline",
    "wins-0": "slept",
    "which": "hill",
    "some": ["tea", "rain"],
    "often": "daily",
    "signs-talk": "differs",
    "looking": ["mute"],
    "looking-own": "a longer way",
    "day": "2026-04-02",
    "hour": "17:30",
    "country": "ie",
    "pairs-0-happened": "a flat voice",
    "people-0-who": "K.",
    "people-0-ring": "away",
}
SHOWN = [
    "I value a clear word, so I will go home.",
    "slept",
    "The hill",
    "Tea",
    "Rain",
    "Every day",
    "Mute",
    "a longer way",
    "2 April 2026",
    "5:30 pm",
    "a flat voice",
    "K.",
    "A call away",
]


@pytest.fixture
def step(tmp_path: Path, settings: Settings) -> Path:
    """The file of a step, in a copy of the guide that the site reads."""
    shutil.copytree(settings.GUIDE_FOLDER, tmp_path / "guide")
    settings.GUIDE_FOLDER = tmp_path / "guide"
    return tmp_path / "guide/en/steps/8-resilience.md"


def test_exercise_with_a_field_of_each_kind_is_added_by_a_file(
    step: Path, as_alice: Client, alice: User
) -> None:
    assert {*re.findall(r"kind: (\w+)", EXERCISE)} == {*KINDS}
    step.write_text(step.read_text("utf-8").replace("exercises:\n", EXERCISE, 1), "utf-8")
    call_command("check_guide")

    address = "/steps/8/one-of-each/"
    assert address in as_alice.get("/steps/8/").text
    saved = as_alice.post(address, on_a_page_of(alice) | SENT, follow=True)

    assert Answer.objects.of(alice).get().exercise == "one-of-each"
    page = unescape(saved.text)
    assert "Saved, one of each." in page
    assert [words for words in SHOWN if words not in page] == []
    assert SHOWN[0] in unescape(as_alice.get("/saved/cards/").text)
