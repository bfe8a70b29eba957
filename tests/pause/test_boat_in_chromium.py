"""Folding the boat in a browser, and what its page cannot do there."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import NewContext, NewPage, follow
from tests.support.client import Client
from tests.support.live_site import NEUTRAL, Site

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WORDS = "You were going to call on Sunday."
PLANTED = """
async (elsewhere) => {
  const refused = [];
  addEventListener("securitypolicyviolation", (event) =>
    refused.push(`${event.effectiveDirective} ${event.blockedURI}`));
  const make = (tag, attributes) => document.body.append(
    Object.assign(document.createElement(tag), attributes));
  const here = `${location.origin}/planted/`;
  fetch(`${here}fetch`).catch(() => {});
  navigator.sendBeacon(`${here}beacon`, "words");
  new EventSource(`${here}events`);
  try { new WebSocket(`ws://${location.host}/planted/socket`); } catch {}
  make("img", { src: `${here}image` });
  make("img", { src: `${elsewhere}planted/image` });
  make("link", { rel: "prefetch", href: `${elsewhere}planted/prefetch` });
  make("iframe", { src: `${here}frame` });
  make("form", { action: `${here}form`, method: "post" });
  document.querySelector("form").submit();
  while (!/form-action.*planted.prefetch|planted.prefetch.*form-action/.test(refused)) {
    await new Promise(requestAnimationFrame);
  }
  return refused;
}
"""


def handled(site: Site) -> list[str]:
    """Return the paths that were asked for since the last call."""
    return [site.handled.get() for _ in range(site.handled.qsize())]


def at_the_boat(page: Page) -> Page:
    page.goto("/boat/")
    page.get_by_label("What would you say to them").fill(WORDS)
    return page


def test_boat_is_folded_and_skipped_by_keyboard(new_context: NewContext, site: Site) -> None:
    page = new_context(base_url=site.url, reduced_motion="no-preference").new_page()
    at_the_boat(page)
    page.evaluate("document.fonts.ready.then(() => true)")
    handled(site)
    field = page.get_by_label("What would you say to them")
    field.focus()

    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Fold it")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1, name="There it goes")).to_be_focused()
    expect(field).to_have_count(0)
    drifting = "document.querySelector('[data-boat-picture]').getAnimations()[0]"
    assert page.evaluate(f"{drifting}.effect.getComputedTiming().duration") == 16_000
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="It is gone")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="See the steps")).to_be_focused()
    assert WORDS not in page.content()
    assert handled(site) == []


def test_boat_that_is_watched_is_gone_by_itself(new_context: NewContext, site: Site) -> None:
    page = new_context(base_url=site.url, reduced_motion="no-preference").new_page()
    at_the_boat(page)
    page.get_by_role("button", name="Fold it").click()
    expect(page.get_by_role("heading", name="There it goes")).to_be_visible()

    page.evaluate(
        "document.querySelector('[data-boat-picture]').getAnimations()"
        ".forEach((each) => each.finish())"
    )

    expect(page.get_by_role("heading", name="It is gone")).to_be_focused()
    expect(page.get_by_role("button", name="Skip")).to_be_hidden()


def test_still_picture_needs_no_waiting(new_page: NewPage) -> None:
    page = at_the_boat(new_page())

    page.get_by_role("button", name="Fold it").click()

    expect(page.get_by_role("heading", name="It is gone")).to_be_focused()
    expect(page.locator("[data-boat-picture]")).to_be_visible()


def test_without_a_script_paper_is_left_and_no_field(new_page: NewPage) -> None:
    page = new_page(scripts=False)
    page.goto("/boat/")

    expect(page.locator("textarea")).to_have_count(0)
    expect(page.locator("noscript p")).to_be_visible()
    expect(page.get_by_text("A bowl of water is sea enough.")).to_be_visible()


def test_nothing_that_is_planted_gets_out(new_page: NewPage, site: Site, neutral_url: str) -> None:
    page = at_the_boat(new_page())
    handled(site)

    refused = page.evaluate(PLANTED, neutral_url)

    here = f"{site.url}/planted/"
    assert set(refused) >= {
        f"connect-src {here}fetch",
        f"connect-src {here}beacon",
        f"connect-src {here}events",
        f"connect-src {here.replace('http', 'ws')}socket",
        f"img-src {here}image",
        f"img-src {neutral_url}planted/image",
        f"frame-src {here}frame",
        f"form-action {here}form",
    }
    assert handled(site) == []
    # On another page of ours the same does get out.
    page.goto("/about/")
    page.evaluate("fetch('/planted/fetch').then(() => true)")
    assert "/planted/fetch" in handled(site)


def test_leaving_opens_the_way_out_itself(new_page: NewPage, as_alice: Client, site: Site) -> None:
    page = at_the_boat(new_page(as_alice))
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    handled(site)

    for _ in range(3):
        page.keyboard.press("Shift")

    expect(page.locator("body")).to_have_text(NEUTRAL)
    assert handled(site) == ["/leave/"]
    assert said == []
    page.goto(f"{site.url}/today/")
    assert urlsplit(page.url).path == "/accounts/reauthenticate/"


@pytest.mark.back_forward_cache
def test_field_is_empty_after_reload_and_back(new_page: NewPage) -> None:
    page = at_the_boat(new_page())
    page.reload()
    expect(page.get_by_label("What would you say to them")).to_have_value("")
    at_the_boat(page)
    follow(page.get_by_role("navigation").get_by_role("link", name="Help"))

    page.go_back()

    expect(page.get_by_label("What would you say to them")).to_have_value("")
