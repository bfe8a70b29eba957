"""Unusual text fits on every page and comes back as it was."""

from datetime import datetime

import pytest
from playwright.sync_api import expect

from accounts.models import User
from journal.forms import MAX_CHARACTERS
from journal.models import Revision
from tests.journal.desk.desk_page import Desk, button, paper, write_and_wait
from tests.support.letters import a_letter, earlier, words_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


UNUSUAL = {
    "one endless word": "a" * MAX_CHARACTERS,
    # Ten times as many take the browser alone most of a minute.
    "stacked marks": "e" + "\u0301" * 5_000,
    "direction that is never turned back": "\u202e\u2067שלום\u2068 and on it goes\n\u202eagain",
    "characters made of many": "👩\u200d👩\u200d👧\u200d👦" * 2000,
    "invisible characters": "🏴" + "".join(chr(0xE0000 + ord(each)) for each in "gbsct") + "\u2066",
    "every plane": "".join(chr(plane * 0x10000 + 0x1234) for plane in range(17)) + "\U0010ffff",
}
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("odd", UNUSUAL.values(), ids=UNUSUAL)
def test_unusual_text_fits_on_every_page_and_comes_back(
    desk: Desk, alice: User, odd: str, now: datetime
) -> None:
    letter = a_letter(alice, odd, to=odd[:100], now=now)
    page = desk(f"/journal/{letter.pk}/")
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.locator("article .written").text_content() == odd
    assert page.evaluate(OVERFLOW) == 0
    lead = page.get_by_text("Private to your account.")
    assert lead.evaluate("node => getComputedStyle(node).direction") == "ltr"

    button(page, "Write on").click()
    expect(paper(page)).to_have_value(odd)
    assert page.evaluate(OVERFLOW) == 0
    assert write_and_wait(page, f"{odd[:-2]}.") == 200
    page.goto(f"/journal/{letter.pk}/versions/{Revision.objects.get().pk}/")
    assert page.evaluate(OVERFLOW) == 0

    assert earlier(letter, alice) == [odd]
    assert words_of(letter, alice).body == f"{odd[:-2]}."
