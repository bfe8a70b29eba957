"""The main job of the product, step by step, as a person does it on its pages."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import BrowserContext, Locator, Page, expect

from accounts.time_zones import places
from tests.support.browser import NewContext
from tests.support.product import Product

PASSWORD = "seven quiet herons"
# What a person writes. tests/support/private_words.py names parts of it.
NAME = "Quillonda"
HAPPENED = "The marzipan stayed on the table at Vellmoor."
GUESSED = "That Torvald had grown tired of my laughing."
DEAR = "Torvaldine"
LETTER = "I kept the ferry ticket from Oskarshavn.\n\nYou never asked; I would have told you."

# One person with scripts at a desk, one without scripts at a phone.
SIZES = {True: {"width": 1280, "height": 900}, False: {"width": 390, "height": 844}}


def email_of(scripts: bool) -> str:
    return f"herons-{'with' if scripts else 'without'}@example.org"


def context_of(scripts: bool, new_context: NewContext) -> BrowserContext:
    return new_context(java_script_enabled=scripts, viewport=SIZES[scripts])


def do_everything_then_stay_away(product: Product, new_context: NewContext) -> None:
    """Both people do all there is to do, and then let three days go by.

    The mails that bring them back leave with the next plan of reminders, once a minute.
    """
    for scripts in SIZES:
        page = context_of(scripts, new_context).new_page()
        sign_up(page, product, email_of(scripts))
        walk_a_step(page)
        write_a_letter(page)
        seal_it(page)
        choose_a_name(page)
        ask_for_a_note(page)
    for scripts in SIZES:
        let_three_days_pass(product, email_of(scripts))
        let_the_letter_open(product, email_of(scripts))


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
    code = re.search(r"code: (\S+)", product.mail_to(email, "Your code").text)
    assert code
    page.get_by_label("Code").fill(code[1])
    page.locator("main form").first.get_by_role("button").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Before you begin")
    main_button(page, "I have read this").click()
    expect(page).to_have_url(re.compile("/(steps/1|today)/$"))


def walk_a_step(page: Page) -> None:
    page.goto("/steps/1/")
    page.get_by_role("link", name=re.compile("^Go straight to the exercise")).click()
    page.get_by_label("What happened").first.fill(HAPPENED)
    page.get_by_label("What I am filling in").first.fill(GUESSED)
    main_button(page, "Save").click()
    expect(page.locator("article.sheet")).to_contain_text(HAPPENED)
    expect(page.locator("article.sheet")).to_contain_text(f"{datetime.now(UTC):%Y}")
    page.goto("/steps/1/")
    main_button(page, "Done for now").click()
    expect(page.get_by_role("status").first).to_contain_text("Done for now")


def write_a_letter(page: Page) -> None:
    page.goto("/steps/3/")
    page.get_by_role("link", name=re.compile("^Go straight to the exercise")).click()
    page.get_by_label("Dear").fill(DEAR)
    page.get_by_label("What would you say").fill(LETTER)
    main_button(page, "That’s enough for today").click()
    page.get_by_label("lighter").check()
    main_button(page, re.compile("^Keep")).click()
    assert page.locator("article .written").evaluate("node => node.textContent") == LETTER
    page.goto("/journal/")
    expect(page.locator("main")).to_contain_text("To them")
    expect(page.locator("main")).not_to_contain_text("Torvald")


def seal_it(page: Page) -> None:
    page.goto("/journal/")
    page.locator("main .letters a").first.click()
    main_link(page, "Seal it").click()
    page.get_by_label("On a day I pick").check()
    page.get_by_label("The day I pick").fill(f"{datetime.now(UTC).date() + timedelta(days=40)}")
    page.get_by_label("Shall a mail tell you").select_option("8")
    main_button(page, "Seal it").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Sealed until")
    expect(page.locator("main")).not_to_contain_text("ferry")


def choose_a_name(page: Page) -> None:
    page.goto("/you/")
    page.get_by_label("What would you like to be called?").fill(NAME)
    main_button(page, "Save").click()
    page.goto("/today/")
    expect(page.get_by_role("heading", level=1)).to_contain_text(NAME)


def ask_for_a_note(page: Page) -> None:
    """At eight, in a place where it is the middle of the day now, outside quiet hours."""
    page.goto("/you/reminders/")
    page.get_by_label("Your time zone").select_option(somewhere_by_day())
    page.get_by_label("Around what time?").select_option("8")
    main_button(page, "Turn reminders on").click()
    expect(page.get_by_role("status").first).to_contain_text("Reminders are on, around 8 am.")


def somewhere_by_day() -> str:
    now = datetime.now(UTC)
    by_day = (
        place for place, zone in places().items() if 11 <= now.astimezone(ZoneInfo(zone)).hour < 17
    )
    return next(by_day)


def let_three_days_pass(product: Product, email: str) -> None:
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


def let_the_letter_open(product: Product, email: str) -> None:
    """Yesterday in the database's zone: nowhere is their own date more than a day away."""
    product.sql(
        "UPDATE journal_letter SET tell_at = now(), opens_on = current_date - 1"
        " FROM accounts_user WHERE accounts_user.id = owner_id AND email = %s",
        email,
    )
