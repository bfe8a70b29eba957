"""The shelf; a letter's own pages, and what becomes of it."""

import re
from datetime import datetime, timedelta
from html import unescape
from uuid import UUID, uuid4

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings
from pytest_django.asserts import assertContains, assertNotContains

from accounts.models import User
from journal.expired_letters import delete_expired
from journal.letter_kinds import KINDS
from journal.models import Letter, LetterContents, Revision, Words
from journal.names_on_shelf import set_shows_names
from journal.shelf_views import STATES_SHOWN
from tests.support.client import Client
from tests.support.database import Statements
from tests.support.letters import a_draft, a_letter, words_of
from vault.models import Key

LATER = timedelta(days=400)
WORDS = "I kept checking if you had seen it."


def listed(page: str) -> list[UUID]:
    """Return the letters that a page lists, in order."""
    return [UUID(id) for id in re.findall(r'<li><a href="/journal/([0-9a-f-]{36})/"', page)]


@pytest.fixture
def letters(alice: User, now: datetime) -> dict[str, Letter]:
    """A letter in each state, the newest first."""
    with time_machine.travel(now, tick=False):
        tomorrow = now.date() + timedelta(days=1)
        return {
            "draft": a_draft(alice, WORDS, now=now, kind="them"),
            "kept": a_letter(alice, WORDS, to="M.", now=now - timedelta(days=1), kind="then"),
            "sealed": a_letter(
                alice, WORDS, now=now - timedelta(days=2), state="sealed", opens_on=tomorrow
            ),
            "ready": a_letter(
                alice, WORDS, now=now - timedelta(days=3), state="sealed", opens_on=now.date()
            ),
            "let go": a_letter(
                alice,
                WORDS,
                now=now - timedelta(days=4),
                state="let_go",
                let_go_at=now,
                let_go_from="kept",
            ),
        }


def test_shelf_shows_kind_day_and_state_but_no_words(
    as_alice: Client, letters: dict[str, Letter], now: datetime
) -> None:
    with time_machine.travel(now, tick=False):
        html = as_alice.get("/journal/").text
    page = unescape(html)

    assert listed(page) == [letter.pk for letter in letters.values()]
    for text in (
        "To them, 12 March 2026",
        "Draft, last changed 12 March 2026",
        "To me back then, 11 March 2026",
        "Sealed until 13 March 2026",
        "Sealed until 12 March 2026. You can open it now.",
        "Let go. You can bring it back until 8:24 pm UTC.",
    ):
        assert text in page
    assert "checking" not in page
    assert "M." not in page
    # Icons are not escaped.
    assert "<svg" in html.split('class="letters"')[1]
    assert "&lt;svg" not in html


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?show=drafts", ["draft"]),
        ("?show=kept", ["kept"]),
        ("?show=sealed", ["sealed", "ready"]),
        ("?show=free", ["let go"]),
        ("?kind=then", ["kept"]),
        ("?show=drafts&kind=then", []),
        ("?show=other&kind=other&page=none", ["draft", "kept", "sealed", "ready", "let go"]),
    ],
)
def test_shelf_can_be_filtered(
    as_alice: Client, letters: dict[str, Letter], now: datetime, query: str, names: list[str]
) -> None:
    with time_machine.travel(now, tick=False):
        page = as_alice.get(f"/journal/{query}").text

    assert listed(page) == [letters[name].pk for name in names]


def test_filters_of_state_and_kind_can_be_combined(
    as_alice: Client, letters: dict[str, Letter], now: datetime
) -> None:
    with time_machine.travel(now, tick=False):
        for _ in range(2):
            for kind in KINDS:
                for show in ("", *STATES_SHOWN):
                    ids = listed(as_alice.get(f"/journal/?show={show}&kind={kind}").text)
                    assert all(Letter.objects.get(pk=id).kind == kind for id in ids)


