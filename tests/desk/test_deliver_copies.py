"""Delivering copies, with the desk's own parts around it and answers from a fake server."""

import pytest
from playwright.sync_api import Locator, expect

from tests.desk.conftest import (
    ANOTHER_KEY,
    KEY,
    LETTER,
    OTHER_LETTER,
    WITH_PAPER,
    WITHOUT_PAPER,
    Answer,
    DeskPage,
    lose,
)

pytestmark = pytest.mark.browser

DESK = """
const { createDevice, createPageCopy } = await load("device");
const { createLetterForm } = await load("letter_form");
const { createServer } = await load("server");
const { createStatus } = await load("status");
const { createAutosave } = await load("autosave");
const { createDelivery } = await load("deliver_copies");
const line = document.querySelector("[data-desk]");
const form = document.querySelector("form");
const texts = { ...line.dataset };
const device = createDevice(texts.key);
const paper = form && createLetterForm(form, { kind: "them", isSaved: true });
const status = createStatus(line, paper?.field("body"));
const server = createServer({
  saveUrl: texts.save,
  tokenUrl: texts.token,
  key: texts.key,
  csrf: paper?.field("csrfmiddlewaretoken").value,
});
const pageCopy = paper && createPageCopy(paper, device);
const autosave = paper && createAutosave({ paper, status, pageCopy, server, texts });
const parts = { paper, autosave, device, server, status, texts };
const copies = createDelivery({ ...parts, formerPageId: "former page" });
await copies.deliver();
"""
HERE: Answer = (200, {"key": KEY, "csrf": "fresh token"})


def saved(letter: str = LETTER, **more: object) -> Answer:
    address = f"/journal/{letter}/edit/"
    return (200, {"id": letter, "version": 2, "address": address, "said": "Saved.", **more})


def lay(desk: DeskPage, *, page: str = "a page", key: str = KEY, **values: str) -> None:
    """Store a copy on the device, as an earlier page of the same letter would have left it."""
    sheet = {"id": LETTER, "to": "", "body": "left here", "version": "1", "revision": "7"}
    sheet |= {"answers": "", "since": "", "kind": "them", "sitting": page, "turn": "4"} | values
    script = """
    const { createDevice } = await load("device");
    const device = createDevice(argument.key);
    await device.put(argument.page, await device.seal(argument.page, argument.sheet));
    """
    desk.run(script, {"key": key, "page": page, "sheet": sheet})


def names(desk: DeskPage) -> list[str]:
    """The pages that have a copy on the device."""
    script = 'return (await (await load("device")).createDevice("").getAll()).map(([n]) => n);'
    return list(desk.run(script))


def status(desk: DeskPage) -> Locator:
    return desk.page.locator("[data-desk-said]")


def body(desk: DeskPage) -> str:
    return desk.page.locator("textarea").input_value()


def test_copy_of_this_letter_is_put_back_on_the_paper(desk: DeskPage) -> None:
    lay(desk)
    desk.saves = [saved()]

    desk.run(DESK)

    assert body(desk) == "left here"
    expect(status(desk)).to_have_text("Back on the paper. Saved.")
    assert names(desk) == []
    [sent] = desk.posted
    # As the page that wrote it would have sent it.
    assert (sent["sitting"], sent["turn"], sent["waited"]) == ("a page", "4", "1")
    assert (sent["body"], sent["revision"]) == ("left here", "")


def test_copy_that_was_put_back_and_not_saved_becomes_the_copy_of_this_page(desk: DeskPage) -> None:
    lay(desk)
    desk.saves = [(503, {"said": "Busy."})]

    desk.run(DESK)

    assert body(desk) == "left here"
    [name] = names(desk)
    assert name != "a page"


