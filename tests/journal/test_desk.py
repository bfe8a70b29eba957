"""The desk: its forms, the endpoints of its script, and words that are given back."""

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
from pytest_django.asserts import assertContains, assertNotContains

from accounts.models import User
from journal.forms import MAX_CHARACTERS
from journal.letter_kinds import BEGINNINGS, KINDS
from journal.models import Letter, Opening, Revision, Words
from journal.opening_line_actions import MAX_OPENINGS, add_opening
from tests.support.client import Client
from tests.support.database import Statements
from tests.support.letters import a_draft, a_letter, bodies, earlier, words_of
from vault.models import Key

WORDS = "I kept checking if you had seen it.\n\nEven a hard answer."
FormData = Callable[..., dict[str, str]]


@pytest.fixture
def form_data() -> FormData:
    """What a browser sends for a new letter: each call has an id of its own."""
    return lambda body=WORDS, **more: {"id": str(uuid4()), "to": "M.", "body": body} | more


def test_every_kind_has_its_own_desk(as_alice: Client) -> None:
    chooser = as_alice.get("/journal/write/").text

    assert all(f"/journal/write/{key}/" in chooser for key in BEGINNINGS)
    for kind in KINDS.values():
        assert (str(kind.title) in unescape(chooser)) != kind.is_evening
        desk = unescape(as_alice.get(f"/journal/write/{kind.key}/").text)
        for words in (kind.title, kind.heads_up, kind.question, *kind.openings):
            assert str(words).strip() in desk
    assert as_alice.get("/journal/write/other/").status_code == 404


def test_plain_day_comes_first_for_those_who_ask_why(as_alice: Client) -> None:
    usual, asking = (as_alice.get(f"/journal/write/{query}").text for query in ("", "?why=1"))

    assert usual.index("/write/them/") < usual.index("/write/plain/")
    assert asking.index("/write/plain/") < asking.index("/write/them/")


def test_kind_letters_come_to_an_end_after_seven(
    as_alice: Client, alice: User, form_data: FormData, now: datetime
) -> None:
    place = "/journal/write/friend/"
    letters = [a_letter(alice, kind="friend", now=now) for _time in range(6)]
    a_letter(alice, kind="them", now=now)
    page = as_alice.get(place).text
    assert "<textarea" in page
    assert "If they sting, do one kind thing for yourself instead" in page

    as_alice.post(place, form_data())
    over = as_alice.get(place)

    assertContains(over, "this has come to its end")
    assertNotContains(over, "<textarea")
    # A page that was opened before still saves its words.
    late = form_data(id=str(uuid4()), body="An eighth one.")
    assert as_alice.post(place, late).status_code == 302
    assert "An eighth one." in bodies(alice)
    for letter in letters[:2]:
        letter.let_go(leaves_line=False, now=now - timedelta(days=1))
    assertContains(as_alice.get(place), "<textarea")


def test_letter_cannot_be_sent(as_alice: Client, alice: User, now: datetime) -> None:
    draft, kept = a_draft(alice, now=now), a_letter(alice, now=now)
    pages = [f"/journal/write/{kind}/" for kind in KINDS]
    pages += [f"/journal/{draft.pk}/edit/", f"/journal/{kept.pk}/", "/journal/"]

    for path in pages:
        page = as_alice.get(path).text
        for forbidden in (
            'type="email"',
            "mailto:",
            "sms:",
            "tel:",
            "navigator.share",
            "clipboard",
        ):
            assert forbidden not in page
    assert "no address" in as_alice.get("/journal/write/them/").text


def test_new_letter_becomes_a_draft_that_can_be_edited(
    as_alice: Client, alice: User, form_data: FormData
) -> None:
    sent = form_data(WORDS.replace("\n", "\r\n"))

    page = as_alice.post("/journal/write/friend/", sent, follow=True)

    stored_id = Letter.stored_id(alice, UUID(sent["id"]))
    assert page.redirect_chain == [(f"/journal/{stored_id}/edit/", 302)]
    assert WORDS in page.text
    assert "Saved at" in page.text
    draft = Letter.objects.get()
    assert (draft.state, draft.kind) == ("draft", "friend")
    assert bodies(alice) == [WORDS]
    assert b"checking" not in bytes(draft.sealed)