def test_gone_letter_leaves_a_line_only_if_it_was_wanted(
    as_alice: Client, alice: User, now: datetime
) -> None:
    for leaves_line in (True, False):
        letter = a_letter(alice, WORDS, now=now - timedelta(days=40))
        letter.let_go(leaves_line=leaves_line, now=now)

    with time_machine.travel(now + timedelta(minutes=11), tick=False):
        before = as_alice.get("/journal/").text
        delete_expired(now=now + timedelta(minutes=11))
        after = as_alice.get("/journal/").text
        response = as_alice.get(f"/journal/{Letter.objects.get().pk}/")

    for page in (before, after):
        assert listed(page) == []
        assert page.count("Let go, 12 March 2026") == 1
    assert response.status_code == 404


def test_empty_shelf_says_how_to_begin(as_alice: Client) -> None:
    assert "Your shelf is empty" in as_alice.get("/journal/").text


def test_shelf_has_twenty_letters_a_page_and_filters_each_page(
    as_alice: Client, alice: User, now: datetime
) -> None:
    for _ in range(21):
        a_letter(alice, now=now, kind="then")
    a_letter(alice, now=now)

    first, second = (as_alice.get(f"/journal/?kind=then&page={page}").text for page in (1, 2))

    assert (len(listed(first)), len(listed(second))) == (20, 1)
    assert (
        "kind=then"
        in unescape(first).split("page=2")[0].rsplit('"', 1)[-1]
        + unescape(first).split("page=2")[1].split('"')[0]
    )


@pytest.mark.parametrize("names", [False, True])
@pytest.mark.parametrize(("many", "asked"), [(1, 2), (20, 2), (21, 3), (1000, 3)])
def test_statements_of_the_shelf_do_not_grow(
    as_alice: Client,
    alice: User,
    now: datetime,
    many: int,
    asked: int,
    names: bool,
    statements: Statements,
) -> None:
    """The session with its person, and a page of letters; their count if there are more."""
    set_shows_names(alice, shows_names=names)
    contents = LetterContents("Mina", "x")
    letters = [Letter.sealed_by(alice.key, contents, now=now) for _ in range(many)]
    Letter.objects.bulk_create(letters)
    as_alice.get("/journal/")

    with statements() as found:
        page = as_alice.get("/journal/")

    assert len(found) == asked
    assert page.text.count("Mina") == (min(many, 20) if names else 0)


def test_cover_does_not_mention_letters(as_alice: Client) -> None:
    page = as_alice.get("/journal/cover/").text

    for word in ("letter", "Letter", "shelf", "Journal"):
        assert word not in re.sub(r"<[^>]+>", " ", page)


# --- What becomes of a letter --------------------------------------------------------------


def test_closing_page_asks_what_becomes_of_the_letter(
    as_alice: Client, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, WORDS, now=now)
    close = f"/journal/{draft.pk}/close/"
    page = as_alice.get(close).text
    for name in ("body_now", "next_hour", 'value="keep"', 'value="seal"', 'value="let-go"'):
        assert name in page

    kept = as_alice.post(
        close, {"body_now": "warm", "next_hour": "a window", "then": "keep"}, follow=True
    )

    assert kept.redirect_chain == [(f"/journal/{draft.pk}/", 302)]
    assert (Letter.objects.get().state, words_of(draft, alice).body) == ("kept", WORDS)
    assert WORDS in kept.text
    for answer in ("warm", "a window"):
        assert f'<bdi translate="no">{answer}</bdi>' in kept.text, "no page translator reads it"


@pytest.mark.parametrize(
    ("acceptance", "shown"), [("accept", "I accept …"), ("not_yet", "Not yet: …")]
)
def test_letter_to_them_ends_in_acceptance_or_not_yet(
    as_alice: Client, alice: User, now: datetime, acceptance: str, shown: str
) -> None:
    draft = a_draft(alice, WORDS, now=now, kind="them")
    close = f"/journal/{draft.pk}/close/"
    page = as_alice.get(close).text
    choices = re.findall(r'<input type="radio" name="acceptance" value="(\w+)"([^>]*)>', page)
    assert [key for key, _more in choices] == ["accept", "not_yet"]
    assert "checked" not in "".join(more for _key, more in choices)

    said = {"acceptance": acceptance, "accepted": "that no answer came", "then": "keep"}
    kept = as_alice.post(close, said, follow=True).text

    assert f'{shown} <bdi translate="no">that no answer came</bdi>' in kept
    contents = Letter.objects.get().open(alice.key)
    assert (contents.acceptance, contents.accepted) == (acceptance, "that no answer came")
    assert b"that no answer came" not in bytes(Letter.objects.get().sealed)
    as_alice.post(f"/journal/{draft.pk}/write-on/")
    assert f'value="{acceptance}"' in (again := as_alice.get(close).text)
    assert "that no answer came" in again


