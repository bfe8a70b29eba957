"""Requests that no page of ours sends: never an error, never a change, never markup of theirs."""

import html
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.conf import settings as project
from django.core.cache import cache as limits
from django.test.client import MULTIPART_CONTENT
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import User
from accounts.returned_forms import (
    NEVER_RETURNED,
    ON_ACCOUNT_PAGES,
    ON_EVERY_PAGE,
    owner_mark,
)
from healing.models import Answer
from journal.models import Letter, LetterContents, Opening
from tests.adversarial.conftest import counted, everything, read, seen
from tests.support.addresses import RULES, rule_of
from tests.support.client import PASSWORD, Client
from tests.support.people import signed_in
from tests.support.returned_forms import hold, on_a_page_of

URLENCODED = "application/x-www-form-urlencoded"
ODD_METHODS = ["HEAD", "OPTIONS", "TRACE", "DELETE", "PROPFIND"]

ALL = [f"/{rule.example or pattern}" for pattern, rule in RULES.items()]
NOT_LEAVING = [example for example in ALL if example != "/leave/"]
FORMS = [example for example in ALL if rule_of(example).sent is not None]
# Mail programs post here for the person. The token in the path is what allows it.
WITHOUT_TOKEN = "/r/0123456789abcdefghijkl/"
# Answered before the CSRF check: leaving, files, health, and a page that takes nothing.
ABOVE_TOKENS = {"/leave/": 303}
ABOVE_TOKENS |= dict.fromkeys(["/help/", "/help/nl/", "/healthz", "/readyz", "/boat/"], 405)

POST_FORM = re.compile(r'<form[^>]*method="post".*?</form>', re.DOTALL | re.IGNORECASE)
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="\w{64}"')

At = Callable[[str], str]


# --- Methods -------------------------------------------------------------------------------


def test_asking_changes_nothing(browser: Client, client: Client, lived_in: User, at: At) -> None:
    """Nor do HEAD and OPTIONS. Leaving changes only the session."""
    before = everything()

    for example in NOT_LEAVING:
        for visitor in (client, browser, browser):
            assert visitor.get(at(example)).status_code < 500, example
        assert counted() == [], example
        for method in ODD_METHODS:
            assert browser.generic(method, at(example)).status_code < 500, (example, method)
        assert everything() == before, example
        limits.clear()
    assert browser.get("/leave/").status_code == 303
    assert everything() == before


# --- Bytes ---------------------------------------------------------------------------------

ODD_BYTES = {
    "nul": b"a%00b",
    "half a surrogate pair": b"a%ED%A0%80b",
    "no utf-8": b"a%FF%FE%C3b",
    "overlong": b"a%C0%AFb",
    "bare percent": b"a%b%zz",
    "raw bytes": b"a\xff\x00\xed\xa0\x80b",
    "every plane": "\u2028\u202e\ufeff\U0001f30a\U000e0041\U0010ffff".encode(),
    "line ends": b"a%0D%0ABcc%3A+eve%40example.org%0D%0A%0D%0A",
    "long": b"a" * 300_000,
    "digits": b"9" * 5000,
}


@pytest.mark.parametrize("value", ODD_BYTES.values(), ids=ODD_BYTES)
def test_bytes_that_are_no_words_break_no_form(
    browser: Client, client: Client, lived_in: User, at: At, value: bytes
) -> None:
    for example in FORMS:
        names = [*(rule_of(example).sent or {}), "next", "page", "csrfmiddlewaretoken", "id"]
        body = b"&".join(name.encode() + b"=" + value for name in names)
        visitor = client if example.startswith("/accounts/") else browser
        response = visitor.generic("POST", at(example), body, URLENCODED)
        assert response.status_code < 500, example


