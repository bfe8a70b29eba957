"""The page of a hard moment, and what becomes of its words on the next day."""

import re
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from django.apps import apps
from django.db import connection
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import User
from healing.actions import save_answer
from healing.guide import guide
from healing.models import Answer
from home.pause_views import ENDS, ends_in_turn
from journal.models import Letter
from pause import actions
from pause.models import STORED_FOR, Pause
from reminders.actions import turn_on
from tests.support.client import Client
from tests.support.database import Statements
from tests.support.full_quota import empty, fill_rows
from tests.support.letters import words_of
from tests.support.pauses import a_pause, contents_of
from tests.support.people import signed_in
from vault.models import Key
from vault.sessions import Session

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
WORDS = "Are you there?\n  I keep thinking about <Saturday>."


def begin(client: Client, words: str = WORDS, **more: str) -> Pause:
    client.post("/pause/", {"id": str(uuid4()), "words": words, "minutes": "10"} | more)
    row: Pause = Pause.objects.get()
    return row


def answer(person: User, key: str, fields: dict[str, object], now: datetime) -> None:
    step, exercise = next(
        (step, each)
        for step in guide().steps.values()
        for each in step.exercises
        if each.key == key
    )
    save_answer(person=person, id=uuid4(), step=step, exercise=exercise, answer=fields, now=now)


def page_at(person: User, path: str, at: datetime) -> str:
    """Return a page at this moment, in a browser that has just been signed in."""
    with time_machine.travel(at, tick=False):
        return signed_in(person).get(path).content.decode()


def post_at(person: User, path: str, at: datetime, **sent: str) -> str:
    """Return where the form leads."""
    with time_machine.travel(at, tick=False):
        return str(signed_in(person).post(path, sent).headers["Location"])


def test_first_screen_is_the_field(as_alice: Client) -> None:
    page = as_alice.get("/pause/").content.decode()

    assert "Write it here. It goes nowhere." in page
    field = re.search(r"<textarea[^>]*>", page)
    assert field
    assert 'autocomplete="off"' in field[0]
    buttons = re.findall(r'<button class="btn[^"]*" name="minutes" value="(\d+)">', page)
    assert buttons == ["10", "20", "30"]
    assert "deleted 30 days after this pause" in page


@pytest.mark.parametrize(("sent", "minutes"), [("10", 10), ("20", 20), ("30", 30), ("9999", 10)])
def test_pause_begins_with_one_tap_and_its_words_come_back_as_they_were(
    as_alice: Client, alice: User, now: datetime, sent: str, minutes: int
) -> None:
    with time_machine.travel(now, tick=False):
        as_alice.force_login(alice)
        begin(as_alice, minutes=sent, trigger=" a song ")

    row = Pause.objects.get()
    assert (row.began_at, row.ends_at) == (now, now + minutes * MINUTE)
    contents = contents_of(person=alice)
    assert (contents.words, contents.trigger) == (WORDS, " a song ")


@pytest.mark.parametrize(
    ("passed", "sentence"),
    [
        (0, "It is rising"),
        (1, "It is rising"),
        (4, "This is the high part"),
        (7, "The last part"),
        (10, "The time is over"),
        (60, "The time is over"),
    ],
)
def test_one_sentence_is_shown_in_each_third(
    alice: User, now: datetime, passed: int, sentence: str
) -> None:
    a_pause(alice, WORDS, now=now)

    page = page_at(alice, "/pause/", now + passed * MINUTE)

    [shown] = re.findall(r'<p class="lead" data-part="\d">([^<]*)', page)
    assert shown.startswith(sentence)
    assert WORDS not in page
    assert not re.search(r"\bseconds?\b", page)
    assert "How is it now?</h2>" in page
    assert ('<details class="more" data-choices>' in page) == (passed < 10)


def test_water_says_begin_and_end_as_times_and_goes_on_elsewhere(
    alice: User, now: datetime
) -> None:
    User.objects.filter(pk=alice.pk).update(time_zone="Europe/Dublin")
    a_pause(alice, WORDS, now=now)

    for _device in range(2):
        page = page_at(alice, "/pause/", now + MINUTE)
        assert "It began at 8:14 pm and is over at 8:24 pm." in page
        assert 'href="/pause/" data-unscripted' in page


def test_end_can_be_said_though_the_site_was_down_meanwhile(alice: User, now: datetime) -> None:
    a_pause(alice, WORDS, now=now)

    page = page_at(alice, "/pause/", now + timedelta(hours=3))

    assert "How is it now?" in page
    for words in ("It has passed", "It is still there", "I sent it", "Ten more minutes"):
        assert f"<b>{words}</b>" in page


