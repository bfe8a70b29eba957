from typing import Any

import pytest
from playwright.sync_api import Route

from tests.desk.conftest import ANOTHER_KEY, KEY, LETTER, Answer, DeskPage, lose, redirect

pytestmark = pytest.mark.browser

SERVER = f"""
const {{ createServer }} = await load("server");
const tokens = [];
const make = (more = {{}}) => createServer({{
  saveUrl: "/save/00000000-0000-0000-0000-000000000000/",
  tokenUrl: "/token/",
  key: "{KEY}",
  csrf: "token of the page",
  tooLong: "Too long.",
  onToken: (token) => tokens.push(token),
  ...more,
}});
const server = make();
const sheet = {{ id: "{LETTER}", body: "words" }};
"""
SAVED: Answer = (200, {"said": "Saved."})
FORBIDDEN: Answer = (403, {})
HERE: Answer = (200, {"key": KEY, "csrf": "fresh token"})


def broken(route: Route) -> None:
    route.fulfill(status=200, body="<p>A proxy's own page", content_type="text/html")


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ((200, {"id": LETTER, "version": 2}), {"status": 200, "id": LETTER, "version": 2}),
        ((409, {"link": "/both/"}), {"status": 409, "link": "/both/"}),
        ((410, {"said": "Gone."}), {"status": 410, "said": "Gone."}),
        ((422, {"said": "No."}), {"status": 422, "said": "No."}),
        ((503, {"said": "Busy."}), {"status": 503, "said": "Busy."}),
        ((400, {}), {"status": 413, "said": "Too long."}),
        ((413, {}), {"status": 413, "said": "Too long."}),
        ((401, {}), {"status": 403}),
        ((403, {}), {"status": 403}),
        (redirect, {"status": 403}),
        (lose, {"status": 0}),
        (broken, {"status": 0}),
    ],
)
def test_answer_to_a_post_tells_what_became_of_the_words(
    desk: DeskPage, answer: Answer, result: dict[str, Any]
) -> None:
    desk.saves = [answer]

    assert desk.run(f"{SERVER} return server.post(sheet);") == result
    assert desk.posted == [
        {
            "path": f"/save/{LETTER}/",
            "token": "token of the page",
            "id": LETTER,
            "body": "words",
            "waited": "",
        }
    ]


def test_page_that_is_too_old_sends_again_with_a_fresh_token(desk: DeskPage) -> None:
    desk.saves, desk.tokens = [FORBIDDEN, SAVED], [HERE]

    result = desk.run(f"{SERVER} return [await server.send(sheet), tokens];")

    assert result == [{"status": 200, "said": "Saved."}, ["fresh token"]]
    assert [sent["token"] for sent in desk.posted] == ["token of the page", "fresh token"]


def test_page_that_is_refused_twice_asks_before_it_sends_again(desk: DeskPage) -> None:
    desk.saves, desk.tokens = [FORBIDDEN, FORBIDDEN, SAVED], [HERE]
    script = """
    const seen = [await server.send(sheet), server.isTrusted()];
    seen.push((await server.send(sheet)).status, server.isTrusted());
    return seen;
    """

    assert desk.run(SERVER + script) == [{"why": "closed"}, False, 200, True]
    assert (len(desk.posted), desk.checks) == (3, 2)


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ((200, {"key": ANOTHER_KEY, "csrf": "theirs"}), "someone"),
        ((403, {}), "closed"),
        (redirect, "closed"),
        ((500, {}), "unreached"),
        (broken, "unreached"),
        (lose, "unreached"),
    ],
)
def test_nothing_is_sent_where_it_is_not_certain_who_is_signed_in(
    desk: DeskPage, token: Answer, why: str
) -> None:
    desk.tokens = [token]

    assert desk.run(f"{SERVER} server.distrust(); return server.send(sheet);") == {"why": why}
    assert desk.posted == []


def test_words_without_a_connection_are_not_sent(desk: DeskPage) -> None:
    desk.run(f"{SERVER} window.server = server; window.sheet = sheet;")
    desk.page.context.set_offline(True)
    desk.saves = desk.tokens = [lose]

    asked = desk.run("server.distrust(); return server.send(sheet);")

    assert asked == {"why": "offline"}


def test_words_whose_answer_was_lost_are_sent_again_as_words_that_waited(desk: DeskPage) -> None:
    desk.saves = [lose, SAVED]
    script = "return [await server.send(sheet), (await server.send(sheet)).status];"

    assert desk.run(SERVER + script) == [{"why": "unreached", "isLost": True}, 200]
    assert [sent["waited"] for sent in desk.posted] == ["", "1"]


def test_words_from_a_copy_have_waited(desk: DeskPage) -> None:
    desk.saves = [SAVED]

    desk.run(f"{SERVER} await server.send({{ ...sheet, waited: '1' }});")

    assert desk.posted[0]["waited"] == "1"


def test_checks_at_the_same_time_share_one_request(desk: DeskPage) -> None:
    desk.tokens = [HERE]
    script = "return Promise.all([server.check(), server.check()]);"

    assert desk.run(SERVER + script) == ["", ""]
    assert desk.checks == 1
    assert desk.run(f"{SERVER} return server.check();") == ""
    assert desk.checks == 2


def test_requests_outlive_their_page_as_far_as_browsers_allow(desk: DeskPage) -> None:
    desk.saves = [SAVED]
    script = """
    const seen = [];
    const send = window.fetch;
    window.fetch = (address, options) => {
      seen.push(options.keepalive);
      return send(address, options);
    };
    const of = (length) => server.post({ ...sheet, body: "x".repeat(length) });
    await of(70000);
    await Promise.all([of(40000), of(40000), of(10000)]);
    await of(40000);
    return seen;
    """

    assert desk.run(SERVER + script) == [False, True, False, True, True]


def test_request_that_is_never_answered_is_given_up(desk: DeskPage) -> None:
    held: list[Route] = []
    desk.saves = [held.append]
    desk.page.clock.install()
    desk.page.clock.pause_at("2100-01-01")
    with desk.page.expect_request("**/save/**"):
        desk.run(f"""{SERVER}
        window.result = null;
        const long = {{ ...sheet, body: "x".repeat(20000) }};
        server.post(long).then((answer) => (window.result = answer.status));
        """)

    desk.page.clock.run_for(30_000)
    assert desk.page.evaluate("() => window.result") is None
    # Twenty seconds, and one more for every 2,000 bytes.
    desk.page.clock.run_for(100)
    desk.page.wait_for_function("() => window.result === 0")


def test_two_servers_share_nothing(desk: DeskPage) -> None:
    desk.saves, desk.tokens = [SAVED], [HERE]
    script = """
    const other = make({ csrf: "" });
    await server.post(sheet);
    await other.send(sheet);
    return [server.isTrusted(), other.isTrusted()];
    """

    assert desk.run(SERVER + script) == [True, True]
    sent = [(each["token"], each["waited"]) for each in desk.posted]
    assert sent == [("token of the page", ""), ("fresh token", "")]
    assert desk.checks == 1
