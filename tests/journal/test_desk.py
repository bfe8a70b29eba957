"""The desk as it is without a script; what the script asks for; and the words that come back."""

from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from uuid import UUID, uuid4

import pytest
import time_machine
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import User
from journal.actions import MAX_OPENINGS, add_opening
from journal.forms import MAX_CHARACTERS
from journal.letter_kinds import KINDS
from journal.models import Letter, Opening, Revision, Words
from tests.conftest import Client, Statements
from tests.support.letters import a_draft, a_letter, bodies, earlier, words_of
from vault.models import Key

WORDS = "I kept checking if you had seen it.\n\nEven a hard answer."
Sheet = Callable[..., dict[str, str]]


@pytest.fixture
def sheet() -> Sheet:
    """A paper as a browser sends it, under an id of its own."""
    return lambda body=WORDS, **more: {"id": str(uuid4()), "to": "M.", "body": body} | more


def test_every_kind_has_its_own_desk(as_alice: Client) -> None:
    chooser = as_alice.get("/journal/write/").text

    for kind in KINDS.values():
        assert f"/journal/write/{kind.key}/" in chooser
        assert str(kind.title) in unescape(chooser)
        desk = unescape(as_alice.get(f"/journal/write/{kind.key}/").text)
        for words in (kind.title, kind.heads_up, kind.question, *kind.openings):
            assert str(words).strip() in desk
    assert as_alice.get("/journal/write/other/").status_code == 404


def test_plain_day_comes_first_for_whoever_keeps_asking_why(as_alice: Client) -> None:
    usual, asking = (as_alice.get(f"/journal/write/{query}").text for query in ("", "?why=1"))

    assert usual.index("/write/them/") < usual.index("/write/plain/")
    assert asking.index("/write/plain/") < asking.index("/write/them/")


def test_letter_cannot_be_sent(as_alice: Client, alice: User, now: datetime) -> None:
    draft, kept = a_draft(alice, now=now), a_letter(alice, now=now)
    pages = [f"/journal/write/{kind}/" for kind in KINDS]
    pages += [f"/journal/{draft.pk}/edit/", f"/journal/{kept.pk}/", "/journal/"]

    for path in pages:
        page = as_alice.get(path).text
        for way_out in ('type="email"', "mailto:", "sms:", "tel:", "navigator.share", "clipboard"):
            assert way_out not in page
    assert "no address" in as_alice.get("/journal/write/them/").text


def test_paper_becomes_a_draft_and_lies_on_the_desk_again(
    as_alice: Client, alice: User, sheet: Sheet
) -> None:
    sent = sheet(WORDS.replace("\n", "\r\n"))

    page = as_alice.post("/journal/write/friend/", sent, follow=True)

    assert page.redirect_chain == [(f"/journal/{sent['id']}/edit/", 302)]
    assert WORDS in page.text
    assert "Kept at" in page.text
    draft = Letter.objects.get()
    assert (draft.state, draft.kind) == ("draft", "friend")
    assert bodies(alice) == [WORDS]
    assert b"checking" not in bytes(draft.sealed)


def test_pressing_twice_makes_one_letter(as_alice: Client, alice: User, sheet: Sheet) -> None:
    sent = sheet()

    for _ in range(2):
        assert as_alice.post("/journal/write/them/", sent).status_code == 302

    assert bodies(alice) == [WORDS]


def test_plain_day_speaks_to_nobody(as_alice: Client, alice: User, sheet: Sheet) -> None:
    assert 'name="to"' not in as_alice.get("/journal/write/plain/").text

    as_alice.post("/journal/write/plain/", sheet())

    assert words_of(Letter.objects.get(), alice).to == ""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "One line counts as a letter"),
        (" \r\n ", "One line counts as a letter"),
        ("x" * (MAX_CHARACTERS + 1), "100,000 characters"),
        ("a\x00b", "cannot be kept"),
    ],
    ids=["empty", "only space", "too long", "nul"],
)
def test_paper_that_cannot_be_kept_stays_on_the_page(
    as_alice: Client, sheet: Sheet, body: str, said: str
) -> None:
    page = as_alice.post("/journal/write/them/", sheet(body))
    asked = as_alice.post(f"/journal/{uuid4()}/autosave/", sheet(body, kind="them"))

    assert (page.status_code, asked.status_code) == (200, 422)
    assert said in page.text
    assert said in asked.json()["said"]
    assert body.strip() in page.text
    assert not Letter.objects.exists()


def test_a_letter_of_100_000_characters_fits(as_alice: Client, alice: User, sheet: Sheet) -> None:
    body = "é" * MAX_CHARACTERS

    as_alice.post("/journal/write/them/", sheet(body))

    assert bodies(alice) == [body]


