import pytest

from tests.desk.conftest import ANOTHER_KEY, KEY, DeskPage

pytestmark = pytest.mark.browser

DEVICE = f"""
const {{ createDevice, createPageCopy, inTime }} = await load("device");
const device = createDevice("{KEY}");
const another = createDevice("{ANOTHER_KEY}");
"""
PAGE_COPY = f"""{DEVICE}
const {{ createLetterForm }} = await load("letter_form");
const form = document.querySelector("form");
const body = form.elements.body;
const paper = createLetterForm(form, {{ kind: "them", isSaved: true }});
const copy = createPageCopy(paper, device);
const copies = async () => {{
  const all = await device.getAll();
  return Promise.all(all.map(([name, record]) => device.unseal(name, record)));
}};
"""
WORDS = "\n雪が降る 👩\u200d👧 שלום <b>&amp;\u00a0\t"


def test_what_was_sealed_opens_with_the_same_key_and_name_only(desk: DeskPage) -> None:
    script = """
    const record = await device.seal("page", argument);
    const plain = new TextEncoder().encode("雪が降る").join();
    return [
      await device.unseal("page", record),
      await device.unseal("another page", record),
      await another.unseal("page", record),
      new Uint8Array(record.bytes).join().includes(plain),
    ];
    """

    found = desk.run(DEVICE + script, {"body": WORDS})

    assert found == [{"body": WORDS}, None, None, False]


def test_same_words_are_sealed_differently_each_time(desk: DeskPage) -> None:
    script = """
    const [first, second] = [await device.seal("page", {}), await device.seal("page", {})];
    return [String(first.iv) === String(second.iv), first.bytes === second.bytes];
    """

    assert desk.run(DEVICE + script) == [False, False]


def test_copies_are_stored_by_name(desk: DeskPage) -> None:
    script = """
    await device.put("a", await device.seal("a", { body: "first" }));
    await another.put("b", await another.seal("b", { body: "second" }));
    await device.put("a", await device.seal("a", { body: "third" }));
    const opened = [];
    for (const [name, record] of await another.getAll()) {
      opened.push([name, await device.unseal(name, record), await another.unseal(name, record)]);
    }
    await device.remove("a");
    return [opened, (await device.getAll()).map(([name]) => name), await device.get("a")];
    """

    opened = [["a", {"body": "third"}, None], ["b", None, {"body": "second"}]]
    assert desk.run(DEVICE + script) == [opened, ["b"], None]


def test_copy_that_was_replaced_meanwhile_is_not_removed(desk: DeskPage) -> None:
    script = """
    const old = await device.seal("a", { body: "old" });
    await device.put("a", await device.seal("a", { body: "new" }));
    await device.removeUnchanged("a", old);
    const kept = await device.get("a");
    await device.removeUnchanged("a", kept);
    await device.removeUnchanged("a", kept);
    return [Boolean(kept), await device.getAll()];
    """

    assert desk.run(DEVICE + script) == [True, []]


def test_nothing_waits_long_for_a_browser_that_never_answers(desk: DeskPage) -> None:
    desk.page.clock.install()
    desk.page.clock.pause_at("2100-01-01")
    desk.run(f"""{DEVICE}
    inTime(Promise.resolve("in time")).then((value) => (window.quick = value));
    inTime(new Promise(() => {{}})).then((value) => (window.slow = value));
    """)

    desk.page.clock.run_for(1999)
    assert desk.page.evaluate("() => [window.quick, window.slow ?? null]") == ["in time", None]
    desk.page.clock.run_for(1)
    assert desk.page.evaluate("() => window.slow") is False


def test_copy_of_the_page_lies_there_while_its_words_are_new(desk: DeskPage) -> None:
    script = """
    const seen = [];
    const see = async () => seen.push([await copy.update(), (await copies()).map((s) => s.body)]);
    await see();
    body.value = "new";
    await see();
    body.value = "newer";
    await see();
    paper.markSaved(paper.read());
    await see();
    return seen;
    """

    assert desk.run(PAGE_COPY + script) == [
        [True, []],
        [True, ["new"]],
        [True, ["newer"]],
        [True, []],
    ]


def test_copy_carries_the_name_of_its_page_and_a_number(desk: DeskPage) -> None:
    script = """
    body.value = "new";
    await copy.update();
    const [[name]] = await device.getAll();
    const [sheet] = await copies();
    return [name === paper.pageId, sheet.sitting === paper.pageId, sheet.turn, sheet.kind];
    """

    assert desk.run(PAGE_COPY + script) == [True, True, "1", "them"]


def test_copy_that_is_written_while_its_words_are_saved_goes_again(desk: DeskPage) -> None:
    script = """
    body.value = "new";
    const written = copy.update();
    paper.markSaved(paper.read());
    await Promise.all([written, copy.update()]);
    return copies();
    """

    assert desk.run(PAGE_COPY + script) == []


def test_page_without_room_for_a_copy_knows_that_it_has_none(desk: DeskPage) -> None:
    script = """
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = () => {
      throw new DOMException("", "QuotaExceededError");
    };
    body.value = "new";
    const seen = [await copy.update()];
    IDBObjectStore.prototype.put = put;
    seen.push(await copy.update(), (await copies()).length);
    return seen;
    """

    assert desk.run(PAGE_COPY + script) == [False, True, 1]


def test_copies_of_two_papers_share_nothing_but_the_place(desk: DeskPage) -> None:
    script = """
    const otherPaper = createLetterForm(form, { kind: "plain", isSaved: true });
    const otherCopy = createPageCopy(otherPaper, createDevice(argument));
    body.value = "new";
    await Promise.all([copy.update(), otherCopy.update()]);
    const both = (await copies()).map((sheet) => sheet.kind).sort();
    paper.markSaved(paper.read());
    await copy.update();
    return [both, (await copies()).map((sheet) => sheet.kind)];
    """

    assert desk.run(PAGE_COPY + script, KEY) == [["plain", "them"], ["plain"]]
