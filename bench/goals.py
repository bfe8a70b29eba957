"""The goals of goals.toml, compared with what was measured."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

FILE = Path(__file__).with_name("goals.toml")


@dataclass(frozen=True)
class Goal:
    name: str
    what: str
    better: str
    must: float
    target: float
    unit: str = ""

    def is_met(self, measured: float | None) -> bool | None:
        """Return None if nothing was measured."""
        return None if measured is None else self._reaches(measured, self.must)

    def is_on_target(self, measured: float) -> bool:
        return self._reaches(measured, self.target)

    def _reaches(self, measured: float, threshold: float) -> bool:
        return measured <= threshold if self.better == "lower" else measured >= threshold


@dataclass(frozen=True)
class Row:
    """A goal with one value of each round, with a single value, or with none if not measured."""

    goal: Goal
    values: Sequence[float] = ()

    @property
    def measured(self) -> float | None:
        """The median: one slow round does not decide."""
        return median(self.values) if self.values else None

    @property
    def spread(self) -> tuple[float, float] | None:
        """The lowest and the highest of several rounds."""
        return (min(self.values), max(self.values)) if len(self.values) > 1 else None

    @property
    def met(self) -> bool | None:
        return self.goal.is_met(self.measured)

    def as_json(self) -> str:
        goal = {name: getattr(self.goal, name) for name in ("must", "target", "better", "unit")}
        measured = None if self.measured is None else round(self.measured, 3)
        spread = self.spread and [round(value, 3) for value in self.spread]
        return json.dumps(
            {
                "name": self.goal.name,
                "goal": goal,
                "measured": measured,
                "spread": spread,
                "met": self.met,
            }
        )


def read(file: Path = FILE) -> list[Goal]:
    entries = tomllib.loads(file.read_text(encoding="utf-8"))
    return [Goal(name=name, **entry) for name, entry in entries.items()]


def rows(goals: list[Goal], values: Mapping[str, Sequence[float]]) -> list[Row]:
    return [Row(goal, values.get(goal.name, ())) for goal in goals]


def as_table(rows: list[Row]) -> str:
    lines = [("name", "must", "target", "measured", "spread", "met"), *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in lines
    )


def _cells(row: Row) -> tuple[str, str, str, str, str, str]:
    goal = row.goal
    sign = "≤" if goal.better == "lower" else "≥"
    must, target = (f"{sign} {mark:g} {goal.unit}".rstrip() for mark in (goal.must, goal.target))
    if row.measured is None:
        return goal.name, must, target, "not measured", "–", "–"
    met = "NO" if not row.met else "yes, on target" if goal.is_on_target(row.measured) else "yes"
    spread = "–" if row.spread is None else "{:.3g} to {:.3g}".format(*row.spread)
    return goal.name, must, target, f"{row.measured:.5g}", spread, met