def test_pause_of_days_ago_does_not_stand_in_the_way(alice: User, now: datetime) -> None:
    a_pause(alice, WORDS, now=now)

    assert "Write it here" in page_at(alice, "/pause/", now + DAY)


def test_ends_look_the_same_in_an_order_of_each_pause(alice: User, now: datetime) -> None:
    assert len({ends_in_turn(uuid4()) for _ in range(300)}) == 24
    row = a_pause(alice, WORDS, now=now)

    pages = [page_at(alice, "/pause/", now + minutes * MINUTE) for minutes in (1, 11)]

    for page in pages:
        buttons = re.findall(r'<button (class="end") name="said" value="(\w+)"', page)
        assert {look for look, _said in buttons} == {'class="end"'}
        assert [said for _look, said in buttons] == [said for said, *_ in ends_in_turn(row.pk)]
        assert len(buttons) == len(ENDS)


def test_ten_more_minutes_from_an_old_page_change_nothing(alice: User, now: datetime) -> None:
    row = a_pause(alice, WORDS, now=now)
    until = str(int(row.ends_at.timestamp()))

    for _ in range(2):
        post_at(alice, f"/pause/{row.pk}/more/", now + MINUTE, until=until)
    for odd in ("", "x", "9" * 40, "²"):
        post_at(alice, f"/pause/{row.pk}/more/", now + MINUTE, until=odd)

    assert Pause.objects.get().ends_at == now + 20 * MINUTE


@pytest.mark.parametrize(
    ("said", "heading"),
    [
        ("passed", "It has passed"),
        ("still", "It is still there"),
        ("sent", "How are you now?"),
    ],
)
def test_each_end_is_as_good(alice: User, now: datetime, said: str, heading: str) -> None:
    row = a_pause(alice, WORDS, now=now)

    address = post_at(alice, f"/pause/{row.pk}/end/", now + 10 * MINUTE, said=said)

    assert address == f"/pause/{row.pk}/"
    page = page_at(alice, address, now + 11 * MINUTE)
    assert f"<h1>{heading}</h1>" in page
    assert "nothing counts it" in page
    assert "I keep thinking" not in page
    assert Pause.objects.get().is_open is False
    assert contents_of(person=alice).outcome == said


def test_end_that_is_none_changes_nothing(alice: User, now: datetime) -> None:
    row = a_pause(alice, WORDS, now=now)

    assert post_at(alice, f"/pause/{row.pk}/end/", now, said="won") == "/pause/"

    assert Pause.objects.get().is_open


def test_somebody_who_sent_it_is_asked_how_they_are(
    as_alice: Client, alice: User, now: datetime
) -> None:
    row = a_pause(alice, WORDS, now=now)
    actions.end(person=alice, row=row, outcome="sent", now=now)
    here = f"/pause/{row.pk}/"

    post_at(alice, here, now, how_now="sorry", now_words="my hands are cold")

    page = page_at(alice, here, now)
    assert '<p class="why" translate="no">sorry about it</p>' in page
    contents = contents_of(person=alice)
    assert (contents.how_now, contents.now_words) == ("sorry", "my hands are cold")
    with time_machine.travel(now, tick=False):
        refused = as_alice.post(here, {"how_now": "x", "now_words": "a" * 201})
    assertContains(refused, "Choose one of these words, or none.")
    assertContains(refused, "This line holds 200 characters.")
    assert contents_of(person=alice) == contents


def test_after_page_of_a_pause_that_runs_leads_to_the_water(
    as_alice: Client, alice: User, now: datetime
) -> None:
    row = begin(as_alice)

    assertRedirects(as_alice.get(f"/pause/{row.pk}/"), "/pause/")
    for verb in ("more", "end"):
        assertRedirects(as_alice.get(f"/pause/{row.pk}/{verb}/"), "/pause/")


# --- What helps meanwhile --------------------------------------------------------------------


def with_helper(person: User, name: str, at: datetime) -> tuple[str, str]:
    page = page_at(person, f"/pause/?with={name}", at)
    [following] = re.findall(r'href="\?with=(\w+)#meanwhile"', page)
    return page, following


def test_one_thing_is_shown_at_a_time(alice: User, now: datetime) -> None:
    a_pause(alice, WORDS, now=now)

    page, following = with_helper(alice, "", now)
    assert "Breathe in for a slow five" in page
    assert "Find a helpline</a></p>\n    </section>" not in page
    page, following = with_helper(alice, following, now)
    assert "A helpline is someone too" in page
    assert "Breathe in" not in page
    assert following == "breathe"
    assert "Breathe in" in with_helper(alice, "no such thing", now)[0]


