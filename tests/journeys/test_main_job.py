"""The main job from end to end, against the real web server, worker, beat, SMTP and databases."""

import re
import subprocess
import urllib.request
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from accounts.time_zones import places
from local.servers import binaries
from tests.journeys.conftest import NewContext, Product

pytestmark = pytest.mark.browser

PASSWORD = "seven quiet herons"
# What a person writes into the product. None of it may be found anywhere outside their screen.
NAME = "Quillonda"
HAPPENED = "The marzipan stayed on the table at Vellmoor."
GUESSED = "That Torvald had grown tired of my laughing."
DEAR = "Torvaldine"
LETTER = "I kept the ferry ticket from Oskarshavn.\n\nYou never asked; I would have told you."
WORDS = [NAME, "marzipan", "Vellmoor", "Torvald", "ferry ticket", "Oskarshavn"]


def main_button(page: Page, name: str | re.Pattern[str]) -> Locator:
    return page.locator("main").get_by_role("button", name=name, exact=True)


def main_link(page: Page, name: str) -> Locator:
    return page.locator("main").get_by_role("link", name=name, exact=True)


def sign_up(page: Page, product: Product, email: str) -> None:
    page.goto("/")
    main_link(page, "Begin with the first step").click()
    main_link(page, "Make an account").click()
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("checkbox").check()
    main_button(page, "Make my account").click()
    code = re.search(r"code: (\S+)", product.mail_to(email, "Your code", seconds=30).text)
    assert code
    page.get_by_label("Code").fill(code[1])
    page.locator("main form").first.get_by_role("button").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Before you begin")
    main_button(page, "I have read this").click()
    expect(page).to_have_url(re.compile("/(steps/1|today)/$"))


def walk_a_step(page: Page) -> None:
    page.goto("/steps/1/")
    page.get_by_role("link", name=re.compile("^Open it")).click()
    page.get_by_label("What happened").first.fill(HAPPENED)
    page.get_by_label("What I am filling in").first.fill(GUESSED)
    main_button(page, "Keep this").click()
    expect(page.locator("article.sheet")).to_contain_text(HAPPENED)
    expect(page.locator("article.sheet")).to_contain_text(f"{datetime.now(UTC):%Y}")
    page.goto("/steps/1/")
    main_button(page, "Settled for now").click()
    expect(page.get_by_role("status").first).to_contain_text("Settled for now")


def write_a_letter(page: Page) -> None:
    page.goto("/steps/3/")
    page.get_by_role("link", name=re.compile("^Sit down at the desk")).click()
    page.get_by_role("link", name="To them").click()
    page.get_by_label("Dear").fill(DEAR)
    page.get_by_label("What would you say").fill(LETTER)
    main_button(page, "I’ve had enough for today").click()
    page.get_by_label("lighter").check()
    main_button(page, re.compile("^Keep it")).click()
    assert page.locator("article .written").evaluate("node => node.textContent") == LETTER
    page.goto("/journal/")
    expect(page.locator("main")).to_contain_text("To them")
    expect(page.locator("main")).not_to_contain_text("Torvald")


def set_it_aside(page: Page) -> None:
    page.goto("/journal/")
    page.locator("main .letters a").first.click()
    main_link(page, "Seal it").click()
    page.get_by_label("Closed until").fill(f"{datetime.now(UTC).date() + timedelta(days=40)}")
    page.get_by_label("Shall a mail tell you").select_option("8")
    main_button(page, "Seal it").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Closed until")
    expect(page.locator("main")).not_to_contain_text("ferry")


def say_a_name(page: Page) -> None:
    page.goto("/you/")
    page.get_by_label("What would you like to be called?").fill(NAME)
    main_button(page, "Keep this").click()
    page.goto("/today/")
    expect(page.get_by_role("heading", level=1)).to_contain_text(NAME)


def ask_for_a_note(page: Page) -> None:
    """At eight, in a place where it is now some time after ten and before quiet hours begin."""
    page.goto("/you/reminders/")
    page.get_by_label("Where are you?").select_option(somewhere_by_day())
    page.get_by_label("Around what time?").select_option("8")
    main_button(page, "Turn notes on").click()
    expect(page.get_by_role("status").first).to_contain_text("Notes are on, around 8 am.")


def somewhere_by_day() -> str:
    now = datetime.now(UTC)
    by_day = (
        place for place, zone in places().items() if 11 <= now.astimezone(ZoneInfo(zone)).hour < 17
    )
    return next(by_day)


def three_days_go_by(product: Product, email: str) -> None:
    ago = "interval '3 days'"
    product.sql(
        f"UPDATE accounts_user SET last_visit_at = last_visit_at - {ago} WHERE email = %s",  # noqa: S608
        email,
    )
    product.sql(
        f"UPDATE reminders_schedule SET next_due_at = now(), chosen_at = chosen_at - {ago},"  # noqa: S608
        f" visit_seen_at = visit_seen_at - {ago} FROM accounts_user"
        " WHERE accounts_user.id = person_id AND email = %s",
        email,
    )