def test_copy_of_the_same_page_before_it_was_reloaded_is_put_back(desk: DeskPage) -> None:
    """A new paper has another id after each load."""
    empty = WITH_PAPER.replace("As it was.", "")
    desk.open(empty.replace('name="version" value="1"', 'name="version" value="0"'))
    lay(desk, page="former page", id=OTHER_LETTER, version="0")
    desk.saves = [saved(OTHER_LETTER)]

    desk.run(DESK)

    assert body(desk) == "left here"
    assert desk.page.locator("[name=id]").input_value() == OTHER_LETTER


@pytest.mark.parametrize(
    "other", [{"id": OTHER_LETTER}, {"version": "3"}], ids=["another letter", "another version"]
)
def test_copy_that_belongs_to_another_paper_is_sent(desk: DeskPage, other: dict[str, str]) -> None:
    lay(desk, **other)
    desk.saves = [saved(OTHER_LETTER)]

    desk.run(DESK)

    assert body(desk) == "As it was."
    expect(status(desk)).to_have_text("Delivered. Open them")
    link = desk.page.get_by_role("link", name="Open them")
    expect(link).to_have_attribute("href", f"/journal/{OTHER_LETTER}/edit/")
    assert names(desk) == []


def test_copy_is_delivered_from_a_page_without_a_paper(desk: DeskPage) -> None:
    lay(desk)
    desk.open(WITHOUT_PAPER)
    desk.saves, desk.tokens = [saved()], [HERE]

    desk.run(DESK)

    expect(status(desk)).to_have_text("Delivered. Open them")
    assert names(desk) == []
    assert desk.posted[0]["token"] == "fresh token"


def test_copy_of_another_person_stays_and_is_not_sent(desk: DeskPage) -> None:
    lay(desk, key=ANOTHER_KEY)

    desk.run(DESK)

    assert names(desk) == ["a page"]
    assert desk.posted == []
    expect(status(desk)).to_have_text("")


def test_copy_stays_while_the_server_cannot_be_reached(desk: DeskPage) -> None:
    lay(desk, id=OTHER_LETTER)
    desk.saves = [lose]

    desk.run(DESK)

    assert names(desk) == ["a page"]
    expect(status(desk)).to_have_text("")


def test_copy_that_meets_newer_words_is_stored_beside_them(desk: DeskPage) -> None:
    lay(desk, id=OTHER_LETTER)
    desk.saves = [(409, {"said": "Both are there.", "link": "/both/"})]

    desk.run(DESK)

    expect(status(desk)).to_have_text("Both are there. Look at both")
    assert names(desk) == []


def test_copy_overtaken_by_its_own_page_is_removed_in_silence(desk: DeskPage) -> None:
    lay(desk, id=OTHER_LETTER)
    desk.saves = [saved(OTHER_LETTER, overtaken=True)]

    desk.run(DESK)

    expect(status(desk)).to_have_text("")
    assert names(desk) == []


def test_copy_of_a_letter_that_is_gone_can_be_deleted(desk: DeskPage) -> None:
    lay(desk, id=OTHER_LETTER)
    desk.saves = [(410, {"said": "Gone there."})]
    desk.run(DESK)
    expect(status(desk)).to_contain_text("Gone.")
    assert names(desk) == ["a page"]

    desk.page.get_by_role("button", name="Delete them").click()

    expect(status(desk)).to_have_text("")
    desk.page.wait_for_function(
        "async () => (await (await import('/static/js/desk/device.js'))"
        ".createDevice('').getAll()).length === 0"
    )
    assert len(desk.posted) == 1


def test_copy_of_a_letter_that_is_gone_can_begin_a_new_one(desk: DeskPage) -> None:
    lay(desk, id=OTHER_LETTER)
    desk.saves = [(410, {"said": "Gone there."}), saved(LETTER)]
    desk.run(DESK)

    desk.page.get_by_role("button", name="New paper").click()

    expect(status(desk)).to_have_text("Delivered. Open them")
    assert desk.posted[1]["id"] not in {LETTER, OTHER_LETTER}
    assert (desk.posted[1]["version"], desk.posted[1]["body"]) == ("0", "left here")