@pytest.mark.parametrize("said", [{"acceptance": "yes"}, {"accepted": "x" * 201}], ids=str)
def test_end_that_is_not_offered_changes_nothing(
    as_alice: Client, alice: User, now: datetime, said: dict[str, str]
) -> None:
    draft = a_draft(alice, WORDS, now=now, kind="them")

    page = as_alice.post(f"/journal/{draft.pk}/close/", said | {"then": "keep"})

    assert page.status_code == 200
    assert Letter.objects.get().state == "draft"


@pytest.mark.parametrize("kind", [key for key in KINDS if key != "them"])
def test_no_other_letter_asks_for_acceptance(
    as_alice: Client, alice: User, now: datetime, kind: str
) -> None:
    draft = a_draft(alice, WORDS, now=now, kind=kind)

    assert "accept" not in as_alice.get(f"/journal/{draft.pk}/close/").text


def test_closing_answers_are_optional(as_alice: Client, alice: User, now: datetime) -> None:
    draft = a_draft(alice, now=now)

    as_alice.post(f"/journal/{draft.pk}/close/", {"then": "keep"})

    assert Letter.objects.get().state == "kept"


def test_body_is_described_by_one_of_six_words(
    as_alice: Client, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, now=now)
    page = as_alice.get(f"/journal/{draft.pk}/close/").text
    words = re.findall(r'name="body_now" value="([^"]*)"', page)

    assert len(words) == 6
    assert all(word.isalpha() for word in words)
    forged = as_alice.post(f"/journal/{draft.pk}/close/", {"body_now": "10", "then": "keep"})
    assert "Choose one of these words" in forged.text
    assert Letter.objects.get().state == "draft"


@pytest.mark.parametrize(("then", "name"), [("seal", "seal"), ("let-go", "let-go")])
def test_sealing_and_letting_go_have_a_page_of_their_own(
    as_alice: Client, alice: User, now: datetime, then: str, name: str
) -> None:
    draft = a_draft(alice, WORDS, now=now)

    page = as_alice.post(f"/journal/{draft.pk}/close/?long=1", {"next_hour": "tea", "then": then})

    assert page.url == f"/journal/{draft.pk}/{name}/?long=1"
    contents = Letter.objects.get().open(alice.key)
    assert (Letter.objects.get().state, contents.next_hour) == ("draft", "tea")


def test_sealed_letter_cannot_be_read_until_its_day(
    as_alice: Client, alice: User, now: datetime
) -> None:
    letter = a_letter(alice, WORDS, now=now)
    Revision.add(alice, letter, Words("", "an earlier word"), now=now)
    with time_machine.travel(now, tick=False) as clock:
        page = as_alice.post(
            f"/journal/{letter.pk}/seal/", {"day": "2026-09-01", "tell_hour": "9"}, follow=True
        )
        assert "1 September 2026" in page.text
        assert "checking" not in page.text
        assert not Revision.objects.exists()
        for path in ("edit", "close", "versions"):
            assert "checking" not in as_alice.get(f"/journal/{letter.pk}/{path}/", follow=True).text

        clock.move_to(now + timedelta(days=200))
        as_alice.force_login(alice)
        ready = as_alice.get(f"/journal/{letter.pk}/").text
        for link in ("open/", "seal/", "let-go/", f"answers={letter.pk}"):
            assert link in ready
        opened = as_alice.post(f"/journal/{letter.pk}/open/", follow=True)

    assert WORDS in opened.text
    assert Letter.objects.get().state == "kept"