@hypothesis_settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(example=st.sampled_from(FORMS), data=st.data())
def test_any_words_break_no_form(
    as_alice: Client, lived_in: User, at: At, example: str, data: st.DataObject
) -> None:
    """In one field, with valid values in the others."""
    sent = dict(rule_of(example).sent or {})
    if sent:
        sent[data.draw(st.sampled_from(sorted(sent)))] = data.draw(st.text(max_size=300))
    # These may end the session.
    if example.startswith(("/accounts/", "/leave/")):
        as_alice = signed_in(lived_in)

    response = as_alice.post(at(example), sent)

    assert response.status_code < 500
    # Where the session had ended, no words would reach the form.
    if not example.startswith("/accounts/"):
        assert not response.headers.get("Location", "").startswith("/accounts/"), example


@pytest.mark.parametrize("value", ODD_BYTES.values(), ids=ODD_BYTES)
def test_bytes_that_are_no_words_break_no_address(
    browser: Client, letter: Letter, value: bytes
) -> None:
    odd = value[:2000].decode("latin-1")
    addresses = ["/{}/", "/journal/{}/", "/steps/{}/", "/steps/1/{}/", "/learn/{}/", "/help/{}/"]
    addresses += ["/r/{}/", "/dev/inbox/{}/", "/static/{}", "/journal/?page={}", "/today/?{}={}"]
    addresses += ["/accounts/login/?next={}", "/accounts/signup/?email={}&next=/{}"]

    for address in addresses:
        visitor = Client() if "accounts" in address else browser
        assert visitor.get(address.format(odd, odd)).status_code < 500, address


@pytest.mark.parametrize(
    "claimed",
    ["utf-7", "unicode_escape", "raw_unicode_escape", "hex", "undefined", "idna", "utf-16", "no"],
)
def test_every_form_is_read_as_utf_8_whatever_it_claims(
    browser: Client, alice: User, claimed: str
) -> None:
    """Some encodings can contain half a surrogate pair, which cannot be stored."""
    body = "água +2AA- \\ud800"
    content_type = f"{MULTIPART_CONTENT}; charset={claimed}"
    sent = {"id": str(uuid4()), "to": "", "body": body}

    encoded = browser._encode_data(sent, MULTIPART_CONTENT)
    response = browser.generic("POST", "/journal/write/them/", encoded, content_type)

    assert response.status_code == 302
    contents: LetterContents = Letter.objects.of(alice).get().open(alice.key)
    assert contents.body == body


def test_encoding_of_an_address_is_ours(client: Client) -> None:
    page = client.get(
        "/accounts/login/?next=/+2AA-", headers={"Content-Type": "x/y; charset=utf-7"}
    )

    assert page.status_code == 200
    assert 'value="/ 2AA-"' in page.content.decode()


@pytest.mark.parametrize(
    "cookie",
    [r'"aaaaaaaaaaaaaaaa\000"', r'"aaaaaaaaaaaa\355\240\200"', "a" * 5000, '"', "\xff" * 9],
)
@pytest.mark.parametrize("name", [project.SESSION_COOKIE_NAME, project.CSRF_COOKIE_NAME, "left"])
def test_cookie_that_is_not_ours_is_nobodys(db: None, name: str, cookie: str) -> None:
    visitor = Client(raise_request_exception=False, headers={"Cookie": f"{name}={cookie}"})

    assert visitor.get("/").status_code == visitor.get("/accounts/login/").status_code == 200
    assert visitor.get("/today/").headers["Location"] == "/accounts/login/?next=/today/"
    assert visitor.get("/leave/").status_code == 303


@pytest.mark.parametrize("host", ["evil.example", "", "testserver@evil.example", "a\x00b", "["])
def test_host_that_is_not_ours_is_refused(db: None, host: str) -> None:
    assert Client(raise_request_exception=False).get("/", HTTP_HOST=host).status_code == 400


