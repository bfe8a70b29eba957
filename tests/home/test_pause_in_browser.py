"""A hard moment in a browser: through a closed tab, the lock and a night, also without scripts."""

import re
from datetime import datetime, timedelta

import pytest
import time_machine
from playwright.sync_api import Page, expect

from accounts.models import User
from pause.models import Pause
from tests.support.browser import NewPage, follow
from tests.support.client import PASSWORD
from tests.support.geometry import cut_off_in_window, wrong_in_window
from tests.support.people import signed_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WORDS = "Are you there? I keep thinking about Saturday."
MINUTE = timedelta(minutes=1)


def begin(page: Page) -> None:
    page.get_by_label("What you would send them").fill(WORDS)
    follow(page.get_by_role("button", name="Wait with me ten minutes"))


def place(page: Page) -> tuple[float, float]:
    """Where the boat is."""
    transform = page.locator("[data-boat]").get_attribute("transform") or ""
    x, y = re.findall(r"[\d.]+", transform)[:2]
    return float(x), float(y)


def say(page: Page, end: str) -> None:
    follow(page.get_by_role("button", name=end))


def test_pause_goes_on_through_a_closed_tab_and_the_lock(
    new_page: NewPage, alice: User, now: datetime
) -> None:
    with time_machine.travel(now):
        page = new_page(signed_in(alice))
        page.emulate_media(reduced_motion="no-preference")
        page.clock.install()
        page.goto("/pause/")
        # What is not sent yet comes back from this device.
        page.get_by_label("What you would send them").fill("Are you")
        page.goto("/today/")
        follow(page.get_by_role("link", name="I want to write to them"))
        expect(page.get_by_label("What you would send them")).to_have_value("Are you")
        begin(page)
        expect(page.get_by_text("It is rising.")).to_be_visible()
        first = place(page)
        page.clock.fast_forward("05:00")
        expect(page.get_by_text("This is the high part.")).to_be_visible()
        crest = place(page)
        assert first[0] < crest[0]
        assert crest[1] < first[1] - 100
        expect(page.locator("main")).not_to_contain_text(WORDS)
        context = page.context
        page.close()

    with time_machine.travel(now + 7 * MINUTE):
        page = context.new_page()
        page.clock.install()
        page.goto("/pause/")
        expect(page.get_by_text("The last part.")).to_be_visible()
        still = place(page)
        assert still[0] > crest[0]
        page.request.get("/leave/", max_redirects=0)
        page.goto("/pause/")
        page.get_by_label("Password").fill(PASSWORD)
        follow(page.locator("main").get_by_role("button", name="Unlock"))
        page.wait_for_url("**/pause/")
        # A still picture where motion is off. The ends come without a reload.
        page.clock.fast_forward("06:00")
        expect(page.get_by_text("The time is over.")).to_be_visible()
        assert abs(place(page)[0] - still[0]) < 10
        say(page, "It is still there")
        expect(page.get_by_role("heading", level=1)).to_have_text("It is still there")

    with time_machine.travel(now + timedelta(hours=12)):
        page = new_page(signed_in(alice))
        page.goto("/today/")
        expect(page.get_by_text("Do you still want to?")).to_be_visible()
        follow(page.get_by_role("link", name="See what you wrote"))
        expect(page.locator("article")).to_contain_text(WORDS)
        follow(page.get_by_role("button", name="A letter"))
        expect(page.locator("article")).to_contain_text(WORDS)
        page.goto("/today/")
        expect(page.locator("main")).not_to_contain_text("Do you still want to?")
    assert not Pause.objects.exists()


def test_pause_needs_no_script(new_page: NewPage, alice: User, now: datetime) -> None:
    User.objects.filter(pk=alice.pk).update(time_zone="Europe/Dublin")
    with time_machine.travel(now):
        page = new_page(signed_in(alice), scripts=False)
        page.goto("/pause/")
        begin(page)
        expect(page.get_by_text("It began at 8:14 pm and is over at 8:24 pm.")).to_be_visible()
        follow(page.get_by_role("link", name="Something else"))
        expect(page.get_by_text("A helpline is someone too")).to_be_visible()

    with time_machine.travel(now + 11 * MINUTE):
        page.goto("/pause/")
        say(page, "Ten more minutes")
        expect(page.get_by_text("It began at 8:25 pm and is over at 8:35 pm.")).to_be_visible()

    with time_machine.travel(now + 14 * MINUTE):
        follow(page.get_by_role("link", name="See where the boat is now"))
        page.get_by_text("Stop here, or stay longer").click()
        say(page, "I sent it")
        expect(page.get_by_role("heading", level=1)).to_have_text("How are you now?")
        page.get_by_label("hard to say").check()
        follow(page.get_by_role("button", name="Save"))
        expect(page.locator("main .why")).to_have_text("hard to say")


def test_pause_fits_every_window(new_page: NewPage, alice: User, now: datetime) -> None:
    """Also 400 % zoom, and the first button is on a phone's first screen."""
    with time_machine.travel(now):
        page = new_page(signed_in(alice))
        page.set_viewport_size({"width": 390, "height": 664})
        page.goto("/pause/")
        button = page.get_by_role("button", name="Wait with me ten minutes").bounding_box()
        assert button
        assert button["y"] + button["height"] <= 664 - 64
        wrong = [wrong_in_window(page, 320, 256), cut_off_in_window(page, 320, 256)]
        begin(page)
        page.set_viewport_size({"width": 390, "height": 844})
        scene = page.locator(".hero-pause .scene").bounding_box()
        assert scene
        assert 0.38 <= scene["height"] / 844 <= 0.42
        wrong += [wrong_in_window(page, 320, 256), cut_off_in_window(page, 320, 256)]
    assert wrong == [[], [], [], []]