def test_early_opening_asks_first(as_alice: Client, alice: User, now: datetime) -> None:
    with time_machine.travel(now, tick=False):
        letter = a_letter(alice, WORDS, now=now, state="sealed", opens_on=now.date() + LATER)
        question = as_alice.get(f"/journal/{letter.pk}/open/").text
        assert "checking" not in question
        assert Letter.objects.get().state == "sealed"

        assert WORDS in as_alice.post(f"/journal/{letter.pk}/open/", follow=True).text


def test_letter_is_sealed_again_only_when_its_day_has_come(
    as_alice: Client, alice: User, now: datetime
) -> None:
    with time_machine.travel(now, tick=False) as clock:
        day = now.date() + timedelta(days=1)
        letter = a_letter(alice, now=now, state="sealed", opens_on=day)
        seal, data = f"/journal/{letter.pk}/seal/", {"day": "2027-01-01"}

        as_alice.post(seal, data)
        assert Letter.objects.get().opens_on == day
        clock.move_to(now + timedelta(days=1))
        as_alice.force_login(alice)
        as_alice.post(seal, data)

    assert str(Letter.objects.get().opens_on) == "2027-01-01"


@pytest.mark.parametrize(
    ("day", "error"),
    [
        ("", "Choose the day"),
        ("2026-02-30", "That date doesn’t exist."),
        ("tomorrow", "That date doesn’t exist."),
        ("2026-03-12", "a day after today"),
        ("2019-01-01", "a day after today"),
        ("2999-01-01", "within 20 years"),
    ],
)
def test_day_that_cannot_be_has_an_error(
    as_alice: Client, alice: User, now: datetime, day: str, error: str
) -> None:
    letter = a_letter(alice, now=now)
    with time_machine.travel(now, tick=False):
        page = as_alice.post(f"/journal/{letter.pk}/seal/", {"day": day})

    assert error in page.text
    assert Letter.objects.get().state == "kept"


@pytest.mark.parametrize(
    ("today", "until", "opens_on"),
    [
        ("2026-03-12", "week", "2026-03-19"),
        ("2026-03-12", "month", "2026-04-12"),
        ("2026-12-31", "month", "2027-01-31"),
        ("2027-01-31", "month", "2027-02-28"),
        ("2028-01-30", "month", "2028-02-29"),
    ],
)
@pytest.mark.parametrize("day", ["", "tomorrow", "2019-01-01", "2030-01-01"])
def test_letter_is_sealed_for_a_time_in_words(
    as_alice: Client, alice: User, today: str, until: str, opens_on: str, day: str
) -> None:
    with time_machine.travel(f"{today} 12:00Z", tick=False):
        as_alice.force_login(alice)
        letter = a_letter(alice, now=timezone.now())
        page = as_alice.get(f"/journal/{letter.pk}/seal/").text
        as_alice.post(f"/journal/{letter.pk}/seal/", {"until": until, "day": day})

    letter.refresh_from_db()
    assert str(letter.opens_on) == opens_on
    assert f"{letter.opens_on:%-d %B %Y}" in page


@pytest.mark.parametrize(("until", "named"), [("", "until"), ("day", "day"), ("never", "until")])
def test_error_is_at_the_field_that_was_left_open(
    as_alice: Client, alice: User, now: datetime, until: str, named: str
) -> None:
    letter = a_letter(alice, now=now)
    with time_machine.travel(now, tick=False):
        page = as_alice.post(f"/journal/{letter.pk}/seal/", {"until": until, "day": ""})

    assert set(page.context["form"].errors) == {named}
    assert Letter.objects.get().state == "kept"


@pytest.mark.parametrize("hour", ["7", "20", "-1", "noon"])
def test_hour_of_the_mail_must_be_one_of_those_offered(
    as_alice: Client, alice: User, now: datetime, hour: str
) -> None:
    letter = a_letter(alice, now=now)
    with time_machine.travel(now, tick=False):
        as_alice.post(f"/journal/{letter.pk}/seal/", {"day": "2026-09-01", "tell_hour": hour})

    assert Letter.objects.get().state == "kept"