@pytest.mark.parametrize(
    "header",
    [
        {"X-Forwarded-Host": "evil.example"},
        {"X-Forwarded-Proto": "https"},
        {"X-Forwarded-For": "203.0.113.7"},
        {"X-Forwarded-Port": "443"},
        {"Forwarded": "host=evil.example;proto=https"},
        {"X-HTTP-Method-Override": "DELETE"},
        {"X-Original-URL": "/admin/"},
        {"X-Requested-With": "XMLHttpRequest", "Accept": "application/json"},
    ],
    ids=lambda header: next(iter(header)),
)
def test_what_a_proxy_would_say_is_not_believed(browser: Client, header: dict[str, str]) -> None:
    for address in ("/today/", "/accounts/password/change/"):
        said, plain = browser.get(address, headers=header), browser.get(address)
        assert (said.status_code, seen(said)) == (plain.status_code, seen(plain))


# --- Amounts -------------------------------------------------------------------------------


@pytest.mark.parametrize("example", ["/journal/write/them/", "/you/", "/steps/1/filling-in/"])
def test_more_than_a_form_holds_is_refused(browser: Client, lived_in: User, example: str) -> None:
    before, sent = everything(), rule_of(example).sent or {}

    for flood in ({f"x{n}": "" for n in range(300)}, {"x": "a" * 2_500_001}):
        response = browser.post(example, sent | flood)
        assert response.status_code == 400
        assert "nothing was changed" in response.content.decode()

    assert everything() == before


def test_files_are_written_nowhere(browser: Client, settings: Settings, tmp_path: Path) -> None:
    """Django would write them to the disk, for anybody, before any view runs."""
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "not there"
    big = tmp_path / "big"
    big.write_bytes(b"x" * 3_000_000)

    for example in ("/journal/write/them/", "/accounts/login/"):
        with big.open("rb") as file:
            response = browser.post(example, {"body": file, "password": "x"})
        assert response.status_code in {200, 302}


# --- Words that look like code -------------------------------------------------------------

# Each as long as a name may be, or nearly.
CODE = [
    "</textarea><script>alert(1)</script>",
    '</title><svg/onload=alert(1)>"><img src=x onerror=alert(1)>',
    "' autofocus onfocus=alert(1) x='&lt;b&gt; &amp;amp; &#x3c;",
    "{{ 7|add:7 }}{% debug %}{# x #}<scr\u2028ipt>\u202e<style>*{}</style>",
    "{value} {0} {self.__class__} %(x)s %s",
    "<!--<img src='--><img src=x onerror=alert(1)>'>",
]


def _write_and_read(person: User, words: str) -> list[Any]:
    """Put the words into every field that is shown again. Return every page that shows them."""
    browser = Client(raise_request_exception=False)
    browser.force_login(person)
    for model in (Letter, Answer, Opening):
        model.objects.of(person).delete()
    rows = {f"moments-0-{name}": words for name in ("happened", "filled_in")}
    sheet, line = "/steps/1/filling-in/", "/steps/5/boundary/"
    browser.post("/you/", {"name": words, "time_zone": "UTC", "language": "en"})
    browser.post(sheet, rows | {"stands_out": words})
    browser.post(line, dict.fromkeys(("value", "situation", "action"), words))
    letter = {"id": str(uuid4()), "to": words, "body": words}
    desk = browser.post("/journal/write/them/", letter).headers["Location"]
    kept = desk.removesuffix("edit/")
    other = letter | {"body": f"{words}, otherwise", "version": "9"}
    browser.post("/journal/write/them/lines/", {"opening": words})
    answer = Answer.objects.of(person).for_exercise(1, "filling-in").get()
    shown = ["/today/", "/you/", sheet, f"{sheet}{answer.pk}/", line, desk]
    shown += ["/journal/write/them/lines/", browser.post(desk, other).headers["Location"]]
    pages = [browser.get(address) for address in shown]
    # A form with an error is shown again, with what was typed.
    pages += [browser.post(desk, {"to": words, "body": ""})]
    pages += [browser.post("/journal/write/them/", letter | {"to": words * 20})]
    pages += [browser.post("/journal/search/", {"text": words}, follow=True)]
    browser.post(f"{kept}close/", {"next_hour": words, "then": "keep"})
    pages += [browser.get(kept)]
    pages += [browser.post("/you/", {"name": words})]
    pages += [browser.post(sheet, rows | {"stands_out": words * 200})]
    browser.get("/leave/")
    closed = browser.post("/journal/write/them/", on_a_page_of(person, **letter))
    hold(browser, closed.text, "Unlock, and show what I sent")
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return [*pages, browser.get("/accounts/returned/")]


