"""The boat as it leaves the server: one page for everybody, which knows nobody."""

import re
from datetime import datetime
from urllib.parse import unquote

import pytest
from django.conf import settings

from accounts.models import User
from safety import signed_in_cookie
from tests.support.client import Client
from tests.support.template_files import STATIC
from vault.sessions import Session, cookie_for

# Around it are the places of who reads it.
AROUND = re.compile(r"(?s)<(header|footer).*?</\1>")


@pytest.fixture
def visitor() -> Client:
    """Somebody without an account. Without the `db` fixture, any statement fails the test."""
    return Client(raise_request_exception=False)


def test_boat_sets_no_cookie_and_asks_no_database(visitor: Client) -> None:
    visitor.cookies[settings.SESSION_COOKIE_NAME] = cookie_for("of-somebody-signed-in")
    visitor.cookies[signed_in_cookie.name()] = signed_in_cookie.VALUE

    page = visitor.get("/boat/")

    assert page.status_code == 200
    assert 'href="/today/"' in page.text
    assert not page.cookies
    assert visitor.post("/boat/", {"words": "words"}).status_code == 405


def test_boat_records_no_visit_and_looks_the_same(
    visitor: Client, as_alice: Client, alice: User, now: datetime
) -> None:
    as_alice.get("/today/")
    User.objects.update(last_visit_at=None)
    sessions = list(Session.objects.values_list())

    hers, anyones = as_alice.get("/boat/").text, visitor.get("/boat/").text

    alice.refresh_from_db()
    assert alice.last_visit_at is None
    assert list(Session.objects.values_list()) == sessions
    assert AROUND.sub("", hers).replace("/journal/write/plain/", "?paper=plain").replace(
        " It is a letter in your journal.", ""
    ) == AROUND.sub("", anyones)


def test_boat_after_leaving_is_the_page_of_a_visitor(as_alice: Client) -> None:
    as_alice.get("/today/")
    as_alice.cookies["left"] = "1"

    assert 'href="/today/"' not in as_alice.get("/boat/").text


def test_boat_has_a_field_that_is_sent_nowhere(visitor: Client) -> None:
    page = visitor.get("/boat/").text

    (field,) = re.findall("<textarea .*?>", page)
    assert "<form" not in page
    assert " name=" not in field
    assert {
        'autocomplete="off"',
        'spellcheck="false"',
        'translate="no"',
        'writingsuggestions="false"',
    } <= set(field.split())
    # Without a script there is none: what stands in a template is not on the page.
    assert field not in re.sub("(?s)<template.*?</template>", "", page)
    assert re.findall(r"/js/(\w+)\.", page) == ["leave", "boat", "boat"]


def test_why_askers_are_offered_the_facts_beside_it(visitor: Client) -> None:
    page, facts = visitor.get("/boat/").text, visitor.get("/boat/?paper=plain").text

    assert "Facts only, a plain day" in page
    assert 'href="?paper=plain"' in page
    assert "what the sky did" in facts
    assert 'href="/boat/"' in facts


def test_icon_in_the_page_is_the_icon_of_the_site(visitor: Client) -> None:
    found = re.search(
        '<link rel="icon" href="data:image/svg.xml,(.*?)">', visitor.get("/boat/").text
    )

    assert found
    assert unquote(found[1]).replace("'", '"') == (STATIC / "img" / "icon.svg").read_text().strip()


def test_boat_is_light(visitor: Client) -> None:
    page = visitor.get("/boat/", headers={"Accept-Encoding": "gzip"})

    assert page.headers["Content-Encoding"] == "gzip"
    assert len(page.content) <= 6_000
    # The page says that it is short, and links it.
    assert len((STATIC / "js" / "boat.js").read_text().splitlines()) <= 50
