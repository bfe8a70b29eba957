"""What the product is held to, and whether it is."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("goals.toml")
# How far the floor's own pace may swing between rounds before nobody's pace means anything.
STEADY = 1.3


@dataclass(frozen=True)
class Goal:
    name: str
    what: str
    better: str
    must: float
    target: float
    unit: str = ""
    # Asked only on a machine that was quiet.
    quiet: bool = False

    def is_met(self, measured: float | None) -> bool | None:
        """None where nothing was measured: that is neither kept nor missed."""
        return None if measured is None else self._reaches(measured, self.must)

    def is_on_target(self, measured: float) -> bool:
        return self._reaches(measured, self.target)

    def _reaches(self, measured: float, mark: float) -> bool:
        return measured <= mark if self.better == "lower" else measured >= mark


@dataclass(frozen=True)
class Row:
    goal: Goal
    measured: float | None

    @property
    def met(self) -> bool | None:
        return self.goal.is_met(self.measured)

    def as_json(self) -> str:
        goal = {name: getattr(self.goal, name) for name in ("must", "target", "better", "unit")}
        measured = None if self.measured is None else round(self.measured, 3)
        return json.dumps(
            {"name": self.goal.name, "goal": goal, "measured": measured, "met": self.met}
        )


def read(file: Path = FILE) -> list[Goal]:
    entries = tomllib.loads(file.read_text(encoding="utf-8"))
    return [Goal(name=name, **entry) for name, entry in entries.items()]


def rows(goals: list[Goal], measured: Mapping[str, float], *, is_quiet: bool) -> list[Row]:
    return [
        Row(goal, measured.get(goal.name) if is_quiet or not goal.quiet else None) for goal in goals
    ]


def is_steady(paces: list[float]) -> bool:
    return len(paces) > 1 and max(paces) / min(paces) <= STEADY


def as_table(rows: list[Row]) -> str:
    lines = [("name", "must", "target", "measured", "met"), *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in lines
    )


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    goal = row.goal
    sign = "≤" if goal.better == "lower" else "≥"
    must, target = (f"{sign} {mark:g} {goal.unit}".rstrip() for mark in (goal.must, goal.target))
    if row.measured is None:
        return goal.name, must, target, "not measured", "–"
    met = "NO" if not row.met else "yes, on target" if goal.is_on_target(row.measured) else "yes"
    return goal.name, must, target, f"{row.measured:.5g}", met