def test_words_that_look_like_code_are_words(alice: User, bob: User) -> None:
    """Each page has the same tags as with plain words, and shows these literally."""
    plain = [read(page).tags for page in _write_and_read(bob, "plain words")]

    for code in CODE:
        for page, tags in zip(_write_and_read(alice, code), plain, strict=True):
            where = f"{code} at {page.request['PATH_INFO']}"
            found = read(page)
            assert found.tags == tags, where
            assert any(code in said for said in found.said), where
            assert html.escape(code) in page.text, where


def test_code_in_an_address_is_words(client: Client, db: None) -> None:
    for code in CODE:
        query = urlencode({"next": f"/{code}", "email": f"{code}@example.org"})
        # What is not ASCII is no address, and is dropped.
        like = "next=/x/" if code.isascii() else ""
        for page in ("/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"):
            expected = read(client.get(f"{page}?{like}")).tags
            assert read(client.get(f"{page}?{query}")).tags == expected


# --- Tokens --------------------------------------------------------------------------------


def strict(person: User | None) -> Client:
    """A client that checks CSRF tokens, which Django’s does not by default."""
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    if person:
        client.force_login(person)
    return client


def test_form_without_its_token_is_refused(lived_in: User, at: At) -> None:
    before, visitors = everything(), (strict(lived_in), strict(None))

    for example in ALL:
        if example in ABOVE_TOKENS:
            continue
        sent = urlencode(rule_of(example).sent or {})
        for visitor in visitors:
            for method in ("POST", "PUT"):
                response = visitor.generic(method, at(example), sent, URLENCODED)
                refused = {200, 405} if example == WITHOUT_TOKEN else {403}
                assert response.status_code in refused, (example, method)
        assert everything() == before, example


@pytest.mark.parametrize(("address", "status"), ABOVE_TOKENS.items())
def test_what_asks_for_no_token_takes_nothing(lived_in: User, address: str, status: int) -> None:
    before = everything()

    assert strict(lived_in).post(address, {"id": "x"}).status_code == status

    assert everything() == before


FORGED: dict[str, dict[str, Any]] = {
    "no token": {"token": None},
    "a wrong token": {"token": "a" * 64},
    "a short token": {"token": "x"},
    "another origin": {"HTTP_ORIGIN": "https://evil.example"},
    "a neighbour": {"HTTP_ORIGIN": "https://evil.testserver"},
    "no origin": {"HTTP_ORIGIN": "null"},
    "another referrer": {"HTTP_REFERER": "https://evil.example/", "secure": True},
    "no referrer": {"secure": True},
}


UNSAFE = ("POST", "PUT", "PATCH", "DELETE", "BREW")


@pytest.mark.parametrize(("turn", "forged"), [*enumerate(FORGED.values())], ids=FORGED)
def test_form_of_another_site_is_refused(
    lived_in: User, at: At, turn: int, forged: dict[str, Any]
) -> None:
    """On every path, by POST and by one other method, which takes turns: every path meets every
    method and every forgery, and so does every method every forgery."""
    browser = strict(lived_in)
    given = str(browser.get("/you/").context["csrf_token"])
    said = {name: value for name, value in forged.items() if name != "token"}
    token = forged.get("token", given)
    before = everything()

    paths = [example for example in ALL if example not in {*ABOVE_TOKENS, WITHOUT_TOKEN}]
    for number, example in enumerate(paths):
        sent = dict(rule_of(example).sent or {}) | ({"csrfmiddlewaretoken": token} if token else {})
        for method in {"POST", UNSAFE[(number + turn) % len(UNSAFE)]}:
            # Only a POST has the token in its form. Other methods send a header.
            head = {"HTTP_X_CSRFTOKEN": token} if token and method != "POST" else {}
            response = browser.generic(
                method, at(example), urlencode(sent), URLENCODED, **head, **said
            )
            assert response.status_code == 403, (example, method)
    assert everything() == before


