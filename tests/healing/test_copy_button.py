import pytest
from playwright.sync_api import expect

from tests.support.browser import NewPage, follow
from tests.support.client import Client

ASKING = "/steps/6/asking/"


@pytest.mark.parametrize(
    ("page", "may_copy"), [(ASKING, True), ("/steps/5/boundary/", False), ("/steps/6/", False)]
)
def test_only_pages_with_a_copy_button_may_write_to_the_clipboard(
    as_alice: Client, page: str, may_copy: bool
) -> None:
    policy = as_alice.get(page).headers["Permissions-Policy"].split(", ")

    assert ("clipboard-write=(self)" in policy, "clipboard-write=()" in policy) == (
        may_copy,
        not may_copy,
    )
    assert "clipboard-read=()" in policy


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_sentence_is_copied_as_it_stands(new_page: NewPage, as_alice: Client) -> None:
    page = new_page(as_alice)
    # A browser without a window asks nobody, and refuses.
    page.context.grant_permissions(["clipboard-write"])
    page.goto(ASKING)
    for name, words in {"who": "Jo", "how_i_am": "tired", "wish": "ring me on Sunday"}.items():
        page.locator(f"[name={name}]").fill(words)
    follow(page.get_by_role("button", name="Save", exact=True))

    page.get_by_role("button", name="Copy").click()

    expect(page.get_by_text("Copied.")).to_be_visible()
    page.get_by_text("Write another").click()
    page.locator("[name=wish]").focus()
    page.keyboard.press("Control+V")
    expect(page.locator("[name=wish]")).to_have_value(
        "Hello Jo, I am tired. Could you ring me on Sunday?"
    )

    page.goto("/steps/5/boundary/")
    refused = page.evaluate(
        "navigator.clipboard.writeText('x').then(() => '', error => error.name)"
    )
    assert refused == "NotAllowedError"
