import re
from zoneinfo import available_timezones

import pytest
from playwright.sync_api import expect
from pytest_django.asserts import assertContains, assertNotContains

from accounts.models import User
from accounts.time_zones import current_zone, places, zone_names
from tests.support.accounts import Mails, code_in, sign_up
from tests.support.browser import NewContext, NewPage
from tests.support.client import PASSWORD, Client
from tests.support.live_site import Site

UNKNOWN = [
    "",
    "Etc/Unknown",
    "+05:30",
    "localtime",
    "Factory",
    "Europe/Atlantis",
    "../../etc/passwd",
    "Europe/Berlin\0",
    "x" * 10_000,
]
NOTHING_CHOSEN = '<option value="" selected>Choose a place</option>'


@pytest.mark.parametrize(
    ("reported", "meant"),
    [
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("Europe/Kiev", "Europe/Kyiv"),
        ("Asia/Saigon", "Asia/Ho_Chi_Minh"),
        ("Asia/Katmandu", "Asia/Kathmandu"),
        ("Asia/Rangoon", "Asia/Yangon"),
        ("America/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("America/Godthab", "America/Nuuk"),
        ("Atlantic/Faeroe", "Atlantic/Faroe"),
        ("US/Eastern", "America/New_York"),
        # Their clocks agree with those of another place, and they are listed all the same.
        ("Europe/Copenhagen", "Europe/Copenhagen"),
        ("Africa/Kampala", "Africa/Kampala"),
    ],
)
def test_name_that_browsers_report_means_a_listed_place(reported: str, meant: str) -> None:
    assert current_zone(reported) == meant
    assert meant in places().values()


@pytest.mark.parametrize("name", UNKNOWN)
def test_name_of_no_place_is_unknown(name: str) -> None:
    assert current_zone(name) == ""


def test_every_name_means_a_zone() -> None:
    for name in available_timezones() & zone_names():
        assert current_zone(name) in zone_names()


@pytest.mark.parametrize("name", [each for each in UNKNOWN if each])
@pytest.mark.parametrize(
    ("page", "field", "others"),
    [
        ("/you/", "time_zone", {"name": "", "language": "en"}),
        ("/you/reminders/", "zone", {"hour": "9"}),
    ],
)
def test_refused_zone_leaves_the_choice_open(
    as_alice: Client, alice: User, name: str, page: str, field: str, others: dict[str, str]
) -> None:
    answer = as_alice.post(page, others | {field: name})

    assertContains(answer, "Choose a place from the list.")
    assertContains(answer, NOTHING_CHOSEN, html=True)
    # What is chosen on that page, sent once more.
    assertContains(as_alice.post(page, others | {field: ""}), NOTHING_CHOSEN, html=True)
    alice.refresh_from_db()
    assert alice.time_zone == "UTC"


def test_account_begins_with_the_clock_of_its_browser(client: Client, mails: Mails) -> None:
    sign_up(client, zone="Asia/Calcutta")
    client.post("/accounts/confirm-email/", {"code": code_in(mails()[0])})

    assert User.objects.get().time_zone == "Asia/Kolkata"
    assertContains(client.get("/accounts/first/"), "Times here are those of Kolkata")
    assertNotContains(client.get("/today/"), "time zone")


@pytest.mark.parametrize("name", UNKNOWN)
def test_account_is_made_with_any_report_of_a_browser(
    client: Client, mails: Mails, name: str
) -> None:
    sign_up(client, zone=name)
    client.post("/accounts/confirm-email/", {"code": code_in(mails()[0])})

    assert User.objects.get().time_zone == "UTC"
    assertContains(client.get("/accounts/first/"), "We do not know your time zone yet.")
    assertContains(client.get("/today/"), "We do not know your time zone yet")
    assertContains(client.get("/today/"), "<h1>Hello</h1>", html=True)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_browser_fills_its_zone_in(site: Site, new_context: NewContext) -> None:
    page = new_context(base_url=site.url, timezone_id="Asia/Calcutta").new_page()
    page.goto("/accounts/signup/")

    expect(page.locator("input[name=zone]")).to_have_value(re.compile("^Asia/(Calcutta|Kolkata)$"))
    page.get_by_label("Email address").fill("someone-in-kolkata@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Make my account").click()
    page.wait_for_url("**/confirm-email/")

    assert User.objects.get().time_zone == "Asia/Kolkata"


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("reported", ["Etc/Unknown", "+05:30", "UTC"])
def test_browser_without_a_place_chooses_none(
    new_page: NewPage, as_alice: Client, reported: str
) -> None:
    page = new_page(as_alice)
    page.add_init_script(
        f"Intl.DateTimeFormat.prototype.resolvedOptions = () => ({{ timeZone: '{reported}' }})"
    )

    page.goto("/you/reminders/")
    expect(page.locator("select[name=zone]")).to_have_value("")
    page.goto("/you/")
    expect(page.locator("select[name=time_zone]")).to_have_value("UTC")
