"""Bytes that no browser sends to the real web server are refused or understood: never an error."""

import re
from collections.abc import Iterator

import pytest
from django.conf import settings

from tests.support.gunicorn_server import Web, web

HOST = b"Host: localhost:8000\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
JSON = b"Content-Type: application/json\r\n"
DESK = b"POST /journal/write/them/ HTTP/1.1\r\n" + HOST
DOOR = b"POST /accounts/login/ HTTP/1.1\r\n" + HOST
PASSKEYS = b"POST /accounts/2fa/passkeys/login/options/ HTTP/1.1\r\n" + HOST


def parts(boundary: bytes, *, end: bytes) -> bytes:
    head = b"Content-Type: multipart/form-data; boundary=" + boundary + b"\r\n"
    body = b"--B\r\nContent-Disposition: form-data; name=body\r\n\r\nwords" + end
    return head + with_length(body)


def with_length(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def get(path: bytes, head: bytes = b"") -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\n" + HOST + head + b"\r\n"


def method(name: bytes) -> bytes:
    return name + b" /journal/write/them/ HTTP/1.1\r\n" + HOST + b"\r\n"


ODD = {
    # --- Amounts
    "3 MB": DESK + FORM + with_length(b"body=" + b"a" * 3_000_000),
    "3 MB to the door": DOOR + FORM + with_length(b"password=" + b"a" * 3_000_000),
    "1500 fields": DESK + FORM + with_length(b"&".join(b"f%d=" % n for n in range(1500))),
    "500 words asked for": get(b"/?" + b"&".join(b"f%d=" % n for n in range(500))),
    "a long address": get(b"/" + b"a" * 9000),
    "a long header": get(b"/", b"X-Long: " + b"a" * 20_000 + b"\r\n"),
    "200 headers": get(b"/", b"".join(b"X-%d: 1\r\n" % n for n in range(200))),
    "a long cookie": get(b"/today/", b"Cookie: n=" + b"a" * 7000 + b"\r\n"),
    # --- Lengths
    "longer than it says": DESK + FORM + b"Content-Length: 4\r\n\r\nbody=more than that",
    "shorter than it says": DESK + FORM + b"Content-Length: 400\r\n\r\nbody=x",
    "a negative length": DESK + FORM + b"Content-Length: -1\r\n\r\nbody=x",
    "no length": DESK + FORM + b"Content-Length: x\r\n\r\nbody=x",
    "two lengths": DESK + FORM + b"Content-Length: 6\r\nContent-Length: 3\r\n\r\nbody=x",
    "a length and chunks": (
        DESK + FORM + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "chunks of no size": DESK + FORM + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nbody\r\n",
    "chunks that end early": DESK + FORM + b"Transfer-Encoding: chunked\r\n\r\nff\r\nbody=",
    "a coding nobody knows": DESK + FORM + b"Transfer-Encoding: gzip\r\n\r\nbody=x",
    "words that wait": DESK + FORM + b"Expect: 100-continue\r\n" + with_length(b"body=x"),
    "a wish nobody knows": DESK + FORM + b"Expect: a miracle\r\n" + with_length(b"body=x"),
    # --- Forms
    "parts that end early": DESK + parts(b"B", end=b""),
    "parts of another name": DESK + parts(b"C", end=b"\r\n--B--\r\n"),
    "parts without a name": DESK + parts(b"", end=b"\r\n--B--\r\n"),
    "parts with an odd name": DESK + parts(b'"\xff\x01"', end=b"\r\n--B--\r\n"),
    "compressed, it says": (
        DESK + FORM + b"Content-Encoding: gzip\r\n" + with_length(b"\x1f\x8b\x08body=x")
    ),
    "a type that is none": DESK + b"Content-Type: ;;;=\xff\r\n" + with_length(b"body=x"),
    "two types": DESK + FORM + JSON + with_length(b"body=x"),
    "no type": DESK + with_length(b"body=x"),
    "a type nobody takes": DESK + b"Content-Type: text/xml\r\n" + with_length(b"<x/>"),
    "a charset that is none": (
        DESK
        + b"Content-Type: application/x-www-form-urlencoded; charset=hex\r\n"
        + with_length(b"b=x")
    ),
    # --- Bytes that are no text
    "NUL in the address": get(b"/journal/%00/"),
    "NUL raw in the address": get(b"/journal/\x00/"),
    "NUL in the query": get(b"/accounts/login/?next=%00"),
    "NUL in a header": get(b"/", b"X-Y: a\x00b\r\n"),
    "NUL in a cookie": get(b"/today/", b'Cookie: n="a\\000b"\r\n'),
    "NUL in a form": DOOR + FORM + with_length(b"login=a%00b%40example.org&password=%00"),
    "NUL in JSON": PASSKEYS + JSON + with_length(b'{"credential": "\\u0000"}'),
    "half a surrogate in a form": DESK + FORM + with_length(b"body=%ED%A0%80"),
    "half a surrogate in the address": get(b"/journal/%ED%A0%80/?q=%ED%A0%80"),
    "half a surrogate in JSON": PASSKEYS + JSON + with_length(b'{"credential": "\\ud800"}'),
    "JSON without end": PASSKEYS + JSON + with_length(b"[" * 100_000),
    "no UTF-8": DESK + FORM + with_length(b"body=\xff\xfe&\xff=1"),
    "no UTF-8 in the address": get(b"/\xff\xfe/?\xff=\xfe"),
    "per cent and nothing": get(b"/%/?%=%zz"),
    # --- First lines and methods
    "PATCH": method(b"PATCH"),
    "DELETE": method(b"DELETE"),
    "PUT": method(b"PUT"),
    "TRACE": method(b"TRACE"),
    "PROPFIND": method(b"PROPFIND"),
    "a method of ours": method(b"BREW"),
    "a method in small letters": method(b"get"),
    "a long method": method(b"A" * 300),
    "no method": method(b""),
    "a tunnel": b"CONNECT localhost:5432 HTTP/1.1\r\n" + HOST + b"\r\n",
    "everything": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "a whole address": b"GET http://evil.example/today/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "no slash": b"GET today HTTP/1.1\r\n" + HOST + b"\r\n",
    "two slashes": get(b"//evil.example/%2e%2e/"),
    "dots": get(b"/static/../../etc/passwd"),
    "hidden dots": get(b"/static/%2e%2e/%2e%2e/config/settings.py"),
    "an old version": b"GET / HTTP/1.0\r\n\r\n",
    "a version that is none": b"GET / HTTP/9.9\r\n" + HOST + b"\r\n",
    "no version": b"GET /\r\n\r\n",
    "HTTP/2 without asking": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS without asking": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    # --- Headers
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\n" + HOST + b"Host: evil.example\r\n\r\n",
    "another host": b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "a host that is none": b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
    "a folded header": get(b"/", b"X-Y: a\r\n b\r\n"),
    "a header without a name": get(b"/", b": a\r\n"),
    "a name with a space": get(b"/", b"X Y: a\r\n"),
    "names with lines under": get(b"/", b"X_Forwarded_Proto: https\r\nHost_: x\r\n"),
    "two cookies": get(b"/today/", b"Cookie: n=a\r\nCookie: n=b\r\n"),
    "dates that are none": get(b"/", b"If-Modified-Since: \xff\r\nIf-None-Match: ,,\r\n"),
    "a part of a page": get(b"/static/x", b"Range: bytes=-1,9-0,x\r\n"),
    "languages that are none": get(b"/", b"Accept-Language: " + b"x" * 4000 + b";q=x,\r\n"),
    "an origin that is none": get(b"/today/", b"Origin: http://[\r\nReferer: http://[\r\n"),
}


@pytest.fixture(scope="module")
def cookie(session_cookie: str) -> bytes:
    """The session cookie, as a header line."""
    return f"Cookie: {settings.SESSION_COOKIE_NAME}={session_cookie}\r\n".encode()


@pytest.fixture(autouse=True)
def fresh_limits(db: None) -> None:
    """Not cleared in the transaction of a test: the web server would wait for it to end."""


STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


def statuses(answer: bytes) -> list[int]:
    return [int(found) for found in STATUS.findall(answer)]


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_what_no_browser_sends_is_no_error(web_server: Web, cookie: bytes, odd: bytes) -> None:
    """With and without a session. What is not a request need not be answered."""
    for head in (cookie, b""):
        answer = web_server.raw(odd.replace(HOST, HOST + head, 1))

        found = statuses(answer)
        assert all(status < 500 or status == 501 for status in found), found
        assert b"evil.example" not in answer.partition(b"\r\n\r\n")[0], "leads away"
        assert b"Traceback" not in answer
    assert statuses(web_server.raw(get(b"/healthz", b"Connection: close\r\n"))) == [200]
    assert "page broke" not in web_server.output.text()


REFUSED = {
    "3 MB": 400,
    "3 MB to the door": 400,
    "1500 fields": 400,
    "500 words asked for": 400,
    "a long address": 414,
    "a long header": 431,
    "200 headers": 431,
    "two lengths": 400,
    "a length and chunks": 400,
    "NUL raw in the address": 400,
    "NUL in a header": 400,
    "two hosts": 400,
    "another host": 400,
    "a host that is none": 400,
    "a tunnel": 404,
}


@pytest.mark.parametrize(("name", "status"), REFUSED.items())
def test_what_is_refused_is_refused_as_it_is_meant(
    web_server: Web, cookie: bytes, name: str, status: int
) -> None:
    answer = web_server.raw(ODD[name].replace(HOST, HOST + cookie, 1))

    assert statuses(answer)[:1] == [status]


# --- What the web server answers by itself ---------------------------------------------------

TAG = b"<script>alert(1)</script>"
NEVER_OURS = {
    "a first line": b"GET / " + TAG + b" HTTP/1.1 x\r\n" + HOST + b"\r\n",
    "a method": TAG + b" / HTTP/1.1\r\n" + HOST + b"\r\n",
    "a version": b"GET / HTTP/" + TAG + b"\r\n" + HOST + b"\r\n",
    "an address with a NUL": get(b"/\0" + TAG),
    "a long address": get(b"/" + TAG * 1000),
    "a header": get(b"/", TAG + b"\r\n"),
    "the name of a header": get(b"/", TAG + b": a\r\n"),
    "a long header": get(b"/", b"X-Long: " + TAG * 1000 + b"\r\n"),
    "a wish": get(b"/", b"Expect: " + TAG + b"\r\n"),
    "a coding": get(b"/", b"Transfer-Encoding: " + TAG + b"\r\n"),
}


@pytest.mark.parametrize("sent", NEVER_OURS.values(), ids=NEVER_OURS)
def test_what_the_web_server_answers_by_itself_holds_nothing_of_anybody(
    web_server: Web, cookie: bytes, sent: bytes
) -> None:
    """It does not have our headers, so it must contain nothing that they would protect."""
    head, _, page = web_server.raw(sent.replace(HOST, HOST + cookie, 1)).partition(b"\r\n\r\n")

    [status] = statuses(head)
    assert status in {400, 414, 417, 431, 501}
    names = {line.partition(b":")[0] for line in head.split(b"\r\n")[1:]}
    assert names == {b"Connection", b"Content-Type", b"Content-Length"}
    assert TAG not in page
    assert cookie.split(b"=", 1)[1].strip() not in page
    assert len(page) < 500


# --- What a proxy says -----------------------------------------------------------------------

OPTIONS = b"POST /accounts/2fa/passkeys/login/options/ HTTP/1.1\r\n" + HOST
TIMES = 22


def tries(server: Web, forwarded: Iterator[str]) -> list[int]:
    """The statuses of a request that is allowed 20 times a minute from one IP address."""
    token = "a" * 32
    head = f"Cookie: {settings.CSRF_COOKIE_NAME}={token}\r\nX-CSRFToken: {token}\r\n"
    ends = f"{head}Connection: close\r\nContent-Length: 0\r\n"
    return [
        statuses(server.raw(OPTIONS + f"{ends}X-Forwarded-For: {said}\r\n\r\n".encode()))[0]
        for said in forwarded
    ]


def test_without_a_proxy_of_ours_nobody_says_where_they_are(web_server: Web, cookie: bytes) -> None:
    rotating = (f"203.0.113.{number}" for number in range(TIMES))

    assert tries(web_server, rotating) == [200] * 20 + [429] * 2


@pytest.fixture(scope="module")
def proxied(
    tmp_path_factory: pytest.TempPathFactory, collected: None, django_db_setup: None
) -> Iterator[Web]:
    with web(tmp_path_factory.mktemp("web") / "log", TRUSTED_PROXY_COUNT="1") as server:
        yield server


def test_behind_a_proxy_of_ours_only_its_own_word_counts(proxied: Web, cookie: bytes) -> None:
    invented = (f"203.0.113.{number}, 198.51.100.7" for number in range(TIMES))
    others = (f"203.0.113.7, 198.51.100.{number + 10}" for number in range(TIMES))

    assert tries(proxied, invented) == [200] * 20 + [429] * 2
    assert tries(proxied, others) == [200] * TIMES


@pytest.mark.parametrize("said", ["", "x", "127.0.0.1, ,", "\t", "a" * 4000, "::1%25, [", "1" * 99])
def test_what_a_proxy_says_may_be_odd(proxied: Web, cookie: bytes, said: str) -> None:
    assert tries(proxied, iter([said]))[0] in {200, 403, 429}


@pytest.mark.parametrize("begins", [b"https://evil.example", b"//evil.example", b"/evil"])
@pytest.mark.parametrize("name", [b"SCRIPT_NAME", b"SCRIPT-NAME", b"PATH_INFO"])
def test_nobody_says_where_the_site_begins(web_server: Web, name: bytes, begins: bytes) -> None:
    """A proxy may pass on any header, and pages cache links in memory."""
    for target in (b"x:" + begins + b"/accounts/login/", begins + b"/accounts/login/"):
        claimed = name + b": " + begins + b"\r\n"
        web_server.raw(b"GET " + target + b" HTTP/1.1\r\n" + HOST + claimed + b"\r\n")

    assert b"evil" not in web_server.raw(get(b"/accounts/login/"))
