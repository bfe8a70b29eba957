"""Counts that cannot be written raise, and are never taken for a limit."""

import pytest
from django.core.cache import cache
from django.db import DatabaseError, connections

from mail.models import Message
from tests.support.client import PASSWORD, Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def writes_refused() -> None:
    """A database on a disk that takes nothing more. Statements that only read are answered."""
    cache.clear()
    with connections["cache"].cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE disk_full; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON cache"
            " FOR EACH ROW EXECUTE FUNCTION refuse()"
        )


@pytest.mark.usefixtures("writes_refused")
@pytest.mark.parametrize("method", [cache.add, cache.set])
def test_count_that_cannot_be_written_raises(method: object) -> None:
    with pytest.raises(DatabaseError) as raised:
        method("tries", 1)  # type: ignore[operator]

    assert getattr(raised.value.__cause__, "sqlstate", "") == "53100"


def test_key_that_exists_is_no_failure() -> None:
    assert cache.add("tries", 1)
    assert not cache.add("tries", 2)
    assert cache.touch("tries", 60)
    assert not cache.touch("no such", 60)
    assert cache.get("tries") == 1


SIGN_UP = {"email": "dana@example.org", "password1": PASSWORD, "consent": "on"}
FORMS = {
    "/accounts/signup/": SIGN_UP,
    "/accounts/login/": {"login": "dana@example.org", "password": "a wrong password"},
    "/accounts/password/reset/": {"email": "dana@example.org"},
}


@pytest.mark.usefixtures("writes_refused")
@pytest.mark.parametrize("address", FORMS)
def test_form_that_cannot_be_counted_is_not_refused_as_one_too_many(address: str) -> None:
    """On a full disk people read that we cannot take it now, and not that they tried too often."""
    browser = Client(raise_request_exception=False)

    response = browser.post(address, FORMS[address])

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "30"
    assert "Something broke on our side" in response.text
    for untrue in ("No mail was sent this time", "several tries", "That was quick"):
        assert untrue not in response.text
    assert not Message.objects.exists()