def test_pressing_twice_makes_one_letter(
    as_alice: Client, alice: User, form_data: FormData
) -> None:
    sent = form_data()

    for _ in range(2):
        assert as_alice.post("/journal/write/them/", sent).status_code == 302

    assert bodies(alice) == [WORDS]


def test_plain_day_has_no_salutation(as_alice: Client, alice: User, form_data: FormData) -> None:
    assert 'name="to"' not in as_alice.get("/journal/write/plain/").text

    as_alice.post("/journal/write/plain/", form_data())

    assert words_of(Letter.objects.get(), alice).to == ""


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("", "One line counts as a letter"),
        (" \r\n ", "One line counts as a letter"),
        ("x" * (MAX_CHARACTERS + 1), "100,000 characters"),
        ("a\x00b", "can’t be saved"),
    ],
    ids=["empty", "only space", "too long", "nul"],
)
def test_paper_that_cannot_be_kept_stays_on_the_page(
    as_alice: Client, form_data: FormData, body: str, error: str
) -> None:
    page = as_alice.post("/journal/write/them/", form_data(body))
    autosave = as_alice.post(f"/journal/{uuid4()}/autosave/", form_data(body, kind="them"))

    assert (page.status_code, autosave.status_code) == (200, 422)
    assert error in page.text
    assert error in autosave.json()["said"]
    assert body.strip() in page.text
    assert not Letter.objects.exists()


def test_a_letter_of_100_000_characters_fits(
    as_alice: Client, alice: User, form_data: FormData
) -> None:
    body = "é" * MAX_CHARACTERS

    as_alice.post("/journal/write/them/", form_data(body))

    assert bodies(alice) == [body]


