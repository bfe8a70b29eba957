"""Where the boat is on the wave of a hard moment. `static/js/pause.js` moves it the same way."""

from dataclasses import dataclass
from math import exp

# In the units of templates/scenes/_pause.html, whose wave is this curve.
WIDTH, LEVEL, HEIGHT, BREADTH = 400, 236, 176, 70
FROM, TO = 34, 366
# How much the boat tilts, in degrees for each unit of the slope.
STEEPEST = 16


@dataclass(frozen=True)
class Boat:
    x: float
    y: float
    tilt: float


def boat_at(progress: float) -> Boat:
    """Return its place after this part of the pause: up, over the crest half way, and down."""
    x = FROM + (TO - FROM) * progress
    away = (x - WIDTH / 2) / BREADTH
    hill = exp(-(away**2))
    return Boat(round(x, 1), round(LEVEL - HEIGHT * hill, 1), round(2 * away * hill * STEEPEST, 1))


def part_of(progress: float) -> int:
    """Return in which third it is: 1, 2 or 3, and 4 once it is over."""
    return min(int(progress * 3) + 1, 4)
