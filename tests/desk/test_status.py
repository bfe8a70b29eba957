import pytest
from playwright.sync_api import expect

from tests.desk.conftest import DeskPage

pytestmark = pytest.mark.browser

STATUS = """
const { createStatus, link } = await load("status");
const line = document.querySelector("[data-desk]");
const message = line.querySelector("[data-desk-said]");
const sign = line.querySelector("[data-desk-kept]");
const field = document.querySelector("textarea");
const status = createStatus(line, field);
const shown = () => [message.textContent, sign.hidden];
"""


def test_message_takes_the_place_of_the_last_one(desk: DeskPage) -> None:
    script = """
    const seen = [];
    status.saySaved("Saved.");
    seen.push(shown());
    status.say("Look.", link("Both", "/both/"), link("Pages", "/pages/", { isNewTab: true }));
    seen.push(shown(), message.innerHTML);
    return seen;
    """

    assert desk.run(STATUS + script) == [
        ["Saved.", False],
        ["Look. Both Pages", True],
        'Look. <a href="/both/">Both</a>'
        ' <a href="/pages/" target="_blank" rel="noopener">Pages</a>',
    ]


def test_same_message_is_not_read_out_twice(desk: DeskPage) -> None:
    script = """
    let changes = 0;
    new MutationObserver((records) => (changes += records.length))
      .observe(message, { childList: true, subtree: true, characterData: true });
    const settled = () => new Promise((resolve) => setTimeout(resolve));
    status.say("Look.", link("Both", "/both/"));
    await settled();
    const once = changes;
    status.say("Look.", link("Both", "/both/"));
    await settled();
    return [once > 0, changes - once];
    """

    assert desk.run(STATUS + script) == [True, 0]


def test_saved_is_shown_once_a_minute(desk: DeskPage) -> None:
    desk.page.clock.install()
    desk.page.clock.pause_at("2100-01-01")
    desk.run(f"{STATUS} window.tested = status; window.shown = shown; status.saySaved('first');")

    def after(milliseconds: int, text: str) -> str:
        desk.page.clock.run_for(milliseconds)
        return str(desk.run(f"tested.saySaved({text!r}); return shown()[0];"))

    assert after(59_999, "second") == "first"
    assert after(1, "third") == "third"
    assert after(1, "fourth") == "third"


def test_saved_is_shown_at_once_after_a_problem_or_with_a_note(desk: DeskPage) -> None:
    script = """
    const seen = [];
    status.say("No connection.");
    status.setProblem(true);
    status.saySaved("Saved.");
    seen.push(shown());
    status.setProblem(false);
    status.saySaved("Saved again.");
    seen.push(shown());
    status.saySaved("Saved again.", "Back.");
    seen.push(shown());
    return seen;
    """

    assert desk.run(STATUS + script) == [
        ["Saved.", False],
        ["Saved.", False],
        ["Back. Saved again.", False],
    ]


def test_only_a_message_about_words_to_be_saved_is_cleared(desk: DeskPage) -> None:
    script = """
    const seen = [];
    status.say("Look.");
    status.clearPending();
    seen.push(shown()[0]);
    status.sayPending("On this device.");
    status.clearPending();
    seen.push(shown()[0]);
    return seen;
    """

    assert desk.run(STATUS + script) == ["Look.", ""]


@pytest.mark.parametrize(("field", "focused"), [("field", "textarea"), ("null", "[data-desk]")])
def test_button_leaves_the_focus_in_the_page_and_acts_once(
    desk: DeskPage, field: str, focused: str
) -> None:
    desk.run(f"""{STATUS}
    window.pressed = 0;
    const other = createStatus(line, {field});
    other.say("Gone.", other.button("Delete them", () => {{ pressed += 1; other.say(""); }}));
    """)

    desk.page.get_by_role("button", name="Delete them").click()

    expect(desk.page.locator(focused)).to_be_focused()
    expect(desk.page.get_by_role("button", name="Delete them")).to_be_hidden()
    assert desk.page.evaluate("() => pressed") == 1


def test_two_lines_share_nothing(desk: DeskPage) -> None:
    script = """
    const copy = line.cloneNode(true);
    line.after(copy);
    const other = createStatus(copy);
    status.sayPending("On this device.");
    other.saySaved("Saved.");
    other.clearPending();
    return [shown()[0], copy.querySelector("[data-desk-said]").textContent];
    """

    assert desk.run(STATUS + script) == ["On this device.", "Saved."]