def test_new_letter_can_answer_an_own_letter_only(
    as_alice: Client, alice: User, bob: User, now: datetime
) -> None:
    letter, his = a_letter(alice, now=now), a_letter(bob, now=now)
    for answered in (letter, his):
        page = as_alice.get(f"/journal/write/then/?answers={answered.pk}").text
        assert (f'name="answers" value="{answered.pk}"' in page) is (answered is letter)
        data = {"id": str(uuid4()), "body": "x", "answers": str(answered.pk)}
        as_alice.post("/journal/write/then/", data)

    new = Letter.objects.of(alice).filter(state="draft")
    assert {row.answers_id for row in new} == {letter.pk, None}


def test_letter_that_was_let_go_can_be_brought_back_for_ten_minutes(
    as_alice: Client, alice: User, now: datetime
) -> None:
    letter = a_letter(alice, WORDS, now=now)
    with time_machine.travel(now, tick=False) as clock:
        page = as_alice.post(f"/journal/{letter.pk}/let-go/", follow=True)
        assert "checking" not in page.text
        assert "bring-back/" in page.text

        clock.shift(timedelta(minutes=9))
        back = as_alice.post(f"/journal/{letter.pk}/bring-back/", follow=True)
        assert WORDS in back.text
        as_alice.post(f"/journal/{letter.pk}/let-go/")
        clock.shift(timedelta(minutes=10))
        assert as_alice.post(f"/journal/{letter.pk}/bring-back/").status_code == 404

    assert Letter.objects.get().state == "let_go"


@pytest.mark.parametrize(
    ("days", "sentence"), [(0, "The people who run this site can say"), (30, "for up to 30 days")]
)
@pytest.mark.parametrize("action", ["let-go", "throw-away"])
def test_deleting_says_how_long_backups_are_kept(
    as_alice: Client,
    alice: User,
    settings: Settings,
    now: datetime,
    action: str,
    days: int,
    sentence: str,
) -> None:
    settings.BACKUP_DAYS = days
    letter = a_draft(alice, WORDS, now=now)

    assertContains(as_alice.get(f"/journal/{letter.pk}/{action}/"), sentence)


def test_draft_is_thrown_away_after_a_question(
    as_alice: Client, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, now=now)
    assert as_alice.get(f"/journal/{draft.pk}/throw-away/").status_code == 200
    assert Letter.objects.exists()

    page = as_alice.post(f"/journal/{draft.pk}/throw-away/", follow=True)

    assert "The draft is thrown away." in page.text
    assert not Letter.objects.exists()


@pytest.mark.parametrize("action", ["throw-away", "let-go", "close", "bring-back", "edit"])
def test_action_on_a_deleted_letter_says_that_it_is_gone(
    as_alice: Client, alice: User, now: datetime, action: str
) -> None:
    """A second click, or a page that was open for long."""
    draft = a_draft(alice, now=now)
    as_alice.post(f"/journal/{draft.pk}/throw-away/")

    page = as_alice.post(f"/journal/{draft.pk}/{action}/", {"then": "keep"})

    assertContains(page, "It is not here any more", status_code=404)


def test_closing_answers_are_saved_and_survive_new_words(
    as_alice: Client, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, WORDS, now=now)
    close = f"/journal/{draft.pk}/close/"
    answers = {"body_now": "warm", "next_hour": "the window"}
    as_alice.post(close, answers | {"then": "seal"})

    page = as_alice.get(close).text
    assert 'value="the window"' in page
    assert re.search(r'value="warm"[^>]* checked', page)

    as_alice.post(close, answers | {"then": "keep"})
    as_alice.post(f"/journal/{draft.pk}/write-on/")
    data = {"id": f"{draft.pk}", "version": "1", "body": "Other words."}
    as_alice.post(f"/journal/{draft.pk}/edit/", data)
    contents = Letter.objects.get().open(alice.key)
    assert contents == LetterContents("", "Other words.", "warm", "the window")


