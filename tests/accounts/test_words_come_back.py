"""What someone wrote is never lost at a door that has closed meanwhile."""

from uuid import uuid4

import pytest
from django.utils.html import escape

from accounts.models import User
from journal.models import Letter
from tests.conftest import PASSWORD, Client

WORDS = "I kept <b>checking</b> & checking.\n\nThen I slept."


def sent(**more: str) -> dict[str, str]:
    return {"id": str(uuid4()), "to": "M.", "body": WORDS} | more


def test_letter_sent_after_the_session_ended_comes_back(as_alice: Client) -> None:
    as_alice.post("/accounts/logout/")

    page = as_alice.post(
        "/journal/write/", sent(), headers={"Referer": "http://testserver/journal/write/"}
    )

    assert page.status_code == 403
    assert page.headers["Cache-Control"] == "no-store, private"
    assert f">\n{escape(WORDS)}</textarea>" in page.content.decode()
    assert "/accounts/login/?next=/journal/write/" in page.content.decode()
    assert not Letter.objects.exists()


def test_form_without_words_leads_to_the_door(client: Client, db: None) -> None:
    page = client.post("/steps/4/mark/", {"state": "settled"})

    assert page.status_code == 302
    assert page.headers["Location"] == "/accounts/login/?next=/steps/4/mark/"


def test_password_is_never_shown_again(client: Client, db: None) -> None:
    page = client.post("/you/privacy/erase/", {"password": PASSWORD})

    assert page.status_code == 302
    assert PASSWORD not in page.content.decode()


@pytest.mark.parametrize("token", [{}, {"csrfmiddlewaretoken": "x" * 64}], ids=["none", "wrong"])
def test_letter_sent_from_a_page_too_old_comes_back(alice: User, token: dict[str, str]) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)

    page = strict.post("/journal/write/", sent(**token))

    assert page.status_code == 403
    assert "That page had waited too long" in page.content.decode()
    assert f">\n{escape(WORDS)}</textarea>" in page.content.decode()
    assert not Letter.objects.exists()