def test_token_of_another_browser_is_refused(lived_in: User, bob: User) -> None:
    theirs, hers = strict(bob), strict(lived_in)
    token = str(theirs.get("/you/").context["csrf_token"])
    hers.get("/you/")

    response = hers.post("/steps/1/mark/", {"state": "settled", "csrfmiddlewaretoken": token})

    assert response.status_code == 403


# Open to anybody, signed in or not: what is in its form has no owner, and never comes back.
OF_NOBODY = {"/accounts/password/reset/", "/before/"}


def writing_in(form: str) -> set[str]:
    """The names of the fields of a form that hold what a person writes."""
    declared = frozenset().union(*ON_EVERY_PAGE.values(), *ON_ACCOUNT_PAGES.values())
    names = set(re.findall(r'<(?:input|textarea|select)[^>]* name="([^"]+)"', form))
    return {name for name in names - declared - NEVER_RETURNED if "password" not in name}


def forms_on(example: str, visitor: Client, at: At) -> Iterator[tuple[str, str]]:
    """The address and the markup of each form on the page that is opened, and on that with errors
    if it takes something."""
    pages = [visitor.get(at(example), follow=True)]
    if rule_of(example).sent and "logout" not in example:
        pages.append(visitor.post(at(example), {}))
    for page in pages:
        for form in POST_FORM.findall(page.text):
            yield page.request["PATH_INFO"], form


def test_every_form_carries_its_token_and_its_owner(
    browser: Client, lived_in: User, at: At
) -> None:
    """Also for a visitor, and in a locked session. Without the mark of its owner, its words would
    not come back, or be shown to others.

    WebKitGTK shows the page that a redirect leads to under the address before the redirect when the
    history leads there: without an action its form would post the password to that one.
    """
    away, mark = Client(), f'name="form_owner" value="{owner_mark(lived_in.pk)}"'
    away.force_login(lived_in)
    away.get("/leave/")
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    owned, addressed = set(), set()

    for example in NOT_LEAVING:
        for visitor in (browser, Client(), away):
            for shown, form in forms_on(example, visitor, at):
                where, writing = (example, shown, form), writing_in(form)
                assert (TOKEN.search(form) is not None) == (example != WITHOUT_TOKEN), where
                if shown.startswith("/accounts/"):
                    assert re.search(r' action="/[^"]+"', form.partition(">")[0]), where
                    addressed.add(shown)
                if visitor is not browser:
                    assert "form_owner" not in form, where
                elif writing and shown == at(example) and example not in OF_NOBODY:
                    assert mark in form, (where, writing)
                    owned.add(example)

    assert len(owned) > 8
    assert {"/accounts/login/", "/accounts/reauthenticate/"} < addressed


@pytest.mark.parametrize(
    "address",
    [
        "/you/",
        "/you/privacy/erase/",
        "/you/reminders/",
        "/steps/1/",
        "/steps/1/filling-in/",
        "/steps/1/filling-in/{answer}/",
        "/steps/1/filling-in/{answer}/delete/",
        "/journal/write/them/",
        "/journal/{letter}/seal/",
        "/journal/{letter}/let-go/",
        "/journal/write/them/lines/",
        "/accounts/logout/",
        "/accounts/password/change/",
        "/accounts/reauthenticate/",
    ],
)
def test_page_that_takes_something_has_a_form(browser: Client, at: At, address: str) -> None:
    """So that “every form” above means some."""
    assert 'method="post"' in browser.get(at(address)).text