def test_late_words_are_mentioned_until_the_writer_decides(
    as_alice: Client, alice: User, now: datetime
) -> None:
    for make in (a_letter, a_draft):
        letter = make(alice, now=now)
        address = f"/journal/{letter.pk}/"
        assertNotContains(as_alice.get(address, follow=True), "came too late")
        late = Revision.add(alice, letter, Words("", "late"), late=True, now=now)

        page = as_alice.get(address, follow=True)

        assertContains(page, f'href="{address}versions/{late.pk}/"')
        late.mark_decided()
        assertNotContains(as_alice.get(address, follow=True), "came too late")


def test_letter_whose_late_words_cannot_be_saved_does_not_change(
    as_alice: Client, alice: User, now: datetime
) -> None:
    """As the page says: nothing has changed."""
    for action, data in (("let-go", {}), ("seal", {"day": "2030-01-01"}), ("throw-away", {})):
        draft = a_draft(alice, now=now)
        Revision.add(alice, draft, Words("", "late"), late=True, now=now)
        kek = Key.objects.get(owner=alice).kek
        Key.objects.filter(owner=alice).update(kek="away")

        with time_machine.travel(now, tick=False):
            page = as_alice.post(f"/journal/{draft.pk}/{action}/", data)

        assertContains(page, "We cannot open this", status_code=503)
        Key.objects.filter(owner=alice).update(kek=kek)
        assert Letter.objects.get(pk=draft.pk).is_draft
        assert Revision.objects.filter(letter=draft).late().exists()


@pytest.mark.parametrize(
    ("zone", "sentence"),
    [("UTC", "Until you choose it, both are in UTC."), ("Asia/Tokyo", "the time zone of Tokyo")],
)
def test_sealing_page_names_the_time_zone(
    as_alice: Client, alice: User, now: datetime, zone: str, sentence: str
) -> None:
    User.objects.update(time_zone=zone)
    draft = a_draft(alice, now=now)

    assertContains(as_alice.get(f"/journal/{draft.pk}/seal/"), sentence)


@pytest.mark.parametrize(
    ("zone", "chosen"), [("UTC", "Asia/Tokyo"), ("Europe/Berlin", "Europe/Berlin")]
)
def test_sealing_saves_a_zone_where_none_was_known(
    as_alice: Client, alice: User, now: datetime, zone: str, chosen: str
) -> None:
    User.objects.update(time_zone=zone)
    draft = a_draft(alice, now=now)

    answer = as_alice.post(f"/journal/{draft.pk}/seal/", {"until": "week", "zone": "Asia/Tokyo"})

    alice.refresh_from_db()
    assert alice.time_zone == chosen
    assert Letter.objects.get(pk=draft.pk).is_sealed
    assertContains(as_alice.get(answer.headers["Location"]), 'class="folds"')


def test_only_a_draft_is_thrown_away(as_alice: Client, alice: User, now: datetime) -> None:
    letter = a_letter(alice, now=now)

    as_alice.post(f"/journal/{letter.pk}/throw-away/")

    assert Letter.objects.exists()


@pytest.mark.parametrize("is_emptied", [True, False])
def test_line_of_a_letter_that_is_gone_is_removed_by_its_owner(
    as_alice: Client, as_bob: Client, alice: User, now: datetime, is_emptied: bool
) -> None:
    gone = {"state": "let_go", "let_go_at": now, "let_go_from": "kept", "leaves_line": True}
    letter = a_letter(alice, WORDS, now=now, **gone)
    address = f"/journal/{letter.pk}/remove-line/"
    if is_emptied:
        delete_expired(now=now + timedelta(hours=1))
    assertContains(as_alice.get("/journal/"), f'<a href="{address}">Remove this line</a>')
    assertContains(as_alice.get(address), "Let go, 12 March 2026")
    assert (as_bob.get(address).status_code, as_bob.post(address).status_code) == (404, 404)

    page = as_alice.post(address, follow=True)

    assertContains(page, "The line is removed.")
    assert not Letter.objects.exists()
    assert as_alice.post(address).status_code == 404
    # Words of it that a device still has create no letter.
    unsent = {"to": "", "body": WORDS, "version": "0", "waited": "on", "kind": "them"}
    unsent["id"] = str(letter.pk)
    assert as_alice.post(f"/journal/{letter.pk}/autosave/", unsent).status_code == 410