def its_day_comes(product: Product, email: str) -> None:
    """Theirs: somewhere it may be tomorrow already, but nowhere is it far from today."""
    product.sql(
        "UPDATE journal_letter SET tell_at = now(), opens_on = current_date - 1"
        " FROM accounts_user WHERE accounts_user.id = owner_id AND email = %s",
        email,
    )


def come_back_by_the_note(context: BrowserContext, product: Product, email: str) -> str:
    """The way back from the mail, in a browser that is not signed in. Returns the way to stop."""
    note = product.mail_to(email, "A note for you")
    assert note.mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    links = re.findall(r"https?://\S+", note.text)
    page = context.new_page()
    page.goto(next(link for link in links if "/r/" not in link))
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    main_button(page, "Sign in").click()
    expect(page).to_have_url(re.compile("/today/$"))
    expect(page.locator("main")).to_contain_text("Settled for now")
    return next(link for link in links if "/r/" in link)


def stop_the_notes(page: Page, stop: str) -> None:
    with urllib.request.urlopen(stop) as answer:
        assert answer.status == 200
    page.goto("/you/reminders/")
    expect(main_button(page, "Turn notes off")).to_be_visible()
    one_click = urllib.request.Request(stop, data=b"List-Unsubscribe=One-Click", method="POST")
    with urllib.request.urlopen(one_click) as answer:
        assert answer.status == 200
    page.reload()
    expect(main_button(page, "Turn notes on")).to_be_visible()


SIZES = {True: {"width": 1280, "height": 900}, False: {"width": 390, "height": 844}}


def email_of(scripts: bool) -> str:
    return f"herons-{'with' if scripts else 'without'}@example.org"


@pytest.fixture(scope="module")
def away(product: Product, new_context_of_module: NewContext) -> None:
    """Two people who did everything there is to do, and then stayed away for three days.

    One with scripts at a desk, one without at a phone. Their notes leave by the same turn of the
    clock, which comes once a minute.
    """
    for scripts, size in SIZES.items():
        context = new_context_of_module(java_script_enabled=scripts, viewport=size)
        page = context.new_page()
        sign_up(page, product, email_of(scripts))
        walk_a_step(page)
        write_a_letter(page)
        set_it_aside(page)
        say_a_name(page)
        ask_for_a_note(page)
    for scripts in SIZES:
        three_days_go_by(product, email_of(scripts))
        its_day_comes(product, email_of(scripts))


@pytest.mark.parametrize("scripts", SIZES, ids=["with scripts", "without scripts"])
def test_someone_who_walked_a_step_and_wrote_a_letter_comes_back_by_a_note(
    product: Product, away: None, new_context: NewContext, scripts: bool
) -> None:
    context = new_context(java_script_enabled=scripts, viewport=SIZES[scripts])

    stop = come_back_by_the_note(context, product, email_of(scripts))

    stop_the_notes(context.pages[0], stop)


@pytest.mark.parametrize("scripts", SIZES, ids=["with scripts", "without scripts"])
def test_someone_is_told_that_the_day_of_a_letter_has_come_and_reads_it(
    product: Product, away: None, new_context: NewContext, scripts: bool
) -> None:
    page = new_context(java_script_enabled=scripts, viewport=SIZES[scripts]).new_page()
    told = product.mail_to(email_of(scripts), "Something you set aside")
    (shelf,) = re.findall(r"https?://\S+", told.text)
    page.goto(shelf)
    page.get_by_label("Email").fill(email_of(scripts))
    page.get_by_label("Password").fill(PASSWORD)
    main_button(page, "Sign in").click()
    page.locator("main .letters a").first.click()
    main_button(page, re.compile("^Read it")).click()

    assert page.locator("article .written").evaluate("node => node.textContent") == LETTER


def test_none_of_their_words_is_anywhere_but_on_their_screen(product: Product) -> None:
    """Runs behind the journeys: the dump, the logs and the mails that they left."""
    state = product.place.read_state()
    assert state
    dump = subprocess.run(
        [binaries() / "pg_dump", "--dbname", state.environment["DATABASE_URL"], "--inserts"],
        capture_output=True,
        check=True,
    ).stdout
    assert b"herons-with@example.org" in dump
    assert b"journal_letter" in dump
    kept = [path for path in product.place.path.rglob("*") if path.suffix in {".log", ".eml"}]
    assert len(kept) > 4
    for found in [dump, *(path.read_bytes() for path in kept)]:
        assert not [word for word in WORDS if word.encode() in found]


def test_everything_is_erased_by_its_owner(product: Product, new_context: NewContext) -> None:
    page = new_context().new_page()
    email = "leaving@example.org"
    sign_up(page, product, email)
    page.goto("/you/privacy/erase/")
    page.get_by_label("Your password").fill("not it, sorry")
    main_button(page, "Erase everything").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was erased.")
    page.get_by_label("Your password").fill(PASSWORD)
    main_button(page, "Erase everything").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("It is gone")
    assert "Your account is erased" in product.mail_to(email, "Your account", seconds=30).text
    page.goto("/today/")
    expect(page).to_have_url(re.compile("/accounts/login/"))
