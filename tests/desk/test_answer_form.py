import pytest

from tests.desk.conftest import LETTER, OTHER_LETTER, WITH_ANSWER, DeskPage

pytestmark = pytest.mark.browser

FORM = """
const { createAnswerForm } = await load("answer_form");
const form = document.querySelector("form");
const fields = form.elements;
const page = { place: "/here/", answer: fields.id.value };
const create = (isSaved) => createAnswerForm(form, { ...page, isSaved });
const answerForm = create(true);
"""
SENT = [["long", "Long."], ["some", "one"], ["day", "2026-03-12"]]
COPY = """
const copy = {
  place: "/here/",
  answer: argument,
  state: "shown before",
  entries: [["long", "Longer."], ["lines-2", "a line"], ["some", "two"], ["which", "one"]],
};
"""


@pytest.fixture
def exercise(desk: DeskPage) -> DeskPage:
    desk.open(WITH_ANSWER)
    return desk


def test_form_reads_what_is_written_and_tapped(exercise: DeskPage) -> None:
    assert exercise.run(f"{FORM} return answerForm.read();") == {
        "place": "/here/",
        "answer": LETTER,
        "state": "shown",
        "sentAs": "",
        "entries": SENT,
    }


@pytest.mark.parametrize(
    "change",
    [
        "fields.long.value += ' Longer.'",
        "fields['lines-2'].value = 'a line'",
        "fields.some[0].checked = false",
        "fields.some[1].checked = true",
        "fields.which[1].checked = true",
        "fields.day.value = '2026-03-13'",
    ],
)
def test_what_differs_from_what_the_server_sent_is_new(exercise: DeskPage, change: str) -> None:
    """Also if it was written before the script came."""
    script = f"""
    const before = answerForm.isNew();
    {change};
    return [before, answerForm.isNew(), create(true).isNew()];
    """

    assert exercise.run(FORM + script) == [False, True, True]


def test_chosen_entry_is_new_if_the_server_did_not_send_it(exercise: DeskPage) -> None:
    script = """
    const seen = [answerForm.isNew()];
    fields.where.value = "gb";
    seen.push(answerForm.isNew());
    fields.where.options[1].defaultSelected = true;
    seen.push(create(true).isNew());
    return seen;
    """

    assert exercise.run(FORM + script) == [False, True, False]


def test_each_sending_has_an_id_of_its_own_until_more_is_typed(exercise: DeskPage) -> None:
    script = """
    const seen = [];
    const see = () => seen.push(answerForm.read().sentAs, fields["device-copy"].value);
    answerForm.markSent();
    see();
    answerForm.markUnsent();
    see();
    answerForm.markSent();
    see();
    return seen;
    """

    first, sent_first, none, _, second, sent_second = exercise.run(FORM + script)

    assert (first, none, second) == (sent_first, "", sent_second)
    assert len({first, none, second}) == 3


def test_what_was_given_back_is_new(exercise: DeskPage) -> None:
    assert exercise.run(f"{FORM} return create(false).isNew();")


def test_empty_form_is_not_new(exercise: DeskPage) -> None:
    script = """
    for (const field of form.elements) {
      if (field.type === "checkbox") field.checked = false;
      else if (field.type !== "radio") field.value = " ";
    }
    return [answerForm.isNew(), create(false).isNew()];
    """

    assert exercise.run(FORM + script) == [False, False]


def test_copy_is_put_back_and_taken_out(exercise: DeskPage) -> None:
    script = """
    const seen = [];
    const see = () => {
      const { answer, state, entries } = answerForm.read();
      seen.push([answer, state, entries]);
    };
    answerForm.putBack(copy);
    see();
    seen.push(document.querySelector("details").open);
    answerForm.takeOut(copy);
    see();
    return seen;
    """

    found = exercise.run(FORM + COPY + script, OTHER_LETTER)

    put_back = [["long", "Longer."], ["lines-2", "a line"], ["some", "two"], ["which", "one"]]
    assert found == [[OTHER_LETTER, "shown before", put_back], True, [LETTER, "shown", SENT]]


def test_what_was_written_since_is_not_taken_out(exercise: DeskPage) -> None:
    script = """
    answerForm.putBack(copy);
    fields.long.value = "Longer. And on.";
    answerForm.takeOut(copy);
    return answerForm.read().entries;
    """

    found = exercise.run(FORM + COPY + script, OTHER_LETTER)

    assert found == [["long", "Longer. And on."], *SENT[1:]]


@pytest.mark.parametrize("entry", ['["gone", "x"]', '["some", "three"]'])
def test_copy_with_a_field_that_is_gone_does_not_fit(exercise: DeskPage, entry: str) -> None:
    script = f"""
    const fits = answerForm.fits(copy);
    copy.entries.push({entry});
    return [fits, answerForm.fits(copy)];
    """

    assert exercise.run(FORM + COPY + script, OTHER_LETTER) == [True, False]
