import re

import pytest

from tests.support.template_files import TOKENS

# Foreground, background and the least contrast between them: 7 for long text, 4.5 for other text,
# 3 for edges and the focus ring (WCAG 1.4.6, 1.4.3, 1.4.11).
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
    """Return the tokens of the one rule that begins with this line."""
    css = TOKENS.read_text()
    assert css.count(f"\n{selector} {{\n") == 1
    body = css.split(f"\n{selector} {{\n", 1)[1].split("}", 1)[0]
    return dict(DECLARATION.findall(body))


def dawn() -> dict[str, str]:
    return block("  :root")


def night() -> dict[str, str]:
    return dawn() | block("    :root")


def luminance(colour: str) -> float:
    """Return the relative luminance of “#rrggbb” (WCAG 2.2)."""
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_of_black_and_white_is_twenty_one():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", [dawn, night])
@pytest.mark.parametrize(("foreground", "background", "least"), PAIRS)
def test_colours_have_enough_contrast(theme, foreground, background, least):
    tokens = theme()

    assert contrast(tokens[foreground], tokens[background]) >= least


def test_night_has_a_value_for_every_colour():
    """A token missing at night would show its dawn colour on a dark page."""
    colours = {name for name, value in dawn().items() if "#" in value}

    # Amber is the same at night, so text on it stays dark.
    assert colours - block("    :root").keys() == {"on-lamp"}
