import re

import pytest

from tests.desk.conftest import LETTER, DeskPage

pytestmark = pytest.mark.browser

PAPER = """
const { createLetterForm, newId, asNew, textOf } = await load("letter_form");
const form = document.querySelector("form");
const body = form.elements.body;
const paper = createLetterForm(form, { kind: "them", isSaved: true });
"""


def test_paper_reads_its_fields(desk: DeskPage) -> None:
    assert desk.run(f"{PAPER} return paper.read();") == {
        "id": LETTER,
        "to": "",
        "body": "As it was.",
        "version": "1",
        "revision": "",
        # The form has no such fields.
        "answers": "",
        "since": "",
        "kind": "them",
    }


def test_paper_writes_the_fields_that_it_is_given(desk: DeskPage) -> None:
    script = "paper.write({ body: 'new', version: '2', since: '3', kind: 'x' });"

    after = desk.run(f"{PAPER} {script} return paper.read();")

    assert (after["body"], after["version"], after["since"]) == ("new", "2", "")
    assert (after["id"], after["kind"]) == (LETTER, "them")


def test_words_are_new_until_they_are_saved(desk: DeskPage) -> None:
    script = """
    const seen = [];
    const see = (change) => { change(); seen.push(paper.isNew()); };
    see(() => {});
    see(() => (body.value = "changed"));
    see(() => paper.markSaved(paper.read()));
    see(() => (body.value = " \\n"));
    see(() => (body.value = "changed"));
    see(() => (form.elements.to.value = "M."));
    see(() => (form.elements.to.value = ""));
    see(() => paper.markUnsaved());
    return seen;
    """

    seen = desk.run(PAPER + script)

    assert seen == [False, True, False, False, False, True, False, True]


def test_words_that_came_with_the_page_are_new_unless_they_are_saved(desk: DeskPage) -> None:
    script = "return createLetterForm(form, { kind: 'them', isSaved: false }).isNew();"

    assert desk.run(PAPER + script)


TYPED_EARLY = """
const form = document.querySelector("form");
const body = form.elements.body;
body.value = "typed before the script came";
form.elements.to.value = "M.";
"""


@pytest.mark.parametrize("is_saved", ["true", "false"])
def test_words_typed_before_the_script_came_are_new(desk: DeskPage, is_saved: str) -> None:
    script = f"""
    const {{ createLetterForm }} = await load("letter_form");
    const paper = createLetterForm(form, {{ kind: "them", isSaved: {is_saved} }});
    const seen = [[paper.isNew(), paper.isUntouched()]];
    body.value = "As it was.";
    form.elements.to.value = "";
    seen.push([paper.isNew(), paper.isUntouched()]);
    return seen;
    """

    found = desk.run(TYPED_EARLY + script)

    assert found == [[True, False], [is_saved == "false", True]]


def test_line_ends_of_the_page_are_no_change(desk: DeskPage) -> None:
    script = """
    const sent = document.createElement("form");
    const [to, text] = [document.createElement("input"), document.createElement("textarea")];
    Object.assign(to, { name: "to", defaultValue: "one\\ntwo" });
    Object.assign(text, { name: "body", defaultValue: "one\\r\\ntwo\\rthree" });
    sent.append(to, text);
    const other = createLetterForm(sent, { kind: "them", isSaved: true });
    return [other.isNew(), other.isUntouched()];
    """

    assert desk.run(PAPER + script) == [False, True]


def test_paper_is_untouched_while_it_shows_what_it_showed_first(desk: DeskPage) -> None:
    script = """
    const seen = [paper.isUntouched()];
    body.value = "changed";
    seen.push(paper.isUntouched());
    paper.markSaved(paper.read());
    seen.push(paper.isUntouched());
    body.value = "As it was.";
    seen.push(paper.isUntouched());
    return seen;
    """

    assert desk.run(PAPER + script) == [True, False, False, True]


def test_two_papers_of_one_form_share_nothing(desk: DeskPage) -> None:
    script = """
    const other = createLetterForm(form, { kind: "plain", isSaved: false });
    const numbers = [paper, paper, other].map((each) => {
      const { sitting, turn, kind } = each.numbered(each.read());
      return [sitting === each.pageId, turn, kind];
    });
    body.value = "changed";
    paper.markSaved(paper.read());
    return [paper.pageId !== other.pageId, numbers, paper.isNew(), other.isNew()];
    """

    numbers = [[True, "1", "them"], [True, "2", "them"], [True, "1", "plain"]]
    assert desk.run(PAPER + script) == [True, numbers, False, True]


def test_new_letter_with_the_same_words_has_an_id_of_its_own(desk: DeskPage) -> None:
    script = "return asNew({ ...paper.read(), revision: '7', sitting: 's' });"

    sheet = desk.run(PAPER + script)

    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", sheet["id"])
    assert sheet["id"] != LETTER
    assert (sheet["version"], sheet["revision"], sheet["sitting"]) == ("0", "", "s")
    assert sheet["body"] == "As it was."