def test_what_was_saved_on_calmer_days_is_offered_in_turn(alice: User, now: datetime) -> None:
    User.objects.filter(pk=alice.pk).update(time_zone="Europe/Dublin")
    alice.refresh_from_db()
    answer(alice, "if-then", {"moment": "I lie awake", "act": "read one page"}, now - DAY)
    answer(alice, "sentences", {"value": "patience", "act": "waited"}, now)
    people = [
        {"who": "Mei", "ring": "near", "good_for": "walks", "ask_with": "Ten minutes?"},
        {"who": "Jo", "ring": "away"},
        {"who": "Not her yet", "ring": "later"},
        {"ring": "near", "good_for": "nobody's"},
    ]
    answer(alice, "circle", {"people": people}, now)
    answer(alice, "question-time", {"whys": ["why"], "at_hour": "18:30"}, now)
    a_pause(alice, WORDS, now=now)

    line, second = with_helper(alice, with_helper(alice, "", now)[1], now)
    call, third = with_helper(alice, second, now)
    questions, fourth = with_helper(alice, third, now)

    assert "If I lie awake, then I will read one page." in line
    assert [name in call for name in ("Mei", "Jo", "Not her yet", "nobody&#x27;s")] == [
        True,
        True,
        False,
        False,
    ]
    assert "Ten minutes?" in call
    assert "You gave your questions a time of their own: 13 March 2026, 6:30 pm." in questions
    assert fourth == "breathe"
    # Their time has come: Today asks.
    a_pause(alice, now=now + 2 * DAY)
    assert with_helper(alice, "call", now + 2 * DAY)[1] == "breathe"


def test_what_involves_the_other_is_left_out_after_a_yes(
    as_alice: Client, alice: User, now: datetime
) -> None:
    answer(alice, "calm-reply", {"reply": "I will answer on Monday"}, now)
    with time_machine.travel(now, tick=False):
        as_alice.force_login(alice)
        row = begin(as_alice)
        assert 'href="?with=line#meanwhile"' in as_alice.get("/pause/").text
        as_alice.post("/before/leave-out/")
        assert 'href="?with=line#meanwhile"' not in as_alice.get("/pause/").text
    assert row.is_open


# --- The words on the next day ----------------------------------------------------------------


def ended(person: User, now: datetime, *, outcome: str = "passed", words: str = WORDS) -> Pause:
    row = a_pause(person, words, now=now)
    actions.end(person=person, row=row, outcome=outcome, now=now + 10 * MINUTE)
    return row


def test_words_are_shown_again_only_the_next_day(alice: User, now: datetime) -> None:
    row = ended(alice, now)
    tomorrow = now.replace(hour=7) + DAY

    for later in (now + 11 * MINUTE, now + timedelta(hours=8)):
        assert "Do you still want to?" not in page_at(alice, "/today/", later)
        with time_machine.travel(later, tick=False):
            page = signed_in(alice).get(f"/pause/{row.pk}/words/")
            assertRedirects(page, f"/pause/{row.pk}/")
        post_at(alice, f"/pause/{row.pk}/letter/", later)
        assert not Letter.objects.exists()

    today = page_at(alice, "/today/", tomorrow)
    assert "Do you still want to?" in today
    assert "I keep thinking" not in today
    page = page_at(alice, f"/pause/{row.pk}/words/", tomorrow)
    assert "I keep thinking about &lt;Saturday&gt;." in page


def test_today_asks_one_question_at_a_time(alice: User, now: datetime) -> None:
    answer(alice, "mine", {"this_week": "a walk", "on_day": f"{now.date()}"}, now - 5 * DAY)
    row = ended(alice, now - DAY)
    later = now + timedelta(hours=1)

    page = page_at(alice, "/today/", later)
    assert page.count("A question</h2>") == 1
    assert "Do you still want to?" in page

    assert post_at(alice, f"/pause/{row.pk}/stay/", later) == "/today/"
    page = page_at(alice, "/today/", later)
    assert "Do you still want to?" not in page
    assert "Did it happen?" in page
    assert "I keep thinking" in page_at(alice, f"/pause/{row.pk}/words/", later)
    assert f'href="/pause/{row.pk}/words/"' in page_at(alice, "/pause/", later)


