"""Another master key, or none: letters stay unreadable and untouched, and the rest works."""

import subprocess
import sys
from typing import Any

import pytest

from local.folder import ROOT
from tests.faults.deployment import Deployment
from tests.faults.visitor import Visitor, words_in
from tests.support.client import PASSWORD
from tests.support.waiting import PATIENCE, wait_for
from vault.sealing import new_keyset

WORDS = "I kept checking if you had seen it."
SEALED = ("journal_letter", "vault_key", "accounts_profile", "healing_answer")


@pytest.fixture
def visitor(deployment: Deployment) -> Visitor:
    return deployment.person("alice")


def _rows(deployment: Deployment) -> list[tuple[Any, ...]]:
    everything = "SELECT * FROM {} ORDER BY 1"
    return [row for table in SEALED for row in deployment.sql(everything.format(table))]


def _sign_in(visitor: Visitor, email: str) -> None:
    form = visitor.get("/accounts/login/").form("/accounts/login/")
    page = visitor.post("/accounts/login/", form | {"login": email, "password": PASSWORD})
    assert page.status == 302


@pytest.mark.parametrize("name", ["k1", "k9"], ids=["wrong", "missing"])
def test_letters_stay_unreadable_until_the_key_is_back(
    deployment: Deployment, visitor: Visitor, name: str
) -> None:
    kept = visitor.keep(visitor.desk(WORDS))
    before = _rows(deployment)
    wrong = {"VAULT_KEYS": f"{name}:{new_keyset()}"}
    web, other = deployment.extra_web("wrong-key", **wrong)
    web.start()
    wait_for(other.is_answered, "the web server")

    # The session cannot be opened, so nobody is signed in, and nothing that was sent is shown.
    other.cookies = dict(visitor.cookies)
    page = other.keep(visitor.desk("not kept yet"))
    assert page.status == 403
    assert "not kept yet" not in page.text
    other.cookies.clear()
    _sign_in(other, visitor.email)
    sheet = {"id": kept.location.split("/")[2], "version": "1", "body": "not kept yet"}
    page = other.get(kept.location)
    assert page.status == 200
    assert "We cannot open this" in words_in(page)
    assert WORDS not in words_in(page)
    page = other.post(kept.location, _token(other) | sheet)
    assert page.status == 503
    assert "Your key does not open" in words_in(page)
    assert "not kept yet</textarea>" in page.text
    page = other.keep(other.desk("not kept yet"))
    assert page.status == 503
    assert "not kept yet</textarea>" in page.text
    for address in ("/", "/today/", "/journal/", "/steps/", "/you/", "/help/"):
        assert other.get(address).status == 200
    ready = other.get("/readyz")
    assert (ready.status, "a master key is missing" in ready.text) == (200, True)
    assert name != "k9" or _status(deployment, **wrong) != 0
    assert _rows(deployment) == before

    # The server with the right key opens everything.
    assert WORDS in words_in(visitor.get(kept.location))
    assert "a master key is missing" not in deployment.stranger().get("/readyz").text


def _token(visitor: Visitor) -> dict[str, str]:
    sheet = visitor.get("/journal/write/them/").form("/journal/write/them/")
    return {"csrfmiddlewaretoken": sheet["csrfmiddlewaretoken"]}


def _status(deployment: Deployment, **more: str) -> int:
    done = subprocess.run(
        [sys.executable, "manage.py", "status"],
        cwd=ROOT,
        env=deployment.environment | more,
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )
    return done.returncode


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "VAULT_KEYS"),
        ("k1:nonsense", "VAULT_KEYS: entry 1 is not a key: write name:key"),
    ],
    ids=["none", "nonsense"],
)
def test_without_a_key_the_web_server_does_not_start(
    deployment: Deployment, given: str, said: str
) -> None:
    web, visitor = deployment.extra_web("no-key", VAULT_KEYS=given)
    web.start()
    assert web.process

    assert web.process.wait(PATIENCE) != 0
    assert web.logged(said)
    assert not visitor.is_answered()
