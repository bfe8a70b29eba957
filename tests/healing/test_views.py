import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from pytest_django import Settings

from accounts.models import User
from healing import actions
from healing.guide import guide
from healing.models import Answer, AnswerContents, StepMark
from tests.support.client import Client
from tests.support.database import Statements
from tests.support.full_quota import fill_rows
from tests.support.returned_forms import on_a_page_of, shown
from vault.models import Key
from vault.storage_quota import MAX_ROWS

FILLED = {"moments-0-happened": "No reply on Sunday.", "moments-0-filled_in": "I said too much."}
EXERCISE = "/steps/1/filling-in/"


def save(person: User, words: str, now: datetime, *, page_id: UUID | None = None) -> Answer:
    step = guide().steps[1]
    answer = {"moments": [{"happened": words, "filled_in": ""}], "stands_out": ""}
    return actions.save_answer(
        person=person,
        id=page_id or uuid4(),
        step=step,
        exercise=step.exercises[0],
        answer=answer,
        now=now,
    )


@pytest.mark.parametrize("slug", list(guide().readings))
def test_reading_is_open_to_anyone(client: Client, slug: str) -> None:
    page = client.get(f"/learn/{slug}/")

    assert page.status_code == 200
    assert guide().readings[slug].title in page.content.decode()


@pytest.mark.parametrize("number", range(1, 9))
def test_step_is_open_to_anyone_with_everything_in_it(client: Client, number: int) -> None:
    page = client.get(f"/steps/{number}/").content.decode()

    step = guide().steps[number]
    assert step.title in page
    assert step.html in page
    assert "An invented voice." in page
    assert "/accounts/signup/?next=/steps/" in page


