"""The headers and cookies of every path, from the real web server over https."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage
from http.cookies import Morsel, SimpleCookie
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.files.storage import storages

from accounts.models import User
from safety.headers_middleware import INDEXED_PATHS, INDEXED_PREFIXES
from tests.support.addresses import LOCAL, PUBLIC, RULES, Whose
from tests.support.client import PASSWORD, Client
from tests.support.gunicorn_server import web
from tests.support.header_values import EVERYWHERE, as_operator, policy_of
from tests.support.waiting import PATIENCE

HOST = "notes.example.org"
OVER_HTTPS = EVERYWHERE | {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload"
}
KEPT_NOWHERE, ASKED_AGAIN = "no-store, private", "no-cache"
SESSION, TOKEN, LEFT, SEEN = "__Host-n", "__Host-c", "__Host-left", "__Host-s"
SIGNED_IN = "__Host-signed"

EXAMPLES = [
    (f"/{(rule.example or pattern).format_map(defaultdict(uuid4))}", rule.whose)
    for pattern, rule in RULES.items()
    # Not there on a server.
    if rule.whose is not LOCAL
]
# Ways in which a page can break, and the status each ends with.
BROKEN = {"plain": 500, "forbidden": 403, "bad": 400, "not found": 404}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def cookies(self) -> list[Morsel[str]]:
        jar: SimpleCookie = SimpleCookie()
        for line in self.headers.get_all("Set-Cookie") or []:
            jar.load(line)
        return list(jar.values())


@dataclass(frozen=True)
class Site:
    line: HTTPConnection

    def ask(self, path: str, method: str = "GET", sent: str = "", **headers: str) -> Answer:
        """Send a request as our proxy does for one that came over https."""
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        proxy = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
        self.line.request(method, path, sent or None, proxy | said)
        answer = self.line.getresponse()
        found = Answer(answer.status, answer.headers, answer.read())
        # A new connection each: the server closes one that is idle for two seconds.
        self.line.close()
        return found


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, collected: None, django_db_setup: None
) -> Iterator[Site]:
    over_https = {
        "SITE_URL": f"https://{HOST}",
        "TRUSTED_PROXY_COUNT": "1",
        "DJANGO_SETTINGS_MODULE": "tests.config.breaking",
    }
    with web(tmp_path_factory.mktemp("web") / "log", **over_https) as server:
        line = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        yield Site(line)
        line.close()


@pytest.fixture
def session(transactional_db: None) -> Iterator[str]:
    """The session cookie of a person who is signed in."""
    client = Client()
    client.force_login(User.objects.create_user("alice@example.org", PASSWORD))
    yield f"{SESSION}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    cache.clear()


def is_landing(path: str, status: int) -> bool:
    return status == 200 and (path in INDEXED_PATHS or path.startswith(INDEXED_PREFIXES))


def assert_headers(path: str, answer: Answer, *, kept: str) -> None:
    where = (path, answer.status)
    said = answer.headers
    expected = dict(OVER_HTTPS)
    if path == "/leave/" and answer.status == 303:
        expected["Referrer-Policy"] = "no-referrer"
    assert {name: said[name] for name in expected} == expected, where
    policy = policy_of(path, answer.status)
    assert set(said["Content-Security-Policy"].split("; ")) == policy | {
        "upgrade-insecure-requests"
    }, where
    assert said["X-Robots-Tag"] == (None if is_landing(path, answer.status) else "noindex"), where
    assert said["Cache-Control"] == kept, where
    assert re.fullmatch("[0-9a-f]{16}", said["X-Request-ID"]), where
    # Only signing out clears what a browser has stored.
    assert said["Clear-Site-Data"] is None, where
    # Each comes once: of two, browsers use the looser one or neither.
    twice = [name for name in (*expected, "Cache-Control") if len(said.get_all(name) or []) > 1]
    assert twice == []
    assert said["Server"] in {None, "gunicorn"}
    assert "X-Powered-By" not in said


def assert_cookies(path: str, answer: Answer) -> None:
    for cookie in answer.cookies:
        where = (path, cookie.key)
        assert cookie.key in {SESSION, TOKEN, LEFT, SEEN, SIGNED_IN}, where
        assert (cookie["path"], cookie["domain"], cookie["samesite"]) == ("/", "", "Lax"), where
        # A cookie that is deleted needs no attributes.
        assert cookie["secure"] or not cookie.value, where
        # Set by a script, so a script may read it.
        assert cookie["httponly"] or cookie.key == LEFT or not cookie.value, where


def kept_by_nobody(method: str, path: str, whose: Whose, answer: Answer) -> str:
    """The Cache-Control of a response to a visitor."""
    if method not in {"GET", "HEAD"}:
        return KEPT_NOWHERE
    unlisted = ("/accounts/", "/leave/", "/before/", "/boat/")
    private = whose is not PUBLIC or path.startswith(unlisted)
    # A page with a form, in which something may be typed, sets the cookie of its token.
    opened = any(cookie.key in {SESSION, TOKEN} for cookie in answer.cookies)
    return KEPT_NOWHERE if private or opened or answer.status >= 400 else ASKED_AGAIN


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"])
def test_answer_to_somebody_who_is_not_signed_in(site: Site, session: str, method: str) -> None:
    for path, whose in EXAMPLES:
        answer = site.ask(path, method)

        assert answer.status < 500, (path, answer.status)
        assert_headers(path, answer, kept=kept_by_nobody(method, path, whose, answer))
        assert_cookies(path, answer)
        if method in {"GET", "HEAD"}:
            given = [cookie.key for cookie in answer.cookies]
            assert SESSION not in given or path.startswith("/accounts/"), path


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"])
def test_answer_to_somebody_signed_in_is_kept_nowhere(
    site: Site, session: str, method: str
) -> None:
    for path, _ in EXAMPLES:
        # A session that is locked or signed out would show the other pages to nobody.
        if path not in {"/leave/", "/accounts/logout/", "/you/privacy/erase/"}:
            answer = site.ask(path, method, Cookie=session)

            assert answer.status < 500, (path, answer.status)
            assert_headers(path, answer, kept=KEPT_NOWHERE)
            assert_cookies(path, answer)


@pytest.mark.parametrize(("way", "status"), BROKEN.items())
def test_answer_of_a_page_that_breaks(site: Site, session: str, way: str, status: int) -> None:
    seen = set()
    for path, _ in EXAMPLES:
        answer = site.ask(path, Cookie=session, X_Break=way)
        seen.add(answer.status)
        assert_headers(path, answer, kept=KEPT_NOWHERE)
        assert_cookies(path, answer)
    assert status in seen


def test_pages_of_the_admin_have_the_headers_too(site: Site, transactional_db: None) -> None:
    name = settings.SESSION_COOKIE_NAME
    cookie = f"{SESSION}={as_operator().cookies[name].value}"
    pages = {"/admin/": 200, "/admin/accounts/user/": 200, "/admin/jsi18n/": 200, "/admin/x/": 404}

    for path, status in pages.items():
        answer = site.ask(path, Cookie=cookie)
        assert answer.status == status
        assert_headers(path, answer, kept=KEPT_NOWHERE)


FILES = ["css/tokens.css", "js/leave.js", "img/icon.svg", "admin/css/base.css"]
FOR_GOOD = "max-age=315360000, public, immutable"


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({}, 200),
        ({"Accept_Encoding": "br"}, 200),
        ({"Range": "bytes=0-9"}, 206),
        ({"Range": "bytes=999999999-"}, 416),
        ({"If_Modified_Since": "Fri, 31 Dec 2199 00:00:00 GMT"}, 304),
    ],
    ids=["plain", "compressed", "a part", "no part", "known"],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_files_have_the_headers_too(
    site: Site, method: str, said: dict[str, str], status: int
) -> None:
    for name in FILES:
        path = storages["staticfiles"].url(name)
        answer = site.ask(path, method, **said)

        assert answer.status == status
        # A 416 does not repeat the header of the file.
        kept = answer.headers["Cache-Control"] if status == 416 else FOR_GOOD
        assert_headers(path, answer, kept=kept)
        assert answer.cookies == []


def test_plain_http_is_led_to_https_and_nothing_else(site: Site, session: str) -> None:
    for path, _ in EXAMPLES:
        if path not in {"/healthz", "/readyz"}:
            answer = site.ask(path, Cookie=session, X_Forwarded_Proto="http")

            assert answer.status == 301, path
            assert answer.headers["Location"] == f"https://{HOST}{path}"
            assert answer.headers["Strict-Transport-Security"] is None
            assert answer.cookies == []


def test_too_many_tries_are_refused_with_the_headers(site: Site, session: str) -> None:
    path = "/accounts/2fa/passkeys/login/options/"
    answers = [site.ask(path, "POST") for _ in range(21)]

    assert [answer.status for answer in answers] == [200] * 20 + [429]
    for answer in answers:
        assert_headers(path, answer, kept=KEPT_NOWHERE)
        assert_cookies(path, answer)


def test_leaving_marks_and_locks_with_cookies_of_this_host(site: Site, session: str) -> None:
    answer = site.ask("/leave/", Cookie=f"{session}; {LEFT}=1")

    cookies = {cookie.key: cookie for cookie in answer.cookies}
    assert answer.status == 303
    assert_cookies("/leave/", answer)
    assert cookies[LEFT].value == ""
    assert cookies[SESSION].value not in {"", session}
    assert (cookies[SESSION]["secure"], cookies[SESSION]["httponly"]) == (True, True)


def test_signing_out_empties_the_browser_and_nothing_else_does(site: Site, session: str) -> None:
    path = "/accounts/logout/"

    asked = site.ask(path, Cookie=session)
    given_up_half_way = site.ask(path, "POST")
    done = site.ask(path, "POST", Cookie=session)

    answers = (asked, given_up_half_way, done)
    assert [answer.status for answer in answers] == [200, 302, 302]
    cleared = [answer.headers["Clear-Site-Data"] for answer in answers]
    # Not cookies: the message on the next page needs one.
    assert cleared == [None, None, '"storage"']


# --- The score of an outside observer --------------------------------------------------------


def observed(answer: Answer) -> int:
    """Points as MDN's Observatory counts them, for what applies to a site without other origins.

    https://developer.mozilla.org/en-US/observatory/docs/tests_and_scoring
    """
    said = answer.headers
    policy = set(said["Content-Security-Policy"].split("; "))
    unsafe = [rule for rule in policy if "unsafe" in rule or "data:" in rule or "http:" in rule]
    age = re.search(r"max-age=(\d+)", said["Strict-Transport-Security"] or "")
    strict = bool(age) and int(age[1]) >= 15_768_000
    cookies = [c for c in answer.cookies if c["secure"] and c["samesite"] and c["httponly"]]
    losses = [
        0 if strict else -20,
        0 if said["X-Content-Type-Options"] == "nosniff" else -5,
        0 if len(cookies) == len(answer.cookies) else -40,
        -25 if unsafe or not policy else 0,
    ]
    gains = [
        10 if "default-src 'none'" in policy and not unsafe else 0,
        5 if "frame-ancestors 'none'" in policy else 0,
        5 if said["Referrer-Policy"] in {"same-origin", "no-referrer"} else 0,
        10 if said["Cross-Origin-Resource-Policy"] == "same-origin" else 0,
        10 if said["Cross-Origin-Embedder-Policy"] == "require-corp" else 0,
        10 if said["Cross-Origin-Opener-Policy"] == "same-origin" else 0,
        5 if answer.cookies and len(cookies) == len(answer.cookies) else 0,
        5 if "preload" in (said["Strict-Transport-Security"] or "") else 0,
    ]
    score = 100 + sum(losses)
    # Bonus points count only if few points are lost.
    return score + (sum(gains) if score >= 90 else 0)


@pytest.mark.parametrize(
    ("path", "points"), [("/", 155), ("/accounts/login/", 160), ("/help/nl/", 155)]
)
def test_an_observer_would_give_the_best_mark(site: Site, path: str, points: int) -> None:
    """100 is an A+."""
    assert observed(site.ask(path)) == points
