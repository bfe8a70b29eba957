"""Begin and end: against the real web server, worker, beat, SMTP and databases."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.main_job import PASSWORD, main_button, sign_up
from tests.support.browser import NewContext
from tests.support.product import Product

pytestmark = pytest.mark.browser


# The mails that test_return.py waits for leave up to a minute later: begin here, in the first file.
@pytest.mark.usefixtures("two_people_away")
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
    assert "Your account is erased" in product.mail_to(email, "Your account").text
    page.goto("/today/")
    expect(page).to_have_url(re.compile("/accounts/login/"))