def test_words_that_were_sent_are_asked_about_in_other_words(alice: User, now: datetime) -> None:
    row = ended(alice, now - DAY, outcome="sent")

    assert "What shall become of it?" in page_at(alice, "/today/", now)
    page = page_at(alice, f"/pause/{row.pk}/words/", now)
    assert "Do you still want to?" not in page
    assert "A hard moment on 11 March 2026" in page


def test_waiting_without_a_word_is_never_asked_about(alice: User, now: datetime) -> None:
    row = ended(alice, now - DAY, words="")

    assert "Do you still want to?" not in page_at(alice, "/today/", now)
    assert "You wrote nothing then" in page_at(alice, f"/pause/{row.pk}/words/", now)
    post_at(alice, f"/pause/{row.pk}/letter/", now)
    assert Pause.objects.exists()
    assert not Letter.objects.exists()


def test_words_become_one_letter_on_the_shelf(alice: User, now: datetime) -> None:
    row = ended(alice, now - DAY)

    # A second tap finds the same letter.
    addresses = {post_at(alice, f"/pause/{row.pk}/letter/", now) for _ in range(2)}

    letter = Letter.objects.get()
    assert addresses == {f"/journal/{letter.pk}/"}
    assert (letter.state, letter.kind, words_of(letter, alice).body) == ("kept", "them", WORDS)
    assert not Pause.objects.exists()
    assert "To them" in page_at(alice, "/journal/", now)


def test_words_stay_where_a_letter_finds_no_room(alice: User, now: datetime) -> None:
    row = ended(alice, now - DAY)
    fill_rows(alice)

    assert post_at(alice, f"/pause/{row.pk}/letter/", now) == f"/pause/{row.pk}/words/"
    assert contents_of(person=alice).words == WORDS
    empty(alice)
    post_at(alice, f"/pause/{row.pk}/letter/", now)
    assert words_of(Letter.objects.get(), alice).body == WORDS


def test_words_are_deleted_after_one_look(as_alice: Client, alice: User, now: datetime) -> None:
    row = ended(alice, now - DAY)
    here = f"/pause/{row.pk}/delete/"

    assert "cannot be brought back" in page_at(alice, here, now)
    assert Pause.objects.exists()
    assert post_at(alice, here, now) == "/today/"

    assert not Pause.objects.exists()
    with time_machine.travel(now, tick=False):
        assert as_alice.get(here).status_code == as_alice.post(here).status_code == 404


def test_day_on_which_it_is_deleted_is_said(alice: User, now: datetime) -> None:
    row = ended(alice, now)

    page = page_at(alice, f"/pause/{row.pk}/", now + 11 * MINUTE)

    assert "is deleted on 11 April 2026" in page
    assert row.ends_at + STORED_FOR == Pause.objects.get().deleted_at


# --- Who, and what is not right -----------------------------------------------------------------


def test_page_is_for_people_with_an_account(client: Client, db: None) -> None:
    assert client.get("/pause/").headers["Location"] == "/accounts/login/?next=/pause/"


def test_pause_is_one_tap_from_every_page_of_somebody_signed_in(
    as_alice: Client, client: Client
) -> None:
    for path in ("/today/", "/steps/", "/journal/", "/you/", "/help/", "/learn/signs/", "/"):
        assertContains(as_alice.get(path), 'href="/pause/"')
    for path in ("/", "/steps/", "/help/"):
        assertNotContains(client.get(path), 'href="/pause/"')


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("a\x00b", "One character here can’t be saved."),
        ("a" * 100_001, "This is longer than fits here (100,000 characters)."),
    ],
    ids=["NUL", "too long"],
)
def test_words_that_cannot_be_saved_stay_on_the_page(
    as_alice: Client, words: str, said: str
) -> None:
    page = as_alice.post("/pause/", {"id": str(uuid4()), "words": words})

    assertContains(page, said)
    assert words.replace("\x00", "") in page.text.replace("\x00", "")
    assert not Pause.objects.exists()


@pytest.mark.parametrize("words", ["a" * 100_000, "e" + "\u0301" * 50_000, "\u202e\U0001f30a"])
def test_any_words_are_kept_as_they_were(as_alice: Client, alice: User, words: str) -> None:
    begin(as_alice, words)

    assert contents_of(person=alice).words == words


def test_words_beyond_what_an_open_pause_holds_stay_on_the_page(
    as_alice: Client, alice: User
) -> None:
    begin(as_alice, "a" * 60_000)

    page = as_alice.post("/pause/", {"id": str(uuid4()), "words": "b" * 60_000})

    assert page.status_code == 422
    assertContains(page, "b" * 60_000, status_code=422)
    assert contents_of(person=alice).words == "a" * 60_000