def test_line_ends_count_as_one_character(
    as_alice: Client, alice: User, form_data: FormData
) -> None:
    """Browsers submit two characters for each."""
    body = "line\n" * (MAX_CHARACTERS // 5)

    as_alice.post("/journal/write/them/", form_data(body.replace("\n", "\r\n")))

    assert bodies(alice) == [body]


@pytest.mark.parametrize("number", ["9" * 400, "9" * 5000, "-1", "²", "1e9"])
def test_forged_numbers_count_as_their_defaults(
    as_alice: Client, alice: User, now: datetime, form_data: FormData, number: str
) -> None:
    odd = dict.fromkeys(("version", "since", "turn"), number)
    page = as_alice.post("/journal/write/them/", form_data("words", then="close", **odd))
    draft = Letter.objects.get()
    row = Revision.add(alice, draft, Words("", "before"), now=now)
    chosen = as_alice.post(f"/journal/{draft.pk}/versions/{row.pk}/", {"keep": "other"} | odd)

    assert (page.status_code, chosen.status_code) == (302, 302)
    assert bodies(alice) == ["words"]


def test_draft_is_changed(
    as_alice: Client, alice: User, now: datetime, form_data: FormData
) -> None:
    draft = a_draft(alice, "first", now=now)

    response = as_alice.post(f"/journal/{draft.pk}/edit/", form_data("calmer", version="1"))

    assert response.headers["Location"] == f"/journal/{draft.pk}/edit/"
    assert words_of(draft, alice).body == "calmer"
    assert Letter.objects.get().created_at == now


def test_two_texts_of_one_letter_are_both_shown_and_one_is_chosen(
    as_alice: Client, alice: User, now: datetime, form_data: FormData
) -> None:
    draft = a_draft(alice, "first", now=now)
    as_alice.post(f"/journal/{draft.pk}/edit/", form_data("from the desk", version="1"))

    page = as_alice.post(
        f"/journal/{draft.pk}/edit/", form_data("from the telephone", version="1"), follow=True
    )

    revision = Revision.objects.late().get()
    assert page.redirect_chain == [(f"/journal/{draft.pk}/versions/{revision.pk}/", 302)]
    assert "from the desk" in page.text
    assert "from the telephone" in page.text
    as_alice.post(page.redirect_chain[0][0], {"keep": "other", "version": "2"})
    assert words_of(draft, alice).body == "from the telephone"
    assert "from the desk" in earlier(draft, alice)


def test_both_texts_are_kept(
    as_alice: Client, alice: User, now: datetime, form_data: FormData
) -> None:
    draft = a_draft(alice, "first", now=now)
    version_page = as_alice.post(f"/journal/{draft.pk}/edit/", form_data("other", version="9")).url

    for _ in range(2):
        as_alice.post(version_page, {"keep": "both"})

    assert sorted(bodies(alice)) == ["first", "other"]


def test_choice_is_shown_again_if_the_letter_has_changed_since(
    as_alice: Client, alice: User, now: datetime, form_data: FormData
) -> None:
    draft = a_draft(alice, "first", now=now)
    version_page = as_alice.post(f"/journal/{draft.pk}/edit/", form_data("other", version="9")).url
    as_alice.post(f"/journal/{draft.pk}/edit/", form_data("changed", version="1"))

    for version in ("1", "", "x", "9" * 30):
        page = as_alice.post(version_page, {"keep": "other", "version": version}, follow=True)
        assert "changed since" in page.text

    assert words_of(draft, alice).body == "changed"


def test_words_for_a_deleted_draft_are_given_back_on_a_new_page(
    as_alice: Client, alice: User, form_data: FormData
) -> None:
    page = as_alice.post(f"/journal/{uuid4()}/edit/", form_data(version="4", kind="plain"))

    assert page.status_code == 404
    assert "Your words are still here" in page.text
    assert WORDS in page.text
    assert 'action="/journal/write/plain/"' in page.text
    assert not Letter.objects.exists()


def test_words_for_a_kept_letter_become_a_separate_draft(
    as_alice: Client, alice: User, now: datetime, form_data: FormData
) -> None:
    kept = a_letter(alice, "before", now=now)

    page = as_alice.post(f"/journal/{kept.pk}/edit/", form_data("more", version="1"), follow=True)

    assert "That letter cannot be changed now" in page.text
    assert words_of(kept, alice).body == "before"
    assert sorted(bodies(alice)) == ["before", "more"]


def test_earlier_versions_are_listed_without_their_words(
    as_alice: Client, alice: User, now: datetime
) -> None:
    draft = a_draft(alice, "first", now=now)
    row = Revision.add(alice, draft, words_of(draft, alice), now=now)

    page = as_alice.get(f"/journal/{draft.pk}/versions/").text

    assert f"/journal/{draft.pk}/versions/{row.pk}/" in page
    assert "first" not in page.replace("first line", "")


@pytest.mark.parametrize("state", ["sealed", "let_go"])
def test_revisions_of_a_sealed_or_let_go_letter_are_not_shown(
    as_alice: Client, alice: User, now: datetime, state: str
) -> None:
    letter = a_letter(
        alice, "words", now=now, state=state, opens_on=now.date(), let_go_at=timezone.now()
    )
    row = Revision.add(alice, letter, words_of(letter, alice), now=now)

    for path in ("", f"{row.pk}/"):
        response = as_alice.get(f"/journal/{letter.pk}/versions/{path}")
        assert response.url == f"/journal/{letter.pk}/"


# --- Closing -------------------------------------------------------------------------------


def test_long_sitting_is_passed_on_to_the_closing_page(
    as_alice: Client, form_data: FormData, now: datetime
) -> None:
    with time_machine.travel(now, tick=False):
        quick = as_alice.post(
            "/journal/write/them/", form_data(then="close", since=str(int(now.timestamp()) - 599))
        )
        long = as_alice.post(
            "/journal/write/them/", form_data(then="close", since=str(int(now.timestamp()) - 600))
        )
        odd = as_alice.post("/journal/write/them/", form_data(then="close", since="9" * 40))

    assert quick.url.endswith("/close/")
    assert long.url.endswith("/close/?long=1")
    assert odd.url.endswith("/close/")


@pytest.mark.parametrize(("minutes", "is_long"), [(5, True), (4, False)])
def test_saving_a_draft_does_not_restart_the_sitting(
    as_alice: Client, form_data: FormData, now: datetime, minutes: int, is_long: bool
) -> None:
    with time_machine.travel(now, tick=False) as clock:
        since = as_alice.get("/journal/write/them/").context["form"]["since"].value()
        clock.shift(timedelta(minutes=5))
        kept = as_alice.post("/journal/write/them/", form_data(since=since), follow=True)
        clock.shift(timedelta(minutes=minutes))
        form = kept.context["form"]
        sent = {name: form[name].value() or "" for name in form.fields} | {"then": "close"}
        closed = as_alice.post(kept.request["PATH_INFO"], sent)

    assert closed.url.endswith("?long=1") is is_long


@pytest.mark.parametrize("since", ["-1", "7 hours ago", "", "9" * 40, "x"])
def test_desk_ignores_a_start_time_that_cannot_be(
    as_alice: Client, alice: User, now: datetime, since: str
) -> None:
    draft = a_draft(alice, now=now)
    at = int(now.timestamp())
    value = since.replace("7 hours ago", str(at - 7 * 3600))

    with time_machine.travel(now, tick=False):
        page = as_alice.get(f"/journal/{draft.pk}/edit/", {"since": value})

    assert page.context["form"]["since"].value() == at


# --- Endpoints of the script ---------------------------------------------------------------


def test_autosave_saves_and_responds_with_the_version(
    as_alice: Client, alice: User, now: datetime, form_data: FormData
) -> None:
    id = uuid4()
    with time_machine.travel(now, tick=False):
        first = as_alice.post(f"/journal/{id}/autosave/", form_data("first", kind="night"))
        more = as_alice.post(
            f"/journal/{id}/autosave/", form_data("first, and more", kind="night", version="1")
        )

    stored_id = Letter.stored_id(alice, id)
    assert first.json() == {
        "id": str(stored_id),
        "version": 1,
        "address": f"/journal/{stored_id}/edit/",
        "said": "Saved at 8:14 pm UTC.",
        "moved": "",
        "overtaken": False,
    }
    assert (more.status_code, more.json()["version"]) == (200, 2)
    assert bodies(alice) == ["first, and more"]
    assert "no-store" in more.headers["Cache-Control"]


def test_autosave_saves_late_words_beside_the_letter(
    as_alice: Client, alice: User, now: datetime, form_data: FormData
) -> None:
    draft = a_draft(alice, "first", now=now)
    autosave = f"/journal/{draft.pk}/autosave/"

    late = as_alice.post(autosave, form_data("other", kind="them", version="9"))
    more = as_alice.post(
        autosave,
        form_data("other, and", kind="them", version="9", revision=late.json()["revision"]),
    )

    assert (late.status_code, more.status_code) == (409, 409)
    assert late.json()["revision"] == more.json()["revision"]
    assert late.json()["link"] == f"/journal/{draft.pk}/versions/{late.json()['revision']}/"
    assert (bodies(alice), earlier(draft, alice)) == (["first"], ["other, and"])


def test_autosave_of_a_deleted_draft_is_gone(as_alice: Client, form_data: FormData) -> None:
    response = as_alice.post(f"/journal/{uuid4()}/autosave/", form_data(kind="them", version="3"))

    assert response.status_code == 410
    assert "Your words are still here" in response.json()["said"]
    assert not Letter.objects.exists()


def test_autosave_saves_nothing_while_the_key_cannot_be_opened(
    as_alice: Client, alice: User, form_data: FormData
) -> None:
    Key.objects.filter(owner=alice).update(kek="away")

    response = as_alice.post(f"/journal/{uuid4()}/autosave/", form_data(kind="them"))

    assert response.status_code == 503
    assert "not saved yet" in response.json()["said"]
    assert not Letter.objects.exists()


@pytest.mark.parametrize("kind", ["", "other", "gone"])
def test_autosave_of_an_unknown_kind_is_not_found(
    as_alice: Client, form_data: FormData, kind: str
) -> None:
    assert as_alice.post(f"/journal/{uuid4()}/autosave/", form_data(kind=kind)).status_code == 404


def test_token_needs_a_sign_in_and_its_key_differs_by_person(
    client: Client, as_alice: Client, as_bob: Client
) -> None:
    assert client.get("/journal/token/").status_code == 302

    hers, again, his = (each.get("/journal/token/").json() for each in (as_alice, as_alice, as_bob))

    assert hers["key"] == again["key"] != his["key"]
    assert hers["key"] in as_alice.get("/journal/write/them/").text
    assert set(hers) == {"csrf", "key"}


@pytest.mark.parametrize("many", [1, 100])
def test_statements_of_an_autosave_do_not_grow(
    as_alice: Client,
    alice: User,
    now: datetime,
    statements: Statements,
    form_data: FormData,
    many: int,
) -> None:
    for _ in range(many):
        a_draft(alice, now=now)
    draft = a_draft(alice, "first", now=now)
    as_alice.get("/journal/token/")

    sent = form_data("more", kind="them", version="1", answers=str(draft.pk))

    with statements() as found:
        as_alice.post(f"/journal/{draft.pk}/autosave/", sent)

    assert len([sql for sql in found if "SAVEPOINT" not in sql]) <= 6


# --- Own first lines -----------------------------------------------------------------------


def test_own_first_lines_are_saved_for_one_kind_of_letter(as_alice: Client, alice: User) -> None:
    for _ in range(2):
        as_alice.post("/journal/write/quiet/lines/", {"opening": "Since you came, "})

    assert "Since you came," in as_alice.get("/journal/write/quiet/").text
    assert "Since you came," not in as_alice.get("/journal/write/them/").text
    row = Opening.objects.get()
    assert b"Since" not in bytes(row.sealed)

    as_alice.post(f"/journal/lines/{row.pk}/remove/")
    assert not Opening.objects.exists()


@pytest.mark.parametrize("text", ["", "  ", "x" * 201, "a\x00b"])
def test_line_that_cannot_be_saved_has_an_error(as_alice: Client, text: str) -> None:
    page = as_alice.post("/journal/write/quiet/lines/", {"opening": text})

    assert page.status_code == 200
    assert "Error:" in page.text
    assert not Opening.objects.exists()


def test_number_of_own_first_lines_is_limited(as_alice: Client, alice: User, now: datetime) -> None:
    for number in range(MAX_OPENINGS):
        add_opening(person=alice, kind="them", text=f"{number}", now=now)

    page = as_alice.post("/journal/write/them/lines/", {"opening": "one more"})

    assert "You can keep twelve" in page.text
    assert "one more" in page.text
    assert Opening.objects.count() == MAX_OPENINGS


# --- Any words -----------------------------------------------------------------------------


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1))
def test_any_text_comes_back_byte_for_byte(as_alice: Client, alice: User, body: str) -> None:
    id = uuid4()
    by_form = as_alice.post("/journal/write/them/", {"id": str(id), "to": "", "body": body})
    by_script = as_alice.post(
        f"/journal/{uuid4()}/autosave/", {"kind": "them", "id": str(id), "body": body}
    )

    if not body.strip():
        assert (by_form.status_code, by_script.status_code) == (200, 422)
        return
    for kept in (UUID(by_form.url.split("/")[2]), UUID(by_script.json()["id"])):
        letter = Letter.objects.get(pk=kept)
        assert words_of(letter, alice).body == body.replace("\r\n", "\n")


def test_draft_is_unchanged_after_a_day(as_alice: Client, alice: User, now: datetime) -> None:
    draft = a_draft(alice, WORDS, now=now)

    with time_machine.travel(now + timedelta(days=1), tick=False):
        page = as_alice.get(f"/journal/{draft.pk}/", follow=True)

    assert WORDS in page.text