def test_ends_of_lines_are_one_sign_as_on_the_screen(
    as_alice: Client, alice: User, sheet: Sheet
) -> None:
    """Browsers send two for each where a form is handed in."""
    body = "line\n" * (MAX_CHARACTERS // 5)

    as_alice.post("/journal/write/them/", sheet(body.replace("\n", "\r\n")))

    assert bodies(alice) == [body]


@pytest.mark.parametrize("number", ["9" * 400, "9" * 5000, "-1", "²", "1e9"])
def test_numbers_that_no_page_of_ours_sends_are_none(
    as_alice: Client, alice: User, now: datetime, sheet: Sheet, number: str
) -> None:
    odd = dict.fromkeys(("version", "since", "turn"), number)
    page = as_alice.post("/journal/write/them/", sheet("words", then="close", **odd))
    draft = Letter.objects.get()
    row = Revision.add(alice, draft, Words("", "before"), now=now)
    chosen = as_alice.post(f"/journal/{draft.pk}/versions/{row.pk}/", {"keep": "other"} | odd)

    assert (page.status_code, chosen.status_code) == (302, 302)
    assert bodies(alice) == ["words"]


def test_draft_is_changed(as_alice: Client, alice: User, now: datetime, sheet: Sheet) -> None:
    draft = a_draft(alice, "first", now=now)

    answer = as_alice.post(f"/journal/{draft.pk}/edit/", sheet("calmer", version="1"))

    assert answer.headers["Location"] == f"/journal/{draft.pk}/edit/"
    assert words_of(draft, alice).body == "calmer"
    assert Letter.objects.get().created_at == now


def test_two_texts_of_one_letter_are_both_shown_and_one_is_chosen(
    as_alice: Client, alice: User, now: datetime, sheet: Sheet
) -> None:
    draft = a_draft(alice, "first", now=now)
    as_alice.post(f"/journal/{draft.pk}/edit/", sheet("from the desk", version="1"))

    page = as_alice.post(
        f"/journal/{draft.pk}/edit/", sheet("from the telephone", version="1"), follow=True
    )

    revision = Revision.objects.late().get()
    assert page.redirect_chain == [(f"/journal/{draft.pk}/versions/{revision.pk}/", 302)]
    assert "from the desk" in page.text
    assert "from the telephone" in page.text
    as_alice.post(page.redirect_chain[0][0], {"keep": "other", "version": "2"})
    assert words_of(draft, alice).body == "from the telephone"
    assert "from the desk" in earlier(draft, alice)


def test_both_texts_are_kept(as_alice: Client, alice: User, now: datetime, sheet: Sheet) -> None:
    draft = a_draft(alice, "first", now=now)
    there = as_alice.post(f"/journal/{draft.pk}/edit/", sheet("other", version="9")).url

    for _ in range(2):
        as_alice.post(there, {"keep": "both"})

    assert sorted(bodies(alice)) == ["first", "other"]


def test_choosing_after_the_letter_changed_once_more_shows_both_again(
    as_alice: Client, alice: User, now: datetime, sheet: Sheet
) -> None:
    draft = a_draft(alice, "first", now=now)
    there = as_alice.post(f"/journal/{draft.pk}/edit/", sheet("other", version="9")).url
    as_alice.post(f"/journal/{draft.pk}/edit/", sheet("changed", version="1"))

    for version in ("1", "", "x", "9" * 30):
        page = as_alice.post(there, {"keep": "other", "version": version}, follow=True)
        assert "changed since" in page.text

    assert words_of(draft, alice).body == "changed"


def test_words_for_a_draft_that_was_thrown_away_lie_on_a_new_paper(
    as_alice: Client, alice: User, sheet: Sheet
) -> None:
    page = as_alice.post(f"/journal/{uuid4()}/edit/", sheet(version="4", kind="plain"))

    assert page.status_code == 404
    assert "Your words are still here" in page.text
    assert WORDS in page.text
    assert 'action="/journal/write/plain/"' in page.text
    assert not Letter.objects.exists()


def test_words_for_a_letter_that_was_closed_become_a_draft(
    as_alice: Client, alice: User, now: datetime, sheet: Sheet
) -> None:
    kept = a_letter(alice, "closed", now=now)

    page = as_alice.post(f"/journal/{kept.pk}/edit/", sheet("more", version="1"), follow=True)

    assert "That letter cannot be changed now" in page.text
    assert words_of(kept, alice).body == "closed"
    assert sorted(bodies(alice)) == ["closed", "more"]


def test_earlier_versions_are_listed_without_a_word_of_theirs(
    as_alice: Client, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    row = Revision.add(alice, draft, words_of(draft, alice), now=now)

    page = as_alice.get(f"/journal/{draft.pk}/versions/").text

    assert f"/journal/{draft.pk}/versions/{row.pk}/" in page
    assert "first" not in page.replace("first line", "")


@pytest.mark.parametrize("state", ["sealed", "let_go"])
def test_earlier_versions_of_a_letter_that_was_closed_are_not_shown(
    as_alice: Client, alice: User, now: datetime, state: str
) -> None:
    letter = a_letter(
        alice, "closed", now=now, state=state, opens_on=now.date(), let_go_at=timezone.now()
    )
    row = Revision.add(alice, letter, words_of(letter, alice), now=now)

    for address in ("", f"{row.pk}/"):
        answer = as_alice.get(f"/journal/{letter.pk}/versions/{address}")
        assert answer.url == f"/journal/{letter.pk}/"


# --- Closing -------------------------------------------------------------------------------


def test_whoever_has_written_for_long_hears_of_it_at_the_end(
    as_alice: Client, sheet: Sheet, now: datetime
) -> None:
    with time_machine.travel(now, tick=False):
        quick = as_alice.post(
            "/journal/write/them/", sheet(then="close", since=str(int(now.timestamp()) - 599))
        )
        long = as_alice.post(
            "/journal/write/them/", sheet(then="close", since=str(int(now.timestamp()) - 600))
        )
        odd = as_alice.post("/journal/write/them/", sheet(then="close", since="9" * 40))

    assert quick.url.endswith("/close/")
    assert long.url.endswith("/close/?long=1")
    assert odd.url.endswith("/close/")


@pytest.mark.parametrize(("minutes", "is_long"), [(5, True), (4, False)])
def test_draft_kept_on_the_way_does_not_make_writing_shorter(
    as_alice: Client, sheet: Sheet, now: datetime, minutes: int, is_long: bool
) -> None:
    with time_machine.travel(now, tick=False) as clock:
        since = as_alice.get("/journal/write/them/").context["form"]["since"].value()
        clock.shift(timedelta(minutes=5))
        kept = as_alice.post("/journal/write/them/", sheet(since=since), follow=True)
        clock.shift(timedelta(minutes=minutes))
        form = kept.context["form"]
        sent = {name: form[name].value() or "" for name in form.fields} | {"then": "close"}
        closed = as_alice.post(kept.request["PATH_INFO"], sent)

    assert closed.url.endswith("?long=1") is is_long


@pytest.mark.parametrize("since", ["-1", "7 hours ago", "", "9" * 40, "x"])
def test_desk_believes_no_odd_beginning(
    as_alice: Client, alice: User, now: datetime, since: str
) -> None:
    draft = a_draft(alice, now=now)
    at = int(now.timestamp())
    said = since.replace("7 hours ago", str(at - 7 * 3600))

    with time_machine.travel(now, tick=False):
        page = as_alice.get(f"/journal/{draft.pk}/edit/", {"since": said})

    assert page.context["form"]["since"].value() == at


# --- What the script asks ------------------------------------------------------------------


def test_autosave_keeps_and_says_what_it_kept(
    as_alice: Client, alice: User, now: datetime, sheet: Sheet
) -> None:
    id = uuid4()
    with time_machine.travel(now, tick=False):
        first = as_alice.post(f"/journal/{id}/autosave/", sheet("first", kind="night"))
        more = as_alice.post(
            f"/journal/{id}/autosave/", sheet("first, and more", kind="night", version="1")
        )

    assert first.json() == {
        "id": str(id),
        "version": 1,
        "address": f"/journal/{id}/edit/",
        "said": "Kept at 8:14 pm.",
        "moved": "",
        "overtaken": False,
    }
    assert (more.status_code, more.json()["version"]) == (200, 2)
    assert bodies(alice) == ["first, and more"]
    assert "no-store" in more.headers["Cache-Control"]


def test_autosave_sets_words_that_came_too_late_beside(
    as_alice: Client, alice: User, now: datetime, sheet: Sheet
) -> None:
    draft = a_draft(alice, "first", now=now)
    there = f"/journal/{draft.pk}/autosave/"

    late = as_alice.post(there, sheet("other", kind="them", version="9"))
    on = as_alice.post(
        there, sheet("other, and", kind="them", version="9", revision=late.json()["revision"])
    )

    assert (late.status_code, on.status_code) == (409, 409)
    assert late.json()["revision"] == on.json()["revision"]
    assert late.json()["link"] == f"/journal/{draft.pk}/versions/{late.json()['revision']}/"
    assert (bodies(alice), earlier(draft, alice)) == (["first"], ["other, and"])


def test_autosave_of_a_draft_that_was_thrown_away_says_so(as_alice: Client, sheet: Sheet) -> None:
    answer = as_alice.post(f"/journal/{uuid4()}/autosave/", sheet(kind="them", version="3"))

    assert answer.status_code == 410
    assert "Your words are still here" in answer.json()["said"]
    assert not Letter.objects.exists()


def test_autosave_while_the_key_does_not_open_keeps_nothing(
    as_alice: Client, alice: User, sheet: Sheet
) -> None:
    Key.objects.filter(owner=alice).update(kek="away")

    answer = as_alice.post(f"/journal/{uuid4()}/autosave/", sheet(kind="them"))

    assert answer.status_code == 503
    assert "not kept yet" in answer.json()["said"]
    assert not Letter.objects.exists()


@pytest.mark.parametrize("kind", ["", "other", "gone"])
def test_autosave_of_no_kind_of_letter_is_not_found(
    as_alice: Client, sheet: Sheet, kind: str
) -> None:
    assert as_alice.post(f"/journal/{uuid4()}/autosave/", sheet(kind=kind)).status_code == 404


def test_token_is_for_whoever_is_signed_in_and_tells_people_apart(
    client: Client, as_alice: Client, as_bob: Client
) -> None:
    assert client.get("/journal/token/").status_code == 302

    hers, again, his = (each.get("/journal/token/").json() for each in (as_alice, as_alice, as_bob))

    assert hers["key"] == again["key"] != his["key"]
    assert hers["key"] in as_alice.get("/journal/write/them/").text
    assert set(hers) == {"csrf", "key"}


@pytest.mark.parametrize("many", [1, 100])
def test_statements_of_an_autosave_do_not_grow(
    as_alice: Client, alice: User, now: datetime, statements: Statements, sheet: Sheet, many: int
) -> None:
    for _ in range(many):
        a_draft(alice, now=now)
    draft = a_draft(alice, "first", now=now)
    as_alice.get("/journal/token/")

    sent = sheet("more", kind="them", version="1", answers=str(draft.pk))

    with statements() as found:
        as_alice.post(f"/journal/{draft.pk}/autosave/", sent)

    assert len([sql for sql in found if "SAVEPOINT" not in sql]) <= 6


# --- Own first lines -----------------------------------------------------------------------


def test_own_first_lines_are_kept_for_their_kind_of_letter(as_alice: Client, alice: User) -> None:
    for _ in range(2):
        as_alice.post("/journal/write/quiet/lines/", {"opening": "Since you came, "})

    assert "Since you came," in as_alice.get("/journal/write/quiet/").text
    assert "Since you came," not in as_alice.get("/journal/write/them/").text
    row = Opening.objects.get()
    assert b"Since" not in bytes(row.sealed)

    as_alice.post(f"/journal/lines/{row.pk}/remove/")
    assert not Opening.objects.exists()


@pytest.mark.parametrize("text", ["", "  ", "x" * 201, "a\x00b"])
def test_line_that_cannot_be_kept_is_said_kindly(as_alice: Client, text: str) -> None:
    page = as_alice.post("/journal/write/quiet/lines/", {"opening": text})

    assert page.status_code == 200
    assert "Error:" in page.text
    assert not Opening.objects.exists()


def test_there_is_room_for_so_many_lines(as_alice: Client, alice: User, now: datetime) -> None:
    for number in range(MAX_OPENINGS):
        add_opening(person=alice, kind="them", text=f"{number}", now=now)

    page = as_alice.post("/journal/write/them/lines/", {"opening": "one more"})

    assert "There is room for twelve" in page.text
    assert "one more" in page.text
    assert Opening.objects.count() == MAX_OPENINGS


# --- Any words -----------------------------------------------------------------------------


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1))
def test_any_text_comes_back_byte_for_byte(as_alice: Client, alice: User, body: str) -> None:
    id = uuid4()
    by_hand = as_alice.post("/journal/write/them/", {"id": str(id), "to": "", "body": body})
    by_script = as_alice.post(
        f"/journal/{uuid4()}/autosave/", {"kind": "them", "id": str(id), "body": body}
    )

    if not body.strip():
        assert (by_hand.status_code, by_script.status_code) == (200, 422)
        return
    for kept in (UUID(by_hand.url.split("/")[2]), UUID(by_script.json()["id"])):
        assert words_of(kept, alice).body == body.replace("\r\n", "\n")


def test_draft_is_where_it_was_left_after_a_day(
    as_alice: Client, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, WORDS, now=now)

    with time_machine.travel(now + timedelta(days=1), tick=False):
        page = as_alice.get(f"/journal/{draft.pk}/", follow=True)

    assert WORDS in page.text
