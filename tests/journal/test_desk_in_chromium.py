"""The desk in a real browser: no word is lost, whatever goes wrong, and none is left lying about.

What was written is compared byte for byte with what the database opens to.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Locator, Page, Request, Route, expect

from accounts.models import User
from journal.actions import throw_away
from journal.forms import MAX_CHARACTERS
from journal.models import Letter, Revision
from tests.conftest import PASSWORD, Client
from tests.support.letters import a_draft, a_letter, bodies, earlier, words_of
from tests.support.site_in_chromium import NEUTRAL, PATIENCE, NewPage, Site, Weather

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Of many scripts, with what is easily lost: lines at either end, tabs, signs beyond the first
# plane, signs made of several, and a direction of writing that changes.
WORDS = (
    "\n  I kept the ticket from Øskarshavn.\t— Ärlig\n\n"
    "雪が降る 👩\u200d👧 e\u0301 שלום <b>&amp;\u00a0\n"
)
MORE = f"{WORDS}And one line more, gläserne Brücke.\n"
NEW = "/journal/write/them/"
SAVE = "**/autosave/"
KEPT = re.compile(r"Kept at \d")
EDIT_OF = "/journal/%s/edit/"
EDITING = re.compile(r"/journal/[0-9a-f-]{36}/edit/(\?since=\d+)?$")

Desk = Callable[..., Page]


@pytest.fixture
def desk(new_page: NewPage, as_alice: Client) -> Desk:
    """Alice at her desk, in a browser of her own; with `clock`, its time stands still."""

    def sit_down(address: str = NEW, *, scripts: bool = True, clock: bool = False) -> Page:
        page = new_page(as_alice, scripts=scripts)
        page.set_default_timeout(PATIENCE * 1000)
        if clock:
            page.clock.install(time=datetime(2026, 3, 12, 20, 14, tzinfo=UTC))
        page.goto(address)
        if clock:
            page.clock.pause_at(datetime(2026, 3, 12, 20, 30, tzinfo=UTC))
        return page

    return sit_down


def beside(page: Page, address: str = NEW) -> Page:
    """Another tab of the same browser."""
    other = page.context.new_page()
    other.set_default_timeout(PATIENCE * 1000)
    other.goto(address)
    return other


def paper(page: Page) -> Locator:
    return page.locator("main textarea")


def status(page: Page) -> Locator:
    return page.locator("[data-desk]")


def version(page: Page) -> Locator:
    """Of the letter’s words, the newest that the page knows of."""
    return page.locator("main form [name=version]")


def button(page: Page, name: str) -> Locator:
    return page.locator("main").get_by_role("button", name=name)


def write(page: Page, words: str = WORDS) -> None:
    paper(page).fill(words)


def write_and_wait(page: Page, words: str = WORDS) -> int:
    """Until the server has answered. Returns its status."""
    with page.expect_response(SAVE) as answer:
        write(page, words)
    return answer.value.status


def write_unheard(page: Page, words: str = WORDS) -> None:
    """Where nothing gets through, until that is said."""
    write(page, words)
    expect(status(page)).to_contain_text("on this device, encrypted")


def requests(page: Page) -> list[Request]:
    """What the desk sends to be kept, from now on."""
    sent: list[Request] = []
    page.on("request", lambda each: sent.append(each) if "/autosave/" in each.url else None)
    return sent


def lose(route: Route) -> None:
    """It arrives, and its answer does not."""
    route.fetch()
    route.abort()


def tell(page: Page, event: str) -> None:
    """A browser without a window has no other windows that somebody could come back from."""
    page.evaluate("(name) => dispatchEvent(new Event(name))", event)


COPIES = """
async () => {
  const names = (await indexedDB.databases()).map((each) => each.name);
  if (!names.includes("desk")) return [];
  const opened = await new Promise((done) => {
    const asked = indexedDB.open("desk");
    asked.onsuccess = () => done(asked.result);
  });
  const copies = await new Promise((done) => {
    const asked = opened.transaction("copies").objectStore("copies").getAll();
    asked.onsuccess = () => done(asked.result);
  });
  opened.close();
  return copies.map(({ bytes }) => Array.from(new Uint8Array(bytes)));
}
"""


RECORDS = """
async () => {
  const desk = await new Promise((done) => {
    const asked = indexedDB.open("desk");
    asked.onsuccess = () => done(asked.result);
  });
  const copies = desk.transaction("copies").objectStore("copies");
  const every = (what) => new Promise((done) => (what.onsuccess = () => done(what.result)));
  const [places, records] = [await every(copies.getAllKeys()), await every(copies.getAll())];
  desk.close();
  return records.map(({ iv, bytes }, at) => [places[at], [...iv], [...new Uint8Array(bytes)]]);
}
"""


LAY = """
async ([place, iv, bytes]) => {
  const desk = await new Promise((done) => {
    const asked = indexedDB.open("desk");
    asked.onsuccess = () => done(asked.result);
  });
  const laid = desk.transaction("copies", "readwrite");
  const record = { iv: new Uint8Array(iv), bytes: new Uint8Array(bytes).buffer };
  laid.objectStore("copies").put(record, place);
  await new Promise((done) => (laid.oncomplete = done));
  desk.close();
}
"""


# A page that is asked until it says yes takes a promise for one.
LIE_THERE = f"""
([count, asked]) => {{
  ({COPIES})().then((found) => (window[asked] = found.length));
  return window[asked] === count;
}}
"""


IS_OTHER = f"""
([before, asked]) => {{
  ({COPIES})().then((found) => (window[asked] = String(found[0])));
  return asked in window && window[asked] !== String(before);
}}
"""


def wait_for_copies(page: Page, count: int) -> None:
    """Until so many lie on this device."""
    page.wait_for_function(LIE_THERE, arg=[count, str(uuid4())])


def copies(page: Page) -> list[bytes]:
    """What lies on this device."""
    return [bytes(each) for each in page.evaluate(COPIES)]


STORED = """
async () => [
  ...Object.entries(localStorage).flat(),
  ...Object.entries(sessionStorage).flat(),
  ...(await caches.keys()),
  ...(await indexedDB.databases()).map((each) => each.name),
]
"""


# Once a page has delivered what it can, it says so to the other tabs.
LISTEN_TO_TABS = """
() => {
  window.tabs = new BroadcastChannel("desk");
  window.tabs.addEventListener("message", ({ data }) => console.debug(data));
}
"""


def sign_in(page: Page, person: User, now: datetime) -> None:
    """By hand. Their address is confirmed, and they have been here before."""
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    person.shown_safety_at = now
    person.save(update_fields=["shown_safety_at"])
    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    button(page, "Sign in").first.click()


def unlock(page: Page) -> None:
    page.get_by_label("Password").fill(PASSWORD)
    button(page, "Open my pages").first.click()


def lock(page: Page) -> None:
    """As leaving does, in another tab."""
    page.context.request.get("/leave/", max_redirects=0)


# --- Kept while it is written --------------------------------------------------------------


def test_words_are_kept_as_they_are_written(desk: Desk, alice: User) -> None:
    page = desk()

    write_and_wait(page)

    expect(status(page)).to_have_text(KEPT)
    expect(page).to_have_url(EDITING)
    assert bodies(alice) == [WORDS]


def test_draft_is_changed_where_it_was_left(desk: Desk, alice: User, now: datetime) -> None:
    draft = a_draft(alice, WORDS, now=now)
    page = desk(f"/journal/{draft.pk}/edit/")
    expect(paper(page)).to_have_value(WORDS)

    for words in (MORE, WORDS, MORE):
        assert write_and_wait(page, words) == 200

    assert words_of(draft, alice).body == MORE
    expect(version(page)).to_have_value("4")


def test_copy_on_the_device_goes_as_soon_as_the_words_are_kept(desk: Desk) -> None:
    page = desk()
    page.context.set_offline(True)
    write_unheard(page)
    assert len(copies(page)) == 1

    page.context.set_offline(False)

    expect(status(page)).to_have_text(KEPT)
    wait_for_copies(page, 0)


def test_whoever_goes_on_writing_is_kept_every_five_seconds(desk: Desk, alice: User) -> None:
    page = desk(clock=True)
    sent = requests(page)

    for _ in range(9):
        paper(page).press_sequentially("a")
        page.clock.run_for(500)
    assert sent == []
    with page.expect_response(SAVE):
        paper(page).press_sequentially("a")
        page.clock.run_for(500)

    assert bodies(alice) == ["a" * 10]


HEAR = """
() => {
  window.heard = [];
  const status = document.querySelector("[data-desk]");
  new MutationObserver(() => window.heard.push(status.textContent))
    .observe(status, { childList: true, subtree: true });
}
"""


def test_that_it_is_kept_is_said_once_a_minute(desk: Desk) -> None:
    page = desk(clock=True)
    page.evaluate(HEAR)
    now = timezone.now()

    for minute in range(4):
        # Each time we would have something new to say.
        with time_machine.travel(now + timedelta(minutes=minute)):
            write(page, f"{WORDS}{minute}")
            page.clock.run_for(800)
            expect(version(page)).to_have_value(str(minute + 1))
        page.clock.run_for(20_000)

    first, last = page.evaluate("() => window.heard")
    assert re.search(KEPT, first)
    assert re.search(KEPT, last)
    assert first != last


def test_device_whose_clock_is_hours_off_keeps_every_word(desk: Desk, alice: User) -> None:
    page = desk(clock=True)
    now = timezone.now()

    for turn, hours in enumerate((0, -5, 9)):
        at = now + timedelta(minutes=turn)
        page.clock.set_system_time(now + timedelta(hours=hours))
        with time_machine.travel(at):
            write(page, f"{WORDS}{hours}")
            page.clock.run_for(800)
            # By the clock of where it is kept.
            time = f"{timezone.localtime(at, alice.zone):%-I:%M %p}".lower()
            expect(status(page)).to_contain_text(f"Kept at {time}")
        page.clock.run_for(60_000)

    assert bodies(alice) == [f"{WORDS}9"]
    wait_for_copies(page, 0)


# Typing so much would take the browser longer than the desk.
PASTE = """
(paper, words) => {
  paper.value = words;
  paper.dispatchEvent(new Event("input", { bubbles: true }));
}
"""


def test_letter_of_100_000_characters_is_kept(desk: Desk, alice: User) -> None:
    page = desk()
    words = (WORDS * (MAX_CHARACTERS // len(WORDS) + 1))[:MAX_CHARACTERS]

    with page.expect_response(SAVE) as answer:
        paper(page).evaluate(PASTE, words)

    assert answer.value.status == 200
    assert bodies(alice) == [words]


# As from a page without a script.
HAND_IN = """
(words) => {
  const form = document.querySelector("main form").cloneNode(true);
  form.elements.body.value = words;
  document.body.append(form);
  form.submit();
}
"""
WATCH = """
() => {
  window.outlives = [];
  const send = window.fetch;
  window.fetch = (address, how) => {
    window.outlives.push(how.keepalive);
    return send(address, how);
  };
}
"""


def test_what_is_sent_outlives_its_page_where_the_browser_lets_it(desk: Desk) -> None:
    """A browser refuses to do so for much."""
    page = desk()
    page.evaluate(WATCH)

    for words in (WORDS, "x" * 70_000):
        with page.expect_response(SAVE) as answer:
            paper(page).evaluate(PASTE, words)
        assert answer.value.status == 200

    assert page.evaluate("() => window.outlives") == [True, False]


def test_letter_that_is_too_long_stays_on_the_paper(desk: Desk, alice: User) -> None:
    page = desk()
    write_and_wait(page)

    with page.expect_response(SAVE) as answer:
        paper(page).evaluate(PASTE, "x" * (MAX_CHARACTERS + 1))

    assert answer.value.status == 422
    expect(status(page)).to_contain_text("longer than one letter holds")
    expect(paper(page)).to_have_value("x" * (MAX_CHARACTERS + 1))
    assert len(copies(page)) == 1
    assert bodies(alice) == [WORDS]


def test_button_hands_in_what_is_kept_already(desk: Desk, alice: User) -> None:
    page = desk()
    write(page)

    with page.expect_response(lambda answer: answer.request.is_navigation_request()) as answer:
        button(page, "enough for today").click()

    assert answer.value.status == 302
    assert answer.value.headers["location"].endswith("/close/")
    expect(page).to_have_url(re.compile("/close/$"))
    assert bodies(alice) == [WORDS]
    wait_for_copies(page, 0)


def test_borrowed_line_takes_the_place_of_nothing(
    desk: Desk, as_alice: Client, alice: User
) -> None:
    as_alice.post(f"{NEW}lines/", {"opening": "Since the ferry left,"})
    page = desk(clock=True)
    write(page, "one two")
    paper(page).evaluate("paper => paper.setSelectionRange(0, 3)")

    button(page, "What I needed was").click()
    button(page, "Since the ferry left").click()

    words = "oneWhat I needed was Since the ferry left,  two"
    expect(paper(page)).to_have_value(words)
    expect(paper(page)).to_be_focused()
    page.clock.run_for(800)
    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == [words]


LISTEN = """
() => {
  window.rung = [];
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...when) {
    window.rung.push(this.context.state);
    start.apply(this, when);
  };
}
"""


def test_bell_rings_once_and_nothing_counts(desk: Desk) -> None:
    page = desk(clock=True)
    page.evaluate(LISTEN)
    before = page.locator("main").inner_text()
    page.get_by_label("A soft bell").check()

    page.clock.run_for(20 * 60_000 - 1)
    assert page.locator("main").inner_text() == before
    page.clock.run_for(1)

    expect(page.locator("[data-bell-said]")).to_contain_text("Twenty minutes have gone by")
    expect(page.get_by_label("A soft bell")).not_to_be_checked()
    assert page.evaluate("() => window.rung") == ["running"]


# --- Pages that go -------------------------------------------------------------------------


def test_tab_is_closed_while_somebody_writes(desk: Desk, server: Site, alice: User) -> None:
    page = desk(clock=True)
    write(page)
    page.clock.run_for(100)
    wait_for_copies(page, 1)

    page.close()

    server.wait_for("/autosave/")
    assert bodies(alice) == [WORDS]
    # The copy that it left meets its own words.
    later = page.context.new_page()
    later.goto(EDIT_OF % Letter.objects.get().pk)
    expect(paper(later)).to_have_value(WORDS)
    wait_for_copies(later, 0)
    assert not Revision.objects.exists()


def test_tab_is_closed_while_an_answer_is_under_way(
    desk: Desk, server: Site, alice: User, now: datetime
) -> None:
    """What comes next is not taken for words of another page."""
    draft = a_draft(alice, "first", now=now)
    page = desk(f"/journal/{draft.pk}/edit/")
    server.way_back.hold(f"/journal/{draft.pk}/autosave/")
    write(page, WORDS)
    server.wait_for("/autosave/")
    write(page, MORE)

    page.close()

    server.wait_for("/autosave/")
    assert words_of(draft, alice).body == MORE
    assert not Revision.objects.late().exists()


def test_new_paper_is_closed_during_its_first_save(desk: Desk, server: Site, alice: User) -> None:
    page = desk()
    address = f"/journal/{page.locator('main form [name=id]').input_value()}/autosave/"
    server.way_back.hold(address)
    write(page, WORDS)
    server.wait_for("/autosave/")
    write(page, MORE)

    page.close()

    server.wait_for("/autosave/")
    assert bodies(alice) == [MORE]
    assert not Revision.objects.late().exists()


def test_page_that_closes_while_an_answer_is_under_way_writes_over_nothing(
    desk: Desk, server: Site, alice: User, now: datetime
) -> None:
    """Another device has come in between."""
    draft = a_draft(alice, "first", now=now)
    page, elsewhere = desk(EDIT_OF % draft.pk), desk(EDIT_OF % draft.pk)
    write(elsewhere, "from elsewhere")
    server.wait_for("/autosave/")
    server.way_back.hold(f"/journal/{draft.pk}/autosave/")
    write(page, WORDS)
    server.wait_for("/autosave/")
    write(page, MORE)

    page.close()

    server.wait_for("/autosave/")
    assert words_of(draft, alice).body == "from elsewhere"
    assert earlier(draft, alice, late=True) == [MORE, WORDS]


def test_page_is_loaded_anew_in_the_middle_of_a_save(
    desk: Desk, server: Site, alice: User, now: datetime
) -> None:
    """What it had sent before arrives last, and makes no second text of it."""
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk)
    server.gate.hold(f"/journal/{draft.pk}/autosave/")
    write(page, WORDS)
    assert server.gate.arrived.wait(PATIENCE)
    write(page, MORE)
    wait_for_copies(page, 1)

    page.reload()
    expect(paper(page)).to_have_value(MORE)
    server.gate.open()

    expect(status(page)).to_contain_text(KEPT)
    wait_for_copies(page, 0)
    assert words_of(draft, alice).body == MORE
    assert not Revision.objects.late().exists()
    assert write_and_wait(page, "and on") == 200
    assert words_of(draft, alice).body == "and on"


def test_new_paper_is_loaded_anew_after_an_answer_that_was_lost(desk: Desk, alice: User) -> None:
    """The words that it goes on with are known as those of the same page."""
    page = desk()
    page.route(SAVE, lose, times=1)
    write_unheard(page)
    page.route(SAVE, lambda route: route.abort())
    write(page, MORE)
    button(page, "Keep it as a draft").click()
    expect(status(page)).to_contain_text("on this device, encrypted")
    page.unroute(SAVE)

    page.reload()

    expect(paper(page)).to_have_value(MORE)
    expect(status(page)).to_contain_text("are on the paper again. Kept at")
    assert bodies(alice) == [MORE]
    assert not Revision.objects.late().exists()


def test_copy_that_another_tab_delivers_is_overtaken_by_nothing_of_its_page(
    desk: Desk, alice: User
) -> None:
    page = desk(clock=True)
    write(page, WORDS)
    page.clock.run_for(100)
    wait_for_copies(page, 1)
    write(page, MORE)

    other = beside(page, "/journal/")

    expect(status(other)).to_contain_text("are kept now")
    expect(version(page)).to_have_value("2")
    assert bodies(alice) == [MORE]
    assert not Revision.objects.late().exists()


def test_draft_that_was_loaded_before_its_words_came_shows_them(
    desk: Desk, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk)
    page.route(SAVE, lose, times=1)
    write_unheard(page, WORDS)
    page.route(SAVE, lambda route: route.abort())
    write(page, MORE)
    button(page, "Keep it as a draft").click()
    wait_for_copies(page, 1)
    page.unroute(SAVE)

    page.reload()

    expect(paper(page)).to_have_value(MORE)
    expect(status(page)).to_contain_text("are on the paper again. Kept at")
    assert write_and_wait(page, "and on") == 200
    assert words_of(draft, alice).body == "and on"
    assert not Revision.objects.late().exists()


NO_ROOM = """
IDBObjectStore.prototype.put = () => {
  throw new DOMException("", "QuotaExceededError");
};
"""


def test_old_copy_stays_where_there_is_no_room_for_a_new_one(
    desk: Desk, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk)
    page.route(SAVE, lambda route: route.abort())
    write_unheard(page)
    page.add_init_script(NO_ROOM)

    page.reload()

    expect(paper(page)).to_have_value(WORDS)
    expect(status(page)).to_contain_text("on this screen only")
    assert len(copies(page)) == 1


def test_page_is_loaded_anew_in_the_middle_of_a_line(desk: Desk, alice: User) -> None:
    page = desk(clock=True)
    write(page)
    page.clock.run_for(100)
    wait_for_copies(page, 1)

    page.reload()

    expect(paper(page)).to_have_value(WORDS)
    page.clock.resume()
    expect(page).to_have_url(EDITING)
    assert write_and_wait(page, MORE) == 200
    assert bodies(alice) == [MORE]


def test_page_is_loaded_anew_before_anything_got_through(desk: Desk, alice: User) -> None:
    page = desk()
    page.route(SAVE, lambda route: route.abort())
    write_unheard(page)
    page.unroute(SAVE)

    with page.expect_response(SAVE):
        page.reload()

    expect(paper(page)).to_have_value(WORDS)
    expect(status(page)).to_contain_text("are on the paper again. Kept at")
    assert bodies(alice) == [WORDS]


def test_whoever_writes_on_while_words_are_brought_back_makes_no_second_text(
    desk: Desk, server: Site, alice: User
) -> None:
    page = desk()
    page.route(SAVE, lambda route: route.abort())
    write_unheard(page)
    page.unroute(SAVE)
    door = f"/journal/{page.locator('main form [name=id]').input_value()}/autosave/"
    server.gate.hold(door)
    page.reload()
    expect(paper(page)).to_have_value(WORDS)
    assert server.gate.arrived.wait(PATIENCE)

    write(page, MORE)
    server.gate.open()

    expect(status(page)).to_contain_text(KEPT)
    wait_for_copies(page, 0)
    assert bodies(alice) == [MORE]
    assert not Revision.objects.late().exists()


def test_draft_is_loaded_anew_with_what_did_not_get_through(
    desk: Desk, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, WORDS, now=now)
    page = desk(f"/journal/{draft.pk}/edit/")
    page.route(SAVE, lambda route: route.abort())
    write_unheard(page, MORE)
    page.unroute(SAVE)

    with page.expect_response(SAVE):
        page.reload()

    expect(paper(page)).to_have_value(MORE)
    expect(status(page)).to_contain_text(KEPT)
    assert words_of(draft, alice).body == MORE
    wait_for_copies(page, 0)


def test_words_left_on_the_device_are_delivered_from_any_desk(
    desk: Desk, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(f"/journal/{draft.pk}/edit/")
    page.route(SAVE, lambda route: route.abort())
    write_unheard(page)
    page.unroute(SAVE)

    page.goto("/journal/write/night/")

    expect(status(page)).to_contain_text("waiting on this device are kept now")
    expect(page.get_by_role("link", name="Open them")).to_have_attribute(
        "href", f"/journal/{draft.pk}/edit/"
    )
    expect(paper(page)).to_have_value("")
    assert bodies(alice) == [WORDS]


def test_words_left_on_the_device_are_delivered_from_the_shelf(desk: Desk, alice: User) -> None:
    page = desk()
    page.route(SAVE, lambda route: route.abort())
    write_unheard(page)
    page.unroute(SAVE)

    page.goto("/journal/")

    expect(status(page)).to_contain_text("waiting on this device are kept now")
    page.get_by_role("link", name="Open them").click()
    expect(paper(page)).to_have_value(WORDS)
    assert bodies(alice) == [WORDS]
    wait_for_copies(page, 0)


def test_copy_of_somebody_else_is_left_alone(
    desk: Desk, as_alice: Client, as_bob: Client, alice: User, bob: User
) -> None:
    page = desk()
    as_alice.post("/accounts/logout/")
    write_unheard(page)
    before = copies(page)
    name = settings.SESSION_COOKIE_NAME
    [cookie] = (each for each in page.context.cookies() if each["name"] == name)
    page.context.add_cookies([{**cookie, "value": as_bob.cookies[name].value}])
    sent = requests(page)
    other = beside(page, "/help/")
    other.evaluate(LISTEN_TO_TABS)

    with other.expect_console_message(lambda message: message.text == "here"):
        page.goto("/journal/")

    assert sent == []
    assert copies(page) == before
    assert (bodies(alice), bodies(bob)) == ([], [])


def test_words_left_on_the_device_never_take_the_place_of_newer_ones(
    desk: Desk, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(f"/journal/{draft.pk}/edit/")
    page.route(SAVE, lambda route: route.abort())
    write_unheard(page)
    page.unroute(SAVE)
    elsewhere = desk(f"/journal/{draft.pk}/edit/")
    write_and_wait(elsewhere, MORE)

    page.reload()

    expect(paper(page)).to_have_value(MORE)
    expect(status(page)).to_contain_text("Both are kept")
    expect(page.get_by_role("link", name="Look at both")).to_be_visible()
    assert words_of(draft, alice).body == MORE
    assert earlier(draft, alice, late=True) == [WORDS]


def test_letter_that_was_ended_before_its_page_heard_of_it_stays_ended(
    desk: Desk, alice: User, now: datetime
) -> None:
    page = desk()
    page.route(SAVE, lose)
    write_unheard(page)
    page.unroute(SAVE)
    throw_away(person=alice, letter=Letter.objects.get(), now=now)

    page.goto("/journal/")

    expect(status(page)).to_contain_text("Words of a letter that is gone")
    assert bodies(alice) == []
    assert len(copies(page)) == 1


def test_paper_that_is_loaded_anew_does_not_begin_an_ended_letter_anew(
    desk: Desk, alice: User, now: datetime
) -> None:
    page = desk()
    page.route(SAVE, lose)
    write_unheard(page)
    page.unroute(SAVE)
    throw_away(person=alice, letter=Letter.objects.get(), now=now)

    page.reload()

    expect(paper(page)).to_have_value(WORDS)
    expect(status(page)).to_contain_text("The letter itself is gone")
    assert write_and_wait(page, MORE) == 410
    assert bodies(alice) == []
    button(page, "new paper").click()
    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == [MORE]


def test_what_a_page_sent_later_is_not_taken_from_the_paper_by_its_copy(
    desk: Desk, alice: User
) -> None:
    page = desk()
    write_and_wait(page)
    page.route(SAVE, lambda route: route.abort())
    write_unheard(page, "in between")
    [record] = page.evaluate(RECORDS)
    page.unroute(SAVE)
    assert write_and_wait(page, MORE) == 200
    wait_for_copies(page, 0)
    # As if that copy had not been deleted in time.
    page.evaluate(LAY, record)

    page.reload()

    wait_for_copies(page, 0)
    expect(paper(page)).to_have_value(MORE)
    assert bodies(alice) == [MORE]
    assert not Revision.objects.late().exists()


@pytest.mark.parametrize(("name", "found"), [("new paper", [WORDS]), ("Delete them", [])])
def test_words_of_a_letter_that_is_gone_wait_for_a_decision(
    desk: Desk, alice: User, now: datetime, name: str, found: list[str]
) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(f"/journal/{draft.pk}/edit/")
    page.route(SAVE, lambda route: route.abort())
    write_unheard(page)
    page.unroute(SAVE)
    draft.delete()

    page.goto(NEW)
    expect(status(page)).to_contain_text("Words of a letter that is gone")
    assert bodies(alice) == []
    button(page, name).click()

    expect(paper(page)).to_be_focused()
    if found:
        expect(status(page)).to_contain_text("are kept now")
    wait_for_copies(page, 0)
    expect(button(page, name)).to_be_hidden()
    assert bodies(alice) == found


def test_decision_about_words_of_a_letter_that_is_gone_waits_for_a_connection(
    desk: Desk, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk)
    page.route(SAVE, lambda route: route.abort())
    write_unheard(page)
    page.unroute(SAVE)
    draft.delete()
    page.clock.install()
    page.goto("/journal/")
    expect(status(page)).to_contain_text("Words of a letter that is gone")
    page.context.set_offline(True)

    button(page, "new paper").click()

    expect(status(page)).to_contain_text("There is no connection")
    expect(status(page)).to_be_focused()
    assert len(copies(page)) == 1
    page.context.set_offline(False)
    page.clock.run_for(30_000)
    expect(status(page)).to_contain_text("are kept now")
    wait_for_copies(page, 0)
    assert bodies(alice) == [WORDS]


@pytest.mark.parametrize("name", ["new paper", "Delete them"])
def test_decision_about_old_words_leaves_newer_ones_on_the_device(
    desk: Desk, alice: User, now: datetime, name: str
) -> None:
    draft = a_draft(alice, "first", now=now)
    writing = desk(EDIT_OF % draft.pk)
    writing.route(SAVE, lambda route: route.abort())
    write_unheard(writing)
    draft.delete()
    deciding = beside(writing, "/journal/")
    expect(status(deciding)).to_contain_text("Words of a letter that is gone")
    before = copies(writing)
    write(writing, MORE)
    writing.wait_for_function(IS_OTHER, arg=[list(before[0]), str(uuid4())])
    newer = copies(writing)

    button(deciding, name).click()
    expect(button(deciding, name)).to_be_hidden()
    deciding.reload()

    assert copies(writing) == newer


def test_decision_that_the_device_refuses_breaks_nothing(
    desk: Desk, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk)
    page.route(SAVE, lambda route: route.abort())
    write_unheard(page)
    page.unroute(SAVE)
    draft.delete()
    page.goto(NEW)
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(error.message))
    page.evaluate("() => { IDBObjectStore.prototype.delete = () => { throw new Error('no') } }")

    button(page, "Delete them").click()

    expect(status(page)).to_have_text("")
    assert write_and_wait(page) == 200
    assert broken == []


def test_link_to_words_that_came_too_late_leads_to_the_newest(
    desk: Desk, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    page, other = desk(EDIT_OF % draft.pk), desk(EDIT_OF % draft.pk)
    write_and_wait(page)
    assert write_and_wait(other, MORE) == 409
    both = other.get_by_role("link", name="Look at both")
    before = both.get_attribute("href")
    assert before
    # Decided about on the other page meanwhile.
    page.goto(before)
    button(page, "Leave the letter as it is").click()

    assert write_and_wait(other, "and on") == 409

    revision = Revision.objects.late().get()
    expect(both).to_have_attribute("href", f"/journal/{draft.pk}/versions/{revision.pk}/")
    assert str(revision.pk) not in before


# --- Lines that break ----------------------------------------------------------------------


def test_a_minute_without_a_connection(desk: Desk, alice: User) -> None:
    page = desk(clock=True)
    page.context.set_offline(True)
    write(page)
    page.clock.run_for(800)
    expect(status(page)).to_contain_text("on this device, encrypted. There is no connection")
    page.clock.run_for(60_000)
    expect(status(page)).to_contain_text("There is no connection")

    with page.expect_response(SAVE):
        page.context.set_offline(False)

    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == [WORDS]


def test_words_are_sent_again_by_themselves(desk: Desk, alice: User, server: Site) -> None:
    page = desk(clock=True)
    server.stop()
    write(page)
    page.clock.run_for(800)
    expect(status(page)).to_contain_text("We cannot be reached")
    server.start()

    with page.expect_response(SAVE):
        page.clock.run_for(30_000)

    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == [WORDS]


def test_answer_that_was_lost_makes_no_second_letter_and_no_conflict(
    desk: Desk, alice: User
) -> None:
    page = desk()
    page.route(SAVE, lose, times=1)
    write_unheard(page)
    assert bodies(alice) == [WORDS]

    write(page, MORE)

    expect(status(page)).to_have_text(KEPT)
    expect(version(page)).to_have_value("2")
    assert bodies(alice) == [MORE]
    assert not Revision.objects.late().exists()


def test_button_does_not_lead_away_from_words_that_nobody_has(desk: Desk, alice: User) -> None:
    page = desk()
    page.context.set_offline(True)
    write(page)

    button(page, "enough for today").click()

    expect(status(page)).to_contain_text("There is no connection")
    expect(paper(page)).to_have_value(WORDS)
    page.context.set_offline(False)
    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == [WORDS]


def test_button_that_cannot_hand_in_brings_the_reason_into_view(desk: Desk) -> None:
    page = desk()
    page.set_viewport_size({"width": 320, "height": 240})
    page.context.set_offline(True)
    write(page)

    button(page, "enough for today").click()

    expect(status(page)).to_contain_text("There is no connection")
    expect(status(page)).to_be_in_viewport()


@pytest.mark.parametrize("door", ["/journal/token/", "autosave/"])
def test_server_that_never_answers_is_not_waited_for_for_ever(
    desk: Desk, server: Site, alice: User, door: str
) -> None:
    page = desk(clock=True)
    if door == "autosave/":
        door = f"/journal/{page.locator('main form [name=id]').input_value()}/autosave/"
    server.gate.hold(door)
    write(page)
    tell(page, "focus" if "token" in door else "input")
    page.clock.run_for(800)
    assert server.gate.arrived.wait(PATIENCE)

    page.clock.run_for(21_000)

    expect(status(page)).to_contain_text("We cannot be reached")
    server.gate.open()
    page.clock.run_for(30_000)
    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == [WORDS]


def test_long_letter_has_longer_on_a_slow_line(desk: Desk, server: Site, alice: User) -> None:
    page = desk(clock=True)
    id = page.locator("main form [name=id]").input_value()
    server.gate.hold(f"/journal/{id}/autosave/")
    paper(page).evaluate(PASTE, "long " * 10_000)
    page.clock.run_for(800)
    assert server.gate.arrived.wait(PATIENCE)

    page.clock.run_for(40_000)
    server.gate.open()

    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == ["long " * 10_000]


def test_words_that_are_taken_back_wait_for_nothing(desk: Desk) -> None:
    page = desk()
    page.context.set_offline(True)
    write_unheard(page)
    assert len(copies(page)) == 1

    write(page, "")

    expect(status(page)).to_have_text("")
    wait_for_copies(page, 0)


def test_empty_paper_does_not_say_that_it_is_kept(desk: Desk, alice: User) -> None:
    page = desk()
    write_and_wait(page)

    write(page, "")

    expect(status(page)).to_contain_text("Your letter still holds what was kept before")
    assert bodies(alice) == [WORDS]
    write(page, WORDS)
    expect(status(page)).to_have_text("")
    assert write_and_wait(page, MORE) == 200
    expect(status(page)).to_have_text(KEPT)


def test_words_that_are_put_as_they_were_wait_for_nothing(
    desk: Desk, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk)
    lock(page)
    tell(page, "focus")
    write_unheard(page)
    assert len(copies(page)) == 1

    write(page, "first")

    expect(status(page)).to_have_text("")
    wait_for_copies(page, 0)


def test_words_that_may_have_arrived_are_not_taken_back_in_silence(
    desk: Desk, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk)
    page.route(SAVE, lose, times=1)
    write_unheard(page)
    assert words_of(draft, alice).body == WORDS

    write(page, "first")

    expect(version(page)).to_have_value("3")
    assert words_of(draft, alice).body == "first"


def test_pages_share_what_a_browser_lets_them_send_as_they_close(
    desk: Desk, server: Site, alice: User
) -> None:
    """The second of them would be refused."""
    page = desk()
    page.evaluate(WATCH)
    address = f"/journal/{page.locator('main form [name=id]').input_value()}/autosave/"
    server.way_back.hold(address)
    paper(page).evaluate(PASTE, "x" * 40_000)
    server.wait_for("/autosave/")
    paper(page).evaluate(PASTE, "y" * 40_000)

    page.evaluate("() => document.dispatchEvent(new Event('leaving'))")

    server.wait_for("/autosave/")
    assert page.evaluate("() => window.outlives") == [True, False]
    assert bodies(alice) == ["y" * 40_000]


@pytest.mark.parametrize("turned_away", [400, 413])
def test_what_is_too_much_for_the_door_stays_on_the_paper(desk: Desk, turned_away: int) -> None:
    page = desk(clock=True)
    sent = requests(page)
    page.route(SAVE, lambda route: route.fulfill(status=turned_away, body="<h1>No</h1>"))
    write(page)

    page.clock.run_for(800)
    expect(status(page)).to_contain_text("on this device, encrypted. This is longer than one")
    page.clock.run_for(60_000)
    button(page, "Keep it as a draft").click()

    expect(status(page)).to_contain_text("longer than one letter holds")
    assert len(sent) == 2
    expect(paper(page)).to_have_value(WORDS)


def test_words_are_sent_again_when_their_key_opens_again(desk: Desk, alice: User) -> None:
    page = desk(clock=True)
    page.route(SAVE, lambda route: route.fulfill(status=503, json={"said": "Not now."}), times=1)
    write(page)
    page.clock.run_for(800)
    expect(status(page)).to_have_text("Your words are on this device, encrypted. Not now.")

    page.clock.run_for(30_000)

    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == [WORDS]


def test_enter_after_a_name_goes_on_to_the_paper(desk: Desk) -> None:
    page = desk()
    name = page.get_by_label("Dear")
    name.fill("M.")
    name.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    expect(name).to_be_focused()

    name.press("Enter")

    expect(paper(page)).to_be_focused()
    expect(page).to_have_url(re.compile(NEW))


# --- Two pages of one letter ---------------------------------------------------------------


def test_two_tabs_keep_both_texts(desk: Desk, alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(f"/journal/{draft.pk}/edit/")
    other = beside(page, f"/journal/{draft.pk}/edit/")

    assert write_and_wait(page, WORDS) == 200
    assert write_and_wait(other, "from the other tab") == 409
    expect(status(other)).to_contain_text("Both are kept")
    assert write_and_wait(other, MORE) == 409

    revision = Revision.objects.late().get()
    expect(other.get_by_role("link", name="Look at both")).to_have_attribute(
        "href", f"/journal/{draft.pk}/versions/{revision.pk}/"
    )
    expect(paper(other)).to_have_value(MORE)
    assert words_of(draft, alice).body == WORDS
    assert earlier(draft, alice, late=True) == [MORE]
    wait_for_copies(other, 0)
    for address in (f"/journal/{draft.pk}/edit/", f"/journal/{draft.pk}/"):
        other.goto(address)
        expect(other.get_by_role("link", name="Look at both")).to_have_attribute(
            "href", f"/journal/{draft.pk}/versions/{revision.pk}/"
        )


def test_two_tabs_have_a_copy_each(desk: Desk, alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(f"/journal/{draft.pk}/edit/")
    other = beside(page, f"/journal/{draft.pk}/edit/")
    page.context.set_offline(True)

    write_unheard(page, WORDS)
    write_unheard(other, MORE)

    assert len(copies(page)) == 2


def test_without_a_script_the_form_does_the_same(desk: Desk, alice: User, now: datetime) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(f"/journal/{draft.pk}/edit/", scripts=False)
    other = desk(f"/journal/{draft.pk}/edit/", scripts=False)
    expect(page.get_by_label("A soft bell")).to_be_hidden()
    expect(page.locator("main").get_by_text("What I needed was")).to_be_visible()
    locations = []
    for each, words in ((page, WORDS), (other, MORE)):
        write(each, words)
        with each.expect_response(lambda answer: answer.request.method == "POST") as answer:
            button(each, "Keep it as a draft").click()
        assert answer.value.status == 302
        locations.append(answer.value.headers["location"].split("?")[0])

    revision = Revision.objects.late().get()
    assert locations == [
        f"/journal/{draft.pk}/edit/",
        f"/journal/{draft.pk}/versions/{revision.pk}/",
    ]
    assert words_of(draft, alice).body == WORDS
    assert earlier(draft, alice, late=True) == [MORE]


def test_letter_that_was_closed_meanwhile_stays_as_it_is(
    desk: Desk, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(f"/journal/{draft.pk}/edit/")
    draft.keep(now=now)

    write_and_wait(page)

    expect(status(page)).to_contain_text("That letter cannot be changed now")
    expect(page).not_to_have_url(re.compile(str(draft.pk)))
    assert write_and_wait(page, MORE) == 200
    assert sorted(bodies(alice)) == sorted(["first", MORE])


def test_letter_that_was_thrown_away_meanwhile_begins_anew_when_asked(
    desk: Desk, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(f"/journal/{draft.pk}/edit/")
    draft.delete()
    assert write_and_wait(page) == 410
    expect(status(page)).to_contain_text("Your words are still here")
    with page.expect_response(SAVE):
        button(page, "Keep it as a draft").click()
    expect(status(page)).to_contain_text("Your words are still here")

    button(page, "new paper").click()

    expect(paper(page)).to_be_focused()
    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == [WORDS]


def test_letter_that_is_gone_begins_anew_also_with_its_old_words(
    desk: Desk, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, WORDS, now=now)
    page = desk(EDIT_OF % draft.pk)
    draft.delete()
    assert write_and_wait(page, MORE) == 410
    assert write_and_wait(page, WORDS) == 410

    button(page, "new paper").click()

    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == [WORDS]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_words_of_a_letter_that_was_thrown_away_wait_for_their_writer(
    desk: Desk, alice: User, now: datetime, scripts: bool
) -> None:
    draft = a_draft(alice, "first", now=now)
    page = desk(EDIT_OF % draft.pk, scripts=scripts, clock=scripts)
    draft.delete()
    if scripts:
        page.evaluate(HAND_IN, WORDS)
    else:
        write(page)
        button(page, "Keep it as a draft").click()
    expect(page.get_by_text("Your words are still here")).to_be_visible()
    expect(paper(page)).to_have_value(WORDS)
    if scripts:
        sent = requests(page)
        page.clock.run_for(60_000)
        page.evaluate("() => document.dispatchEvent(new Event('leaving'))")
        assert copies(page) == []
        assert sent == []
    assert bodies(alice) == []

    button(page, "Keep it as a draft").click()

    expect(page).to_have_url(EDITING)
    expect(page).not_to_have_url(re.compile(str(draft.pk)))
    assert bodies(alice) == [WORDS]


# --- Doors that close ----------------------------------------------------------------------


def test_signed_out_elsewhere_and_in_again_in_another_tab(
    desk: Desk, as_alice: Client, alice: User, now: datetime
) -> None:
    page = desk()
    as_alice.post("/accounts/logout/")

    write_unheard(page)

    expect(status(page)).to_contain_text("You have been signed out")
    expect(paper(page)).to_have_value(WORDS)
    assert bodies(alice) == []
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open my pages").click()
    sign_in(opened.value, alice, now)
    expect(opened.value).to_have_url(re.compile(NEW))
    expect(status(page)).to_have_text(KEPT)
    assert write_and_wait(page, MORE) == 200
    assert bodies(alice) == [MORE]


def test_pages_that_locked_are_opened_in_another_tab(desk: Desk, alice: User) -> None:
    page = desk()
    write_and_wait(page)
    lock(page)

    write_unheard(page, MORE)

    expect(status(page)).to_contain_text("or your pages have closed")
    assert bodies(alice) == [WORDS]
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open my pages").click()
    unlock(opened.value)
    expect(paper(opened.value)).to_have_value(MORE)
    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == [MORE]
    assert not Revision.objects.late().exists()


def test_page_asks_by_itself_whether_the_door_is_open(desk: Desk, alice: User) -> None:
    page = desk(clock=True)
    lock(page)
    write(page)
    page.clock.run_for(800)
    expect(status(page)).to_contain_text("or your pages have closed")
    door = beside(page, "/you/")
    unlock(door)
    expect(door).to_have_url(re.compile("/you/$"))

    with page.expect_response(SAVE):
        page.clock.run_for(30_000)

    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == [WORDS]


def test_page_that_is_too_old_gets_a_fresh_token(desk: Desk, alice: User) -> None:
    page = desk()
    page.context.clear_cookies(name=settings.CSRF_COOKIE_NAME)

    write(page)

    expect(status(page)).to_have_text(KEPT)
    assert bodies(alice) == [WORDS]


def test_nothing_is_sent_while_somebody_else_is_signed_in(
    desk: Desk, as_alice: Client, alice: User, bob: User, now: datetime
) -> None:
    page = desk(clock=True)
    page.context.set_offline(True)
    write(page)
    page.clock.run_for(800)
    expect(status(page)).to_contain_text("There is no connection")
    # Nobody takes notice of a connection before somebody comes back to the page.
    page.route(SAVE, lambda route: route.abort())
    page.context.set_offline(False)
    as_alice.post("/accounts/logout/")
    other = beside(page, "/accounts/login/")
    sign_in(other, bob, now)
    expect(other).to_have_url(re.compile("/today/$"))
    page.unroute(SAVE)
    sent = requests(page)

    tell(page, "focus")

    expect(status(page)).to_contain_text("Somebody else is signed in here now")
    with page.expect_response("**/journal/token/"):
        tell(page, "online")
    # Asking by itself would hold their pages open.
    asked: list[str] = []
    page.on("request", lambda each: asked.append(each.url))
    page.clock.run_for(120_000)
    assert asked == []
    his = beside(page, NEW)
    his_sent = requests(his)
    expect(status(his)).to_have_text("")
    with his.expect_response(SAVE):
        write(his, "his own")
        # Time stands still in the whole browser.
        his.clock.run_for(800)
    assert len(his_sent) == 1
    assert sent == []
    expect(paper(page)).to_have_value(WORDS)
    assert len(copies(page)) == 1
    assert (bodies(alice), bodies(bob)) == ([], ["his own"])


def test_words_written_while_somebody_else_signs_in_are_not_kept_as_theirs(
    desk: Desk, as_alice: Client, alice: User, bob: User, now: datetime
) -> None:
    """The page was never left, so nothing has told it to look."""
    page = desk()
    write_and_wait(page)
    as_alice.post("/accounts/logout/")
    other = beside(page, "/accounts/login/")
    sign_in(other, bob, now)
    expect(other).to_have_url(re.compile("/today/$"))

    write(page, MORE)

    expect(status(page)).to_contain_text("Somebody else is signed in here now")
    assert (bodies(alice), bodies(bob)) == ([WORDS], [])


# --- Leaving and signing out ---------------------------------------------------------------


def private_words_in(page: Page) -> list[str]:
    found = " ".join(page.evaluate(STORED)) + "".join(
        each.decode("utf-8", "replace") + each.decode("utf-16", "replace") for each in copies(page)
    )
    return [word for word in ("ticket", "Øskarshavn", "雪が降る", "them") if word in found]


def test_words_are_there_after_leaving_in_the_middle_of_a_line(desk: Desk, alice: User) -> None:
    page = desk(clock=True)
    write(page)
    page.clock.run_for(100)
    wait_for_copies(page, 1)

    page.get_by_role("link", name="Leave now").click()
    expect(page.locator("body")).to_have_text(NEUTRAL)

    page.clock.resume()
    page.goto("/help/")
    assert private_words_in(page) == []
    page.goto(NEW)
    unlock(page)
    expect(page).to_have_url(re.compile(NEW))
    expect(status(page)).to_contain_text("are kept now")
    page.get_by_role("link", name="Open them").click()
    expect(paper(page)).to_have_value(WORDS)
    assert bodies(alice) == [WORDS]
    wait_for_copies(page, 0)


def test_words_that_met_a_lock_are_there_after_leaving(
    desk: Desk, server: Site, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    address = f"/journal/{draft.pk}/edit/"
    page = desk(address)
    server.gate.hold(f"/journal/{draft.pk}/autosave/")
    write(page)

    page.get_by_role("link", name="Leave now").click()
    expect(page.locator("body")).to_have_text(NEUTRAL)
    server.wait_for("/leave/")
    server.gate.open()
    server.wait_for("/autosave/")

    assert bodies(alice) == ["first"]
    page.goto("/help/")
    assert private_words_in(page) == []
    assert len(copies(page)) == 1
    page.goto(address)
    unlock(page)
    expect(page).to_have_url(re.compile(address))
    expect(paper(page)).to_have_value(WORDS)
    expect(status(page)).to_contain_text("are on the paper again. Kept at")
    assert bodies(alice) == [WORDS]


def leave_by_shift(page: Page) -> None:
    """Nothing waits for the neutral page, as a click would."""
    for _ in range(3):
        page.keyboard.press("Shift")


def test_words_are_handed_over_before_the_page_is_gone(desk: Desk, server: Site) -> None:
    page = desk(clock=True)
    Weather.gate.hold("/")
    write(page)

    leave_by_shift(page)

    server.wait_for("/autosave/")
    Weather.gate.open()
    expect(page.locator("body")).to_have_text(NEUTRAL)


def test_words_of_another_tab_are_handed_over_before_it_is_gone(desk: Desk, server: Site) -> None:
    page = desk(clock=True)
    other = beside(page, "/today/")
    Weather.gate.hold("/")
    write(page)

    leave_by_shift(other)

    server.wait_for("/autosave/")
    Weather.gate.open()
    expect(page.locator("body")).to_have_text(NEUTRAL)


def test_words_in_another_tab_are_there_after_leaving(desk: Desk, alice: User) -> None:
    page = desk(clock=True)
    other = beside(page, "/today/")
    write(page)
    page.clock.run_for(100)
    wait_for_copies(page, 1)

    other.get_by_role("link", name="Leave now").click()
    expect(page.locator("body")).to_have_text(NEUTRAL)

    page.clock.resume()
    page.goto(NEW)
    unlock(page)
    expect(status(page)).to_contain_text("are kept now")
    assert bodies(alice) == [WORDS]


def sign_out(page: Page) -> None:
    page.goto("/accounts/logout/")
    button(page, "Sign out").click()
    expect(page).to_have_url(re.compile("/$"))


def test_signing_out_leaves_nothing_in_this_browser(desk: Desk) -> None:
    page = desk()
    page.evaluate("() => { localStorage.setItem('a', 'b'); sessionStorage.setItem('a', 'b') }")
    page.route(SAVE, lambda route: route.abort())
    write_unheard(page)
    assert page.evaluate(STORED) == ["a", "b", "a", "b", "desk"]

    sign_out(page)

    assert page.evaluate(STORED) == []


TELL_WHEN_CLOSED = """
const close = IDBDatabase.prototype.close;
IDBDatabase.prototype.close = function () {
  close.apply(this);
  console.debug("looked");
};
"""


def test_words_are_on_the_device_again_after_signing_out_in_another_tab(desk: Desk) -> None:
    """What is said of them is true."""
    page = desk(clock=True)
    page.route(SAVE, lambda route: route.abort())
    write(page)
    page.clock.run_for(800)
    expect(status(page)).to_contain_text("on this device, encrypted")
    other = page.context.new_page()
    other.set_default_timeout(PATIENCE * 1000)
    sign_out(other)

    tell(page, "focus")

    expect(status(page)).to_contain_text("on this device, encrypted. You have been signed out")
    assert len(copies(page)) == 1


def test_whoever_signs_out_is_told_of_words_that_wait(desk: Desk, alice: User) -> None:
    page = desk()
    warning = page.get_by_text("Words are waiting on this device")
    page.route(SAVE, lambda route: route.abort())
    write_unheard(page)

    page.goto("/accounts/logout/")

    expect(warning).to_be_visible()
    page.unroute(SAVE)
    page.get_by_role("link", name="Open my shelf first").click()
    expect(status(page)).to_contain_text("are kept now")
    wait_for_copies(page, 0)
    # Whatever looks for copies opens the place where they lie, and closes it again.
    page.add_init_script(TELL_WHEN_CLOSED)
    with page.expect_console_message(lambda message: message.text == "looked"):
        page.goto("/accounts/logout/")
    expect(warning).to_be_hidden()


def test_back_after_signing_out_shows_no_word(desk: Desk) -> None:
    page = desk()
    write_and_wait(page)
    sign_out(page)

    for _ in range(2):
        page.go_back(wait_until="commit")
        page.wait_for_function("() => document.body?.childElementCount > 0")
        assert "ticket" not in page.content()
        assert page.locator("textarea").count() == 0
    assert "/accounts/login/" in page.url


def test_nothing_holds_anybody_on_the_page(desk: Desk) -> None:
    page = desk()
    asked: list[str] = []
    page.on("dialog", lambda dialog: asked.append(dialog.type))
    page.context.set_offline(True)
    # A browser asks nothing of somebody who has touched nothing.
    paper(page).click()
    page.keyboard.type("I kept the ticket.")
    expect(status(page)).to_contain_text("on this device, encrypted")

    with page.expect_event("close"):
        page.close(run_before_unload=True)

    assert asked == []


# --- Odd words ------------------------------------------------------------------------------


ODD = {
    "one word without an end": "a" * MAX_CHARACTERS,
    # With ten times as many, the browser alone takes most of a minute.
    "marks upon marks": "e" + "\u0301" * 5_000,
    "turned round, and never turned back": "\u202e\u2067שלום\u2068 and on it goes\n\u202eagain",
    "signs made of many": "👩\u200d👩\u200d👧\u200d👦" * 2000,
    "signs that nobody sees": "🏴"
    + "".join(chr(0xE0000 + ord(each)) for each in "gbsct")
    + "\u2066",
    "every plane": "".join(chr(plane * 0x10000 + 0x1234) for plane in range(17)) + "\U0010ffff",
}
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_odd_words_fit_on_every_page_and_come_back(
    desk: Desk, alice: User, odd: str, now: datetime
) -> None:
    letter = a_letter(alice, odd, to=odd[:100], now=now)
    page = desk(f"/journal/{letter.pk}/")
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.locator("article .written").text_content() == odd
    assert page.evaluate(WIDER) == 0
    lead = page.get_by_text("Private to your account.")
    assert lead.evaluate("node => getComputedStyle(node).direction") == "ltr"

    button(page, "Write on").click()
    expect(paper(page)).to_have_value(odd)
    assert page.evaluate(WIDER) == 0
    assert write_and_wait(page, f"{odd[:-2]}.") == 200
    page.goto(f"/journal/{letter.pk}/versions/{Revision.objects.get().pk}/")
    assert page.evaluate(WIDER) == 0

    assert earlier(letter, alice) == [odd]
    assert words_of(letter, alice).body == f"{odd[:-2]}."
