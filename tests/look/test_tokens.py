import re

import pytest

from tests.support.template_files import TOKENS

# What is read, what is next to it, and how far apart they have to be: 7 for words to read at
# length, 4.5 for other words, 3 for edges and the focus ring (WCAG 1.4.6, 1.4.3, 1.4.11).
PAIRS = [
    ("ink", "mist", 7),
    ("ink", "surface", 7),
    ("ink", "paper", 7),
    ("ink", "sky", 7),
    ("ink", "sky-2", 7),
    ("ink", "lamp-wash", 7),
    ("ink", "tide-wash", 7),
    ("ink", "moss-wash", 7),
    ("ink", "clay-wash", 7),
    ("ink-2", "mist", 7),
    ("ink-2", "surface", 7),
    ("ink-2", "paper", 7),
    ("ink-2", "lamp-wash", 7),
    ("ink-2", "tide-wash", 4.5),
    ("tide", "mist", 7),
    ("tide", "surface", 7),
    ("tide", "lamp-wash", 7),
    ("tide", "tide-wash", 4.5),
    ("tide-deep", "mist", 7),
    ("on-tide", "tide", 7),
    ("on-tide", "tide-deep", 7),
    ("on-tide", "clay", 4.5),
    ("on-lamp", "lamp", 4.5),
    ("mist", "ink", 7),
    ("lamp-ink", "sky", 4.5),
    ("lamp-ink", "lamp-wash", 4.5),
    ("moss", "mist", 4.5),
    ("moss", "moss-wash", 4.5),
    ("surface", "moss", 4.5),
    ("clay", "mist", 4.5),
    ("clay", "paper", 4.5),
    ("clay", "clay-wash", 4.5),
    ("heather", "mist", 4.5),
    ("edge", "mist", 3),
    ("edge", "surface", 3),
    ("edge", "paper", 3),
    ("focus", "mist", 3),
    ("focus", "surface", 3),
    ("focus", "paper", 3),
    ("focus", "focus-halo", 3),
]

DECLARATION = re.compile(r"^\s*--([\w-]+):\s*(.+?);$", re.MULTILINE)


def block(selector: str) -> dict[str, str]:
    """The tokens inside the one rule with this selector."""
    css = TOKENS.read_text()
    assert css.count(f"{selector} {{") == 1
    body = css.split(f"{selector} {{", 1)[1].split("}", 1)[0]
    return dict(DECLARATION.findall(body))


def dawn() -> dict[str, str]:
    return block("  :root")


def night() -> dict[str, str]:
    return dawn() | block(':root[data-theme="dark"]')


def luminance(colour: str) -> float:
    """WCAG's relative luminance of "#rrggbb"."""
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_twenty_one_between_black_and_white():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", [dawn, night])
@pytest.mark.parametrize(("front", "back", "floor"), PAIRS)
def test_colours_are_far_enough_apart(theme, front, back, floor):
    tokens = theme()

    assert contrast(tokens[front], tokens[back]) >= floor


def test_night_is_the_same_by_choice_and_by_device():
    assert block(':root[data-theme="dark"]') == block(':root:not([data-theme="light"])')


def test_night_gives_every_colour_of_its_own():
    """A token forgotten at night would show its dawn colour on a dark page."""
    colours = {name for name, value in dawn().items() if "#" in value}

    # Amber stays amber: what is written on it stays dark.
    assert colours - block(':root[data-theme="dark"]').keys() == {"on-lamp"}
