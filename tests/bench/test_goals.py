"""What the tool concludes from what it measured. No time is taken here."""

import json
import re
from pathlib import Path

import pytest

from bench import goals, run
from bench.goals import Goal, Row
from bench.sample_data import SHELVES

LOWER = Goal("today_cpu", "Today", better="lower", must=2.8, target=2.2, unit="F")
HIGHER = Goal("today_requests", "Today", better="higher", must=0.35, target=0.45, quiet=True)


@pytest.mark.parametrize(
    ("goal", "measured", "met", "on_target"),
    [
        (LOWER, 2.8, True, False),
        (LOWER, 2.2, True, True),
        (LOWER, 2.81, False, False),
        (HIGHER, 0.35, True, False),
        (HIGHER, 0.45, True, True),
        (HIGHER, 0.34, False, False),
    ],
)
def test_goal_is_met_at_its_mark(goal: Goal, measured: float, met: bool, on_target: bool) -> None:
    assert goal.is_met(measured) is met
    assert goal.is_on_target(measured) is on_target


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    assert Row(LOWER, None).met is None
    assert "not measured" in goals.as_table([Row(LOWER, None)])


def test_pace_is_told_only_where_the_machine_was_quiet() -> None:
    measured = {"today_cpu": 2.0, "today_requests": 0.5}

    def told(*, is_quiet: bool) -> list[float | None]:
        return [row.measured for row in goals.rows([LOWER, HIGHER], measured, is_quiet=is_quiet)]

    assert told(is_quiet=True) == [2.0, 0.5]
    assert told(is_quiet=False) == [2.0, None]


def test_floor_that_swings_is_not_steady() -> None:
    assert goals.is_steady([100, 120, 130])
    assert not goals.is_steady([100, 131])
    assert not goals.is_steady([100])


def test_row_as_json_has_four_names() -> None:
    assert json.loads(Row(LOWER, 2.50004).as_json()) == {
        "name": "today_cpu",
        "goal": {"must": 2.8, "target": 2.2, "better": "lower", "unit": "F"},
        "measured": 2.5,
        "met": True,
    }


def test_ratios_are_taken_inside_each_round() -> None:
    """A machine that slows down by half in between slows both, and no ratio moves."""

    def sample(cpu: float, pace: float) -> run.Sample:
        return run.Sample(app=cpu * 0.75, postgres=cpu * 0.25, pace=pace, p50=1.0, p95=2.0)

    samples = {
        (run.FLOOR, run.MANY): [sample(2, 800), sample(4, 400), sample(2, 800)],
        ("today", run.MANY): [sample(5, 320), sample(10, 160), sample(6, 240)],
        ("today", run.FEW): [sample(99, 1)],
    }

    assert run.ratios(samples) == {"today_cpu": 2.5, "today_requests": 0.4}


def test_every_goal_is_complete_and_can_be_measured() -> None:
    every = goals.read()
    names = {goal.name for goal in every}
    people = [f"{what}_{count}" for what in ("shelf", "autosave") for count in SHELVES]
    told = {f"{page}_{kind}" for page in [*run.PAGES, "save"] for kind in ("cpu", "requests")}
    told |= {f"{each}_cpu" for each in [*people, "search"]}
    told |= {f"search_{count}_statements" for count in SHELVES}
    told |= {f"{each}_statements" for each in [*run.PAGES, *people]}
    weights = set(re.findall(r'"(\w+)":', Path(run.page_weight.__file__).read_text()))

    assert names == told | weights
    assert {goal.better for goal in every} == {"lower", "higher"}
    for goal in every:
        assert goal.what
        assert goal.is_met(goal.target), f"the target of {goal.name} lies below its must"
        assert goal.quiet == goal.name.endswith("_requests")
