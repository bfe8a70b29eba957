"""Letters in Firefox and in WebKitGTK: sealing until a day, and going back to a search."""

from datetime import UTC, datetime, timedelta

from accounts.models import User
from journal.models import Letter
from tests.engines.tab import Tab
from tests.support.letters import a_letter


def test_letter_is_sealed_until_a_day_that_is_typed(tab: Tab, alice: User, now: datetime) -> None:
    letter = a_letter(alice, "words", now=now)
    day = datetime.now(UTC).date() + timedelta(days=40)
    tab.open(f"/journal/{letter.pk}/seal/")
    tab.click("input[name=until][value=day]")
    # The field may look filled while it is empty: the page says so, and how a day is written.
    tab.follow("main form button")
    hint = tab.find("#id_day_helptext").text
    assert "2027-03-12" in hint
    assert tab.find("input[name=day][aria-invalid=true]").get_property("value") == ""
    tab.type("input[name=day]", day.strftime(tab.driver.day_format))

    tab.follow("main form button")

    tab.wait_for_path(f"/journal/{letter.pk}/")
    letter.refresh_from_db()
    assert (letter.state, letter.opens_on) == (Letter.State.SEALED, day)


def test_going_back_from_a_found_letter_shows_the_results(
    tab: Tab, alice: User, now: datetime
) -> None:
    letter = a_letter(alice, "a lighthouse at Varr", now=now)
    tab.open("/journal/")
    tab.type("input[name=text]", "lighthouse")
    tab.follow("form[action='/journal/search/'] button")
    link = f".letters a[href='/journal/{letter.pk}/']"
    tab.wait_for_path("/journal/search/[0-9a-f-]{36}/")
    tab.follow(link)
    tab.wait_for_path(f"/journal/{letter.pk}/")

    tab.back()

    tab.wait_for_path("/journal/search/[0-9a-f-]{36}/")
    assert tab.find(link).is_displayed()
    assert tab.value("input[name=text]") == "lighthouse"