@pytest.mark.parametrize("state", ["draft", "kept", "let_go"])
def test_letter_that_is_not_gone_has_no_line_to_remove(
    as_alice: Client, alice: User, now: datetime, state: str
) -> None:
    plain = {"state": state, "let_go_at": now, "leaves_line": True}
    letter = a_letter(alice, now=now, **plain)

    with time_machine.travel(now + timedelta(minutes=9), tick=False):
        assert as_alice.post(f"/journal/{letter.pk}/remove-line/").status_code == 404

    assert Letter.objects.exists()


def test_kept_letter_becomes_a_draft_again(as_alice: Client, alice: User, now: datetime) -> None:
    letter = a_letter(alice, WORDS, now=now)

    page = as_alice.post(f"/journal/{letter.pk}/write-on/", follow=True)

    assert page.redirect_chain[-1][0] == f"/journal/{letter.pk}/edit/"
    assert WORDS in page.text


@pytest.mark.parametrize(
    ("first", "then", "has_message"),
    [
        (("close", {"then": "keep"}), ("close", {"then": "keep"}), False),
        (("let-go", {}), ("let-go", {}), False),
        (("seal", {"day": "2030-01-01"}), ("seal", {"day": "2030-01-01"}), False),
        (("let-go", {}), ("let-go", {"leaves_line": "on"}), True),
        (("seal", {"day": "2030-01-01"}), ("seal", {"day": "2030-01-05"}), True),
        (("let-go", {}), ("seal", {"day": "2030-01-01"}), True),
        (("seal", {"day": "2030-01-01"}), ("close", {"then": "keep"}), True),
    ],
)
def test_second_click_changes_nothing_and_another_decision_has_a_message(
    as_alice: Client,
    alice: User,
    now: datetime,
    first: tuple[str, dict[str, str]],
    then: tuple[str, dict[str, str]],
    has_message: bool,
) -> None:
    draft = a_draft(alice, WORDS, now=now)
    with time_machine.travel(now, tick=False):
        as_alice.post(f"/journal/{draft.pk}/{first[0]}/", first[1])
        before = Letter.objects.values().get()
        page = as_alice.post(f"/journal/{draft.pk}/{then[0]}/", then[1], follow=True)

    assert ("This letter stands as you decided before." in page.text) is has_message
    after = Letter.objects.values().get()
    assert {n: v for n, v in after.items() if n != "sealed"} == {
        n: v for n, v in before.items() if n != "sealed"
    }


def test_long_sitting_ends_with_an_offer_to_rest(
    as_alice: Client, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, now=now)

    page = as_alice.post(f"/journal/{draft.pk}/close/?long=1", {"then": "keep"})

    assert page.url == f"/journal/{draft.pk}/settle/"
    assert as_alice.get(page.url).status_code == 200


def test_unreadable_letter_says_so_and_is_not_overwritten(
    as_alice: Client, alice: User, bob: User, now: datetime
) -> None:
    """Its bytes were replaced."""
    for make in (a_letter, a_draft):
        letter = make(alice, now=now)
        sealed = bytes(a_letter(bob, now=now).sealed)
        Letter.objects.filter(pk=letter.pk).update(sealed=sealed)
        address = f"/journal/{letter.pk}/"

        assert "We cannot open this" in as_alice.get(address, follow=True).text
        data = {"id": str(letter.pk), "body": "other words", "version": "1", "kind": "them"}
        as_alice.post(f"{address}autosave/", data)
        assert "other words" in as_alice.post(f"{address}edit/", data, follow=True).text
        assert bytes(Letter.objects.get(pk=letter.pk).sealed) == sealed
