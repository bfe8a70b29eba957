"""A browser without a script: real requests, cookies, and forms as the pages contain them."""

import html
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from urllib.parse import urlencode

# Seconds. No page may take longer than this, whatever is down behind it.
LONGEST = 20
TYPE = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Page:
    status: int
    text: str
    location: str
    headers: dict[str, str]

    @property
    def is_calm(self) -> bool:
        """Whether it is a page of ours: with a link to help, and without a technical word."""
        technical = ("Traceback", "OperationalError", "psycopg", "Server Error (500)", "Django")
        return 'href="/help/"' in self.text and not any(word in self.text for word in technical)

    def form(self, action: str) -> dict[str, str]:
        """The fields of this page's form to that address, as a browser would submit them."""
        reader = _Forms()
        reader.feed(self.text)
        found = [fields for address, fields in reader.forms if address in (action, "")]
        assert found, f"no form to {action} in {self.status} {self.text}"
        return found[0]


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self._textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((given.get("action", ""), {}))
        elif self.forms and given.get("name") and tag != "button":
            self.forms[-1][1][given["name"]] = given.get("value", "")
            self._textarea = given["name"] if tag == "textarea" else ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.forms[-1][1][self._textarea] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._textarea:
            fields = self.forms[-1][1]
            # The first line break belongs to the markup.
            fields[self._textarea] = fields[self._textarea].removeprefix("\n")
            self._textarea = ""


@dataclass
class Visitor:
    """One browser. Not for use by two threads at once."""

    port: int
    email: str = ""
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    def is_answered(self) -> bool:
        """Whether a web server listens there and answers."""
        try:
            return self.get("/healthz").status == 200
        except OSError:
            return False

    def get(self, address: str) -> Page:
        return self._ask("GET", address, "", {})

    def post(self, address: str, fields: dict[str, str]) -> Page:
        headers = TYPE | {"Origin": self.origin, "Referer": f"{self.origin}{address}"}
        return self._ask("POST", address, urlencode(fields), headers)

    def desk(self, words: str, to: str = "") -> dict[str, str]:
        """The form of the desk, filled in and not yet submitted."""
        sheet = self.get("/journal/write/them/").form("/journal/write/them/")
        return sheet | {"to": to, "body": words}

    def keep(self, sheet: dict[str, str]) -> Page:
        return self.post("/journal/write/them/", sheet)

    def _ask(self, method: str, address: str, body: str, headers: dict[str, str]) -> Page:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        given = {"Host": f"localhost:{self.port}", "Accept-Encoding": "identity"} | headers
        if cookie:
            given["Cookie"] = cookie
        connection = HTTPConnection("127.0.0.1", self.port, timeout=LONGEST)
        try:
            connection.request(method, address, body, given)
            answer = connection.getresponse()
            text = answer.read().decode()
            self._take_cookies(answer.headers.get_all("Set-Cookie", []))
        finally:
            connection.close()
        return Page(answer.status, text, answer.headers["Location"] or "", dict(answer.headers))

    def _take_cookies(self, given: list[str]) -> None:
        for line in given:
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value


def words_in(page: Page) -> str:
    """The text of a page, with each run of whitespace as one space."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page.text)))
