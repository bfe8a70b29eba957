"""What the bench concludes from measurements. Nothing is measured here."""

import json
import re
from pathlib import Path

import pytest

from bench import goals, run
from bench.goals import Goal, Row
from bench.sample_data import SHELVES

LOWER = Goal("today_cpu", "Today", better="lower", must=2.8, target=2.2, unit="F")
HIGHER = Goal("today_requests", "Today", better="higher", must=0.35, target=0.45)


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
    (row,) = goals.rows([LOWER], {})

    assert (row.measured, row.spread, row.met) == (None, None, None)
    assert "not measured" in goals.as_table([row])


def test_rounds_are_reported_as_their_median_and_their_spread() -> None:
    """Also of rounds that swing: a spread says more than no row."""
    (row,) = goals.rows([HIGHER], {"today_requests": [0.9, 0.36, 0.2]})

    assert (row.measured, row.spread, row.met) == (0.36, (0.2, 0.9), True)
    cells = re.split(r"  +", goals.as_table([row]).splitlines()[1])
    assert cells == ["today_requests", "≥ 0.35", "≥ 0.45", "0.36", "0.2 to 0.9", "yes"]


def test_the_median_decides_and_not_the_best_round() -> None:
    assert Row(HIGHER, [0.5, 0.34, 0.1]).met is False
    assert Row(LOWER, [1.0, 2.81, 9.0]).met is False


def test_a_single_value_has_no_spread() -> None:
    row = Row(Goal("today_statements", "Today", better="lower", must=8, target=7), [7])

    assert (row.measured, row.spread, row.met) == (7, None, True)


def test_row_as_json_has_five_names() -> None:
    assert json.loads(Row(LOWER, [2.50004, 2.40004, 2.7]).as_json()) == {
        "name": "today_cpu",
        "goal": {"must": 2.8, "target": 2.2, "better": "lower", "unit": "F"},
        "measured": 2.5,
        "spread": [2.4, 2.7],
        "met": True,
    }


def test_ratios_are_taken_inside_each_round() -> None:
    """A machine at half its speed in one round slows both, and no ratio moves."""

    def sample(cpu: float, per_second: float) -> run.Sample:
        return run.Sample(
            app=cpu * 0.75, postgres=cpu * 0.25, per_second=per_second, p50=1.0, p95=2.0
        )

    samples = {
        (run.FLOOR, run.EIGHT): [sample(2, 800), sample(4, 400), sample(2, 800)],
        ("today", run.EIGHT): [sample(5, 320), sample(10, 160), sample(6, 240)],
        ("today", run.ONE): [sample(99, 1)],
    }

    assert run.ratios(samples) == {
        "today_cpu": [2.5, 2.5, 3.0],
        "today_requests": [0.4, 0.4, 0.3],
    }


def test_every_goal_is_complete_and_can_be_measured() -> None:
    every = goals.read()
    names = {goal.name for goal in every}
    people = [f"{what}_{count}" for what in ("shelf", "autosave") for count in SHELVES]
    measured = {f"{page}_{kind}" for page in [*run.PAGES, "save"] for kind in ("cpu", "requests")}
    measured |= {f"{each}_cpu" for each in [*people, *run.PAGES_OF_ANSWERS, "search"]}
    measured |= {f"search_{count}_statements" for count in SHELVES}
    pages = [*run.PAGES, *run.PAGES_OF_ANSWERS, *people]
    measured |= {f"{each}_statements" for each in pages}
    weights = set(re.findall(r'"(\w+)":', Path(run.page_weight.__file__).read_text()))

    assert names == measured | weights
    assert {goal.better for goal in every} == {"lower", "higher"}
    for goal in every:
        assert goal.what
        assert goal.is_met(goal.target), f"the target of {goal.name} lies below its must"
