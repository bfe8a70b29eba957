"""What the audit of all pages takes for the same text has the same contrast."""

import pytest
from playwright.sync_api import Page

from tests.support.browser import NewContext
from tests.support.text_colours import TEXT_COLOURS

pytestmark = pytest.mark.browser

BOX = "position: absolute; inset: 0; inline-size: 9rem; block-size: 9rem"
USUAL = "<p>Some words</p>"
# Whether these words can be read is another question each time.
OTHERS = {
    "another colour": '<p style="color: gray">Some words</p>',
    "large letters": '<p style="font-size: 2rem">Some words</p>',
    "a ground of their own": '<p style="background: black">Some words</p>',
    "the ground of something around them": '<div style="background: black"><p>Some words</p></div>',
    "a ground beside them": f'<div style="background: black; {BOX}"></div><p>Some words</p>',
    "a veil over them": f'<p>Some words</p><div style="background: #fffc; {BOX}"></div>',
    "a picture behind them": '<p style="background: linear-gradient(red, blue)">Some words</p>',
    "an image below them": f'<img src="data:," alt="" style="{BOX}"><p>Some words</p>',
    "half transparent": '<p style="opacity: .5">Some words</p>',
    "half transparent around them": '<div style="opacity: .5"><p>Some words</p></div>',
    "mixed with what is behind": '<p style="mix-blend-mode: screen">Some words</p>',
    "a filter": '<div style="filter: contrast(.2)"><p>Some words</p></div>',
    "a shadow": '<p style="text-shadow: 0 0 2px black">Some words</p>',
    "a ground before them": "<style>p::before { content: ''; background: red }</style><p>Words",
    "one letter": "<p>S</p>",
    "a link": '<p><a href="/">Some words</a></p>',
    "something disabled beside them": "<p>Some words</p><button disabled>",
}
LINE = '<p>Here is <a href="/"{}>a link</a> in a line.</p>'
LINKS = [
    LINE.format(f' style="{style}"')
    for style in ("", "text-decoration: none", "font-weight: 800", "border-bottom: 2px solid")
]
LINKS += [f"<div>{LINKS[0]}</div>".replace("<p>", '<p style="color: teal">')]


def colours_of(page: Page, words: str) -> set[str]:
    page.set_content(words)
    return {*page.evaluate(TEXT_COLOURS)}


def test_text_that_differs_in_what_decides_its_contrast_is_new(new_context: NewContext) -> None:
    page = new_context().new_page()
    usual = colours_of(page, USUAL)
    assert len(usual) == 1
    assert colours_of(page, "<h2></h2><p>Others <b></b> altogether</p>") == usual

    known = {name for name, words in OTHERS.items() if colours_of(page, words) <= usual}

    assert known == set()
    links = [frozenset(colours_of(page, words)) for words in LINKS]
    assert len({*links}) == len(LINKS)