def test_form_without_a_usable_id_loses_no_word(as_alice: Client, alice: User) -> None:
    begin(as_alice, id="no id")

    assert contents_of(person=alice).words == WORDS


def test_full_quota_leaves_the_words_on_the_page(as_alice: Client, alice: User) -> None:
    fill_rows(alice)

    page = as_alice.post("/pause/", {"id": str(uuid4()), "words": "Are you there"})

    assertContains(page, "Are you there", status_code=422)
    assertContains(page, "There is no room for more words here", status_code=422)


def test_pages_stay_up_when_the_key_does_not_open(
    as_alice: Client, alice: User, now: datetime
) -> None:
    row = ended(alice, now - DAY)
    running = a_pause(alice, "more words", now=now)
    Key.objects.update(kek="k9")

    assert "A hard moment" in page_at(alice, "/pause/?with=call", now)
    assert "Begin anywhere" in page_at(alice, "/today/", now)
    assert "We cannot open this" in page_at(alice, f"/pause/{row.pk}/words/", now)
    post_at(alice, f"/pause/{running.pk}/end/", now, said="passed")
    assert "This pause is over" in page_at(alice, f"/pause/{running.pk}/", now)
    with time_machine.travel(now, tick=False):
        page = as_alice.post("/pause/", {"id": str(uuid4()), "words": "Are you there"})
    assertContains(page, "Are you there", status_code=503)


def test_locked_page_shows_no_word_and_gives_them_back(as_alice: Client, alice: User) -> None:
    page = as_alice.get("/pause/").content.decode()
    [owner] = set(re.findall(r'name="form_owner" value="(\w+)"', page))
    as_alice.get("/leave/")

    locked = as_alice.post(
        "/pause/",
        {"id": str(uuid4()), "words": WORDS, "minutes": "10", "form_owner": owner},
    )

    assertContains(locked, "Your pages are locked", status_code=403)
    assertNotContains(locked, "I keep thinking", status_code=403)
    assert as_alice.get("/pause/").status_code == 302
    assert not Pause.objects.exists()


def test_words_can_be_read_nowhere_but_on_their_own_page(
    as_alice: Client, alice: User, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in a table, a session, an address or the log."""
    secret = "Canary-unsent"
    with time_machine.travel(now, tick=False), caplog.at_level("DEBUG"):
        as_alice.force_login(alice)
        row = begin(as_alice, secret, trigger=secret)
        as_alice.get("/pause/")
        as_alice.post(f"/pause/{row.pk}/end/", {"said": "sent"})
        as_alice.post(f"/pause/{row.pk}/", {"how_now": "sorry", "now_words": secret})
        as_alice.post("/pause/", {"id": "x", "words": secret + "\0"})
    assert contents_of(person=alice).now_words == secret

    stored = []
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')  # noqa: S608 our own tables
            stored += [
                bytes(cell) if isinstance(cell, memoryview) else cell
                for each in cursor.fetchall()
                for cell in each
            ]
    sessions = [session.get_decoded() for session in Session.objects.all()]
    assert secret not in f"{stored} {sessions} {caplog.text}"
    assert "sorry" not in f"{stored} {sessions} {caplog.text}"


@pytest.mark.parametrize("many", [1, 30])
def test_statements_do_not_grow(
    as_alice: Client, alice: User, now: datetime, statements: Statements, many: int
) -> None:
    for number in range(many):
        ended(alice, now - 25 * DAY + number * timedelta(hours=2))
        answer(alice, "if-then", {"moment": "a", "act": "b"}, now)
    turn_on(person=alice, hour=18, zone="Europe/Dublin", now=now)
    with time_machine.travel(now, tick=False):
        as_alice.force_login(alice)
        as_alice.get("/today/")
        found = {}
        for name, path in (("today", "/today/"), ("start", "/pause/")):
            with statements() as queries:
                as_alice.get(path)
            found[name] = len(queries)
        a_pause(alice, now=now)
        with statements() as queries:
            as_alice.get("/pause/?with=line")
        found["water"] = len(queries)

    assert found == {"today": 7, "start": 3, "water": 3}


def test_answers_alone_are_asked_for(
    alice: User,
    bob: User,
) -> None:
    """What helps in a hard moment is one's own."""
    now = datetime.fromisoformat("2026-03-12T20:14:00+00:00")
    answer(bob, "if-then", {"moment": "his", "act": "his"}, now)
    a_pause(alice, now=now)

    assert with_helper(alice, "", now)[1] == "call"
    assert Answer.objects.count() == 1
