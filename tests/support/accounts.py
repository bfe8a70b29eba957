"""Sign up, sign in and reset a password, and read the pages and mails of these."""

import re
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from accounts.models import User
from mail.emails import OneLineMail, build_from_payload
from mail.models import Message
from tests.support.client import PASSWORD, Client

EVENING = datetime(2026, 3, 12, 20, 14, tzinfo=UTC)
RESET = "/accounts/password/reset/"
SET_PAGE = f"{RESET}complete/"
CODE_PAGE = f"{RESET}confirm/"
# An address that is short enough until it is lowercased: one of its characters becomes two.
TOO_LONG_IN_LOWERCASE = "dana@" + "İ" * 30 + ("." + "a" * 60) * 3 + ".example.org"
# Addresses that Django’s form field accepts, and that no mail can be written to.
CANNOT_BE_WRITTEN = ["a@\u00ad.org", "a@" + "ä" * 63 + ".org", "=?utf-8?b?yq==?=@example.org"]
# Mail to them would leave to dana@example.org or another host: encoded words, and domains that an
# older version of IDNA writes as another one.
READ_AS_ANOTHER = [
    "=?utf-8?q?dana?=@example.org",
    "=?iso-8859-1?q?d=61na?=@example.org",
    "=?utf-8?q?dana=40evil.example?=@example.org",
    "dana@faß.de",
    "dana@FAẞ.de",
    "dana@βόλος.com",
    "dana@نامه\u200cای.com",
    "dana@a\u200db.org",
]


Mails = Callable[[], list[OneLineMail]]
Typed = Callable[..., None]
Later = Callable[..., "Future[Any]"]


def waiting_mails() -> list[OneLineMail]:
    """Every mail that waits in the outbox, decrypted, oldest first."""
    rows = Message.objects.pending()
    return [build_from_payload(row) for row in rows.order_by("created_at", "pk")]


def code_in(mail: OneLineMail) -> str:
    found = re.search(r"^This is the code: (\d{8})$", str(mail.body), re.MULTILINE)
    assert found, mail.body
    return found[1]


def sign_up(client: Client, email: str = "dana@example.org", **changes: str) -> Any:
    data = {"email": email, "password1": PASSWORD, "consent": "on"} | changes
    return client.post("/accounts/signup/", {name: value for name, value in data.items() if value})


def sign_in(client: Client, email: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post("/accounts/login/", {"login": email, "password": password} | more)


def confirm_reset_code(client: Client, person: User, mails: Mails) -> None:
    """Enter the code of a password reset, up to the page for the new password."""
    client.post(RESET, {"email": person.email})
    answer = client.post(f"{RESET}confirm/", {"code": code_in(mails()[-1])})
    assert answer.headers["Location"] == SET_PAGE


def safety_notice_url(onward: str) -> str:
    """The URL a first sign-in redirects to before `onward`."""
    return f"/accounts/first/?next={quote(onward, safe='')}"


def page_text(response: Any, *own: str) -> str:
    """The page as text, without its CSRF token and without the words in `own`."""
    page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode())
    for word in own:
        page = page.replace(word, "…")
    return page


NOT_OURS = re.compile(
    r"Sign In|Sign Up|Sign Out|Signup|Log ?in|E-?mail Address|Verification|Password Reset"
    r"|Re-send|Confirm |example\.com|localhost|testserver|successfully",
)


def check_page(page: str) -> None:
    title = re.search(r"<title>(.*?)</title>", page)
    assert title
    assert re.fullmatch(r"[A-Z][a-z -]+ – Notes", title[1]), title[1]
    main = page[page.index("<main") : page.index("</main>")]
    assert not NOT_OURS.search(main), NOT_OURS.search(main)
    assert main.count("<h1>") == 1
    assert main.count("<form") == main.count("novalidate")
    assert main.count('method="post"') == main.count('name="csrfmiddlewaretoken"')
    assert "placeholder" not in main
    assert "style=" not in page
    for field in re.findall(r"<input[^>]+>", main):
        assert 'type="hidden"' in field or 'type="checkbox"' in field or "autocomplete=" in field