@pytest.mark.parametrize(
    "path", ["/learn/", "/steps/", "/about/", "/privacy/", "/terms/", "/accessibility/"]
)
def test_pages_of_the_guide_are_open_to_anyone(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    "path", ["/steps/0/", "/steps/9/", "/steps/10/", "/learn/nothing/", "/steps/1/nothing/"]
)
def test_what_is_not_in_the_guide_is_not_found(client: Client, db: None, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/learn/signs/", "/steps/7/"])
def test_titles_are_neutral(client: Client, path: str) -> None:
    title = re.search(r"<title>(.*?)</title>", client.get(path).content.decode(), re.DOTALL)

    assert title
    assert title[1] in {"Reading – Notes", "Step 7 – Notes"}


def test_answer_is_saved_sealed_and_shown_with_its_date(as_alice: Client, alice: User) -> None:
    with time_machine.travel("2026-03-12 20:14Z", tick=False):
        response = as_alice.post(EXERCISE, FILLED, follow=True)

    page = response.content.decode()
    assert response.redirect_chain == [(EXERCISE, 302)]
    assert "12 March 2026" in page
    assert "No reply on Sunday." in page
    row = Answer.objects.of(alice).get()
    assert (row.step, row.exercise, row.version) == (
        1,
        "filling-in",
        guide().steps[1].exercises[0].version,
    )
    assert b"Sunday" not in bytes(row.sealed)


def test_form_is_empty_beside_a_saved_answer(as_alice: Client) -> None:
    page = as_alice.post(EXERCISE, FILLED, follow=True).content.decode()

    assert "No reply on Sunday." in page
    assert ">No reply on Sunday.</textarea>" not in page


def test_invalid_form_shows_what_was_typed(as_alice: Client, alice: User) -> None:
    page = as_alice.post(EXERCISE, FILLED | {"stands_out": "x" * 2001}).content.decode()

    assert "2000 fit" in page
    assert "No reply on Sunday.</textarea>" in page
    assert "x" * 2001 in page
    assert not Answer.objects.exists()


def test_blank_form_holds_nothing_of_an_earlier_form(
    as_alice: Client, as_bob: Client, alice: User, now: datetime
) -> None:
    """It is rendered once and shown to everybody."""
    blank = as_bob.get(EXERCISE).text
    kept = save(alice, "typed by Alice", now)
    as_alice.get(f"{EXERCISE}{kept.pk}/")
    as_alice.post(EXERCISE, {"moments-0-happened": "typed by Alice", "stands_out": "x" * 10_001})

    again = as_bob.get(EXERCISE).text

    assert "typed by Alice" not in again
    assert again.count("<textarea") == blank.count("<textarea") > 10


def test_answer_of_someone_else_is_not_found(as_bob: Client, alice: User, now: datetime) -> None:
    row = save(alice, "mine", now)

    for path in (f"{EXERCISE}{row.pk}/", f"{EXERCISE}{row.pk}/delete/", f"{EXERCISE}{uuid4()}/"):
        assert as_bob.get(path).status_code == 404
        assert as_bob.post(path, FILLED).status_code == 404
    assert "mine" not in as_bob.get(EXERCISE).content.decode()
    assert Answer.objects.get() == row


def test_answer_is_not_found_under_another_step(
    as_alice: Client, alice: User, now: datetime
) -> None:
    row = save(alice, "mine", now)

    assert as_alice.get(f"/steps/2/hoping/{row.pk}/").status_code == 404


def test_answer_can_be_changed(as_alice: Client, alice: User, now: datetime) -> None:
    row = save(alice, "before", now)
    assert "before</textarea>" in as_alice.get(f"{EXERCISE}{row.pk}/").content.decode()

    page = as_alice.post(
        f"{EXERCISE}{row.pk}/", {"moments-0-happened": "after"} | shown(alice, row), follow=True
    )

    assert "after" in page.content.decode()
    contents = Answer.objects.get().open(alice.key)
    assert contents.fields["moments"] == [{"happened": "after", "filled_in": ""}]
    assert Answer.objects.get().created_at == now


def test_answer_is_deleted_only_after_a_confirmation_page(
    as_alice: Client, alice: User, now: datetime
) -> None:
    row = save(alice, "mine", now)
    assert "cannot be brought back" in as_alice.get(f"{EXERCISE}{row.pk}/delete/").content.decode()
    assert Answer.objects.exists()

    as_alice.post(f"{EXERCISE}{row.pk}/delete/")

    assert not Answer.objects.exists()


def test_unreadable_answer_is_reported_and_unchanged(
    as_alice: Client, alice: User, bob: User, now: datetime
) -> None:
    row = save(alice, "mine", now)
    broken = bytes(save(bob, "theirs", now).sealed)
    Answer.objects.filter(pk=row.pk).update(sealed=broken)

    assert "We cannot open this. It is still stored" in as_alice.get(EXERCISE).content.decode()
    page = as_alice.post(f"{EXERCISE}{row.pk}/", FILLED)
    assert "We cannot open this" in page.content.decode()
    assert bytes(Answer.objects.get(pk=row.pk).sealed) == broken


@pytest.mark.parametrize(("state", "words"), [("settled", "Done for now"), ("aside", "Skipped")])
def test_step_is_marked_and_opened_again(
    as_alice: Client, alice: User, state: str, words: str
) -> None:
    page = as_alice.post("/steps/4/mark/", {"state": state}, follow=True)
    assert words in page.content.decode()
    assert list(StepMark.objects.of(alice).values_list("step", "state")) == [(4, state)]
    assert words in as_alice.get("/steps/").content.decode()

    as_alice.post("/steps/4/mark/", {"state": "open"})
    assert not StepMark.objects.exists()


def test_mark_that_is_not_one_of_the_three_changes_nothing(as_alice: Client) -> None:
    page = as_alice.post("/steps/4/mark/", {"state": "won"}, follow=True)

    assert "Nothing was changed" in page.content.decode()
    assert not StepMark.objects.exists()


def test_exercise_of_the_third_step_is_the_desk(as_alice: Client) -> None:
    assert as_alice.get("/steps/3/letter/").headers["Location"] == "/journal/write/them/"


@pytest.mark.parametrize(("many", "asked"), [(1, 2), (25, 3)])
def test_statements_of_the_exercise_page_do_not_grow(
    as_alice: Client,
    alice: User,
    now: datetime,
    many: int,
    asked: int,
    statements: Statements,
) -> None:
    alice.record_visit(now=datetime.now(now.tzinfo))
    for _ in range(many):
        save(alice, "words", now)
    as_alice.get(EXERCISE)

    with statements() as queries:
        as_alice.get(EXERCISE)

    assert len(queries) == asked


def test_answer_with_a_full_quota_stays_on_the_page(as_alice: Client, alice: User) -> None:
    id = {"id": str(uuid4())}
    as_alice.post(EXERCISE, FILLED | id)
    fill_rows(alice)

    repeated = as_alice.post(EXERCISE, FILLED | id)
    page = as_alice.post(EXERCISE, FILLED | {"moments-0-happened": "Another Sunday."})

    assert repeated.status_code == 302
    assert page.status_code == 422
    assert "There is no room for more words here" in page.text
    assert "Another Sunday." in page.text
    assert Answer.objects.of(alice).count() == 1


def test_answer_with_a_full_quota_can_be_corrected_and_not_made_longer(
    as_alice: Client, alice: User, now: datetime
) -> None:
    row = save(alice, "words", now)
    fill_rows(alice)
    address = f"{EXERCISE}{row.pk}/"

    corrected = as_alice.post(address, FILLED | shown(alice, row))
    longer = {f"moments-{number}-happened": "a" * 1000 for number in range(5)}
    page = as_alice.post(address, longer | shown(alice, Answer.objects.get()))

    assert corrected.status_code == 302
    assert page.status_code == 422
    assert "There is no room for more words here" in page.text
    assert "a" * 1000 in page.text
    moments = Answer.objects.get().open(alice.key).fields["moments"]
    assert [moment["happened"] for moment in moments] == ["No reply on Sunday."]


def test_answer_with_a_nearly_full_quota_is_saved_and_that_is_told(
    as_alice: Client, alice: User
) -> None:
    fill_rows(alice, MAX_ROWS * 4 // 5)

    page = as_alice.post(EXERCISE, FILLED, follow=True)

    assert "There is little room left here" in page.text
    assert Answer.objects.of(alice).count() == 1


def test_pages_stay_up_when_no_key_opens(as_alice: Client, alice: User, now: datetime) -> None:
    save(alice, "mine", now)
    Key.objects.update(kek="k9")

    assert "We cannot open this" in as_alice.get(EXERCISE).content.decode()


def test_posting_twice_saves_one_answer(as_alice: Client, alice: User) -> None:
    page = as_alice.get(EXERCISE).content.decode()
    posted_id = re.search(r'name="id" value="([0-9a-f-]{36})"', page)
    assert posted_id

    as_alice.post(EXERCISE, FILLED | {"id": posted_id[1]})
    first = Answer.objects.values().get()
    as_alice.post(EXERCISE, FILLED | {"id": posted_id[1]})

    assert Answer.objects.values().get() == first
    assert first["id"] == alice.key.derive_id(Answer.purpose, UUID(posted_id[1]))


def test_answer_posted_again_finds_the_one_that_an_earlier_release_saved(
    as_alice: Client, alice: User
) -> None:
    """It is stored under the id of its page."""
    page_id = uuid4()
    sent = FILLED | {"id": str(page_id)}
    as_alice.post(EXERCISE, sent)
    row = Answer.objects.get()
    plain = {"step": row.step, "exercise": row.exercise, "version": row.version}
    before = Answer.sealed_by(
        alice.key, row.open(alice.key), now=row.created_at, id=page_id, **plain
    )
    row.delete()
    before.save(force_insert=True)

    as_alice.post(EXERCISE, sent)
    assert Answer.objects.get().pk == page_id
    assert actions.is_saved(person=alice, id=page_id)
    as_alice.post(EXERCISE, sent | {"stands_out": "and this"} | shown(alice, before))
    assert Answer.objects.get().open(alice.key).fields["stands_out"] == "and this"


def test_answer_posted_again_after_the_guide_changed_is_saved_once(
    as_alice: Client, alice: User
) -> None:
    sent = FILLED | {"id": str(uuid4())}
    as_alice.post(EXERCISE, sent)
    Answer.objects.update(version="before")

    as_alice.post(EXERCISE, sent)
    assert Answer.objects.get().version == "before"
    newer = {"stands_out": "and this"} | shown(alice, Answer.objects.get())
    as_alice.post(EXERCISE, sent | newer)

    row = Answer.objects.get()
    assert row.version == guide().steps[1].exercises[0].version
    assert row.open(alice.key).fields["stands_out"] == "and this"


def test_answer_posted_again_keeps_fields_that_are_no_longer_asked(
    as_alice: Client, alice: User, now: datetime
) -> None:
    page_id = uuid4()
    row = save(alice, "No reply on Sunday.", now, page_id=page_id)
    saved = row.open(alice.key)
    row.version = "before"
    row.seal(alice.key, AnswerContents(saved.fields | {"old_question": "precious"}), now=now)
    row.save()

    as_alice.post(EXERCISE, {"id": str(page_id), "moments-0-happened": "No reply on Sunday."})

    contents = Answer.objects.get().open(alice.key)
    assert contents.fields == saved.fields | {"old_question": "precious"}


@pytest.mark.parametrize("other", [{"step": 2}, {"exercise": "another"}], ids=str)
def test_id_of_an_answer_on_another_page_is_replaced(
    as_alice: Client, alice: User, now: datetime, other: dict[str, Any]
) -> None:
    page_id = uuid4()
    row = save(alice, "elsewhere", now, page_id=page_id)
    Answer.objects.update(**other)
    before = Answer.objects.values().get()

    as_alice.post(EXERCISE, FILLED | {"id": str(page_id)})

    assert Answer.objects.count() == 2
    assert Answer.objects.filter(pk=row.pk).values().get() == before


def test_every_saved_answer_can_be_reached(as_alice: Client, alice: User, now: datetime) -> None:
    for number in range(21):
        save(alice, f"words {number:02}", now + timedelta(minutes=number))

    first, second = (as_alice.get(f"{EXERCISE}?page={page}").content.decode() for page in (1, 2))

    assert "words 20" in first
    assert "words 00" not in first
    assert "words 00" in second


def test_answer_to_an_exercise_that_is_gone_can_be_read_and_deleted(
    as_alice: Client, as_bob: Client, alice: User, now: datetime
) -> None:
    row = save(alice, "old words", now)
    Answer.objects.update(exercise="long-ago")

    assert "/steps/1/long-ago/" in as_alice.get("/steps/1/").content.decode()
    assert "/steps/1/long-ago/" not in as_bob.get("/steps/1/").content.decode()
    assert "old words" in as_alice.get("/steps/1/long-ago/").content.decode()
    assert as_bob.get("/steps/1/long-ago/").status_code == 404
    as_alice.post(f"/steps/1/long-ago/{row.pk}/delete/")
    assert not Answer.objects.exists()


def test_changing_an_answer_keeps_fields_that_are_no_longer_asked(
    as_alice: Client, alice: User, now: datetime
) -> None:
    old = {
        "old_question": "precious words",
        "moments": [{"happened": f"row {n}", "filled_in": ""} for n in range(7)],
        "stands_out": "this",
    }
    row = save(alice, "", now)
    row.reseal(alice.key, AnswerContents(fields=old), now=now)

    changed = {"moments-0-happened": "changed", "stands_out": "that"} | shown(alice, row)
    as_alice.post(f"{EXERCISE}{row.pk}/", changed)

    contents = Answer.objects.get().open(alice.key)
    assert contents.fields == {
        "old_question": "precious words",
        "moments_before": old["moments"],
        "moments": [{"happened": "changed", "filled_in": ""}],
        "stands_out": "that",
    }


def test_text_posted_to_an_unreadable_answer_is_returned(
    as_alice: Client, alice: User, now: datetime
) -> None:
    row = save(alice, "mine", now)
    Answer.objects.update(sealed=b"broken")

    form = on_a_page_of(alice, **{"moments-0-happened": "new words"})
    page = as_alice.post(f"{EXERCISE}{row.pk}/", form)

    assert page.status_code == 503
    assert "new words</textarea>" in page.content.decode()
    assert bytes(Answer.objects.get().sealed) == b"broken"


def test_operator_terms_replace_ours(client: Client, settings: Settings) -> None:
    assert "It is not therapy." in client.get("/terms/").content.decode()
    settings.TERMS_TEXT = "## Ours\n\nBe kind. <script>alert(1)</script> [x](javascript:alert(1))"

    page = client.get("/terms/").content.decode()

    assert "It is not therapy." not in page
    assert '<h2 id="part-1">Ours</h2>' in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert 'href="javascript' not in page


def test_operator_privacy_text_follows_ours(client: Client, settings: Settings) -> None:
    settings.PRIVACY_TEXT = "## Backups\n\nWe keep them for 30 days."

    page = client.get("/privacy/").content.decode()

    assert page.index("AES-256-GCM") < page.index("We keep them for 30 days.")
    anchors = re.findall(r'id="([^"]+)"', page)
    assert len(anchors) == len(set(anchors))


def test_sign_up_leads_to_terms_and_privacy(client: Client, db: None) -> None:
    page = client.get("/accounts/signup/").content.decode()

    main = page.partition("<main")[2].partition("</main>")[0]
    assert 'href="/terms/"' in main
    assert 'href="/privacy/"' in main


def test_visitor_is_led_first_to_what_needs_no_account(client: Client, as_alice: Client) -> None:
    first = re.compile(r'<a class="btn" href="(/.*?)">Go straight')

    assert first.findall(as_alice.get("/steps/2/").text) == ["/pause/"]
    assert first.findall(client.get("/steps/2/").text) == ["/steps/2/if-then/"]
