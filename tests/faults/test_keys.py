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
from vault.key_ring import new_keyset

WORDS = "I kept checking if you had seen it."
SEALED = ("journal_letter", "vault_key", "accounts_profile", "healing_answer")
MADE = (*SEALED, "accounts_user", "account_emailaddress", "vault_session", "mail_message")


@pytest.fixture
def visitor(deployment: Deployment) -> Visitor:
    return deployment.person("alice")


def _rows(deployment: Deployment, *tables: str) -> list[tuple[Any, ...]]:
    everything = "SELECT * FROM {} ORDER BY 1"
    return [row for table in tables for row in deployment.sql(everything.format(table))]


def _sign_in(visitor: Visitor, email: str) -> None:
    form = visitor.get("/accounts/login/").form("/accounts/login/")
    page = visitor.post("/accounts/login/", form | {"login": email, "password": PASSWORD})
    assert page.status == 302


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["k9"], "a master key is missing"),
        # Under a name of its own: the one of the case before has sealed sessions by another key.
        (["k8", "k1"], "a master key is not the one it was"),
    ],
    ids=["missing", "wrong"],
)
def test_letters_stay_unreadable_until_the_key_is_back(
    deployment: Deployment, visitor: Visitor, names: list[str], said: str
) -> None:
    kept = visitor.keep(visitor.desk(WORDS))
    before = _rows(deployment, *SEALED)
    wrong = {"VAULT_KEYS": ",".join(f"{name}:{new_keyset()}" for name in names)}
    web, other = deployment.extra_web("wrong-key", **wrong)
    web.start()
    wait_for(other.is_answered, "the web server")

    # The session cannot be opened, so nobody is signed in, and nothing that was sent is shown.
    other.cookies = dict(visitor.cookies)
    page = other.keep(visitor.desk("the ferry at nine"))
    assert page.status == 403
    assert "the ferry at nine" not in page.text
    other.cookies.clear()
    _sign_in(other, visitor.email)
    sheet = {"id": kept.location.split("/")[2], "version": "1", "body": "the ferry at nine"}
    page = other.get(kept.location)
    assert page.status == 200
    assert "We cannot open this" in words_in(page)
    assert WORDS not in words_in(page)
    page = other.post(kept.location, _token(other) | sheet)
    assert page.status == 503
    assert "Your key does not open" in words_in(page)
    assert "the ferry at nine</textarea>" in page.text
    page = other.keep(other.desk("the ferry at nine"))
    assert page.status == 503
    assert "the ferry at nine</textarea>" in page.text
    for address in ("/", "/today/", "/journal/", "/steps/", "/you/", "/help/"):
        assert other.get(address).status == 200
    ready = other.get("/readyz")
    assert (ready.status, said in ready.text) == (200, True)
    assert _command(deployment, "status", **wrong).returncode != 0
    assert _rows(deployment, *SEALED) == before

    # The server with the right key opens everything.
    assert WORDS in words_in(visitor.get(kept.location))
    assert "a master key" not in deployment.stranger().get("/readyz").text


def test_wrong_key_under_a_known_name_makes_and_seals_nothing(
    deployment: Deployment, visitor: Visitor
) -> None:
    """As after `python -m vault k1` for a site that had a k1 before."""
    kept = visitor.keep(visitor.desk(WORDS))
    before = _rows(deployment, *MADE)
    wrong = {"VAULT_KEYS": f"k1:{new_keyset()}"}
    web, other = deployment.extra_web("other-key", **wrong)
    web.start()
    wait_for(other.is_answered, "the web server")

    # Her session does not open, so nobody is signed in. What was sent is neither shown nor sealed.
    other.cookies = dict(visitor.cookies)
    page = other.keep(visitor.desk("the ferry at nine"))
    assert page.status == 403
    assert "the ferry at nine" not in page.text
    assert "sealed_form" not in page.text
    other.cookies.clear()
    for address, typed in (
        ("/accounts/login/", {"login": visitor.email, "password": PASSWORD}),
        (
            "/accounts/signup/",
            {"email": "new@example.org", "password1": PASSWORD, "consent": "on"},
        ),
        ("/accounts/password/reset/", {"email": visitor.email}),
    ):
        page = other.post(address, other.get(address).form(address) | typed)
        assert (page.status, page.is_calm, page.headers["Retry-After"]) == (503, True, "30")
    for address in ("/", "/steps/", "/steps/1/", "/learn/signs/", "/help/"):
        assert other.get(address).status == 200
    assert "a master key is not the one it was" in other.get("/readyz").text
    for command in ("status", "vault_rewrap", "create_operator --email new@example.org"):
        done = _command(deployment, command, **wrong)
        assert done.returncode == 1
        assert "Put the old key back" in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
    assert web.logged("the first of VAULT_KEYS is not the key it was: put the old key back")
    assert _rows(deployment, *MADE) == before

    assert WORDS in words_in(visitor.get(kept.location))


def _token(visitor: Visitor) -> dict[str, str]:
    sheet = visitor.get("/journal/write/them/").form("/journal/write/them/")
    return {"csrfmiddlewaretoken": sheet["csrfmiddlewaretoken"]}


def _command(deployment: Deployment, command: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *command.split()],
        cwd=ROOT,
        env=deployment.environment | more,
        input=f"{PASSWORD}\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "VAULT_KEYS"),
        ("k1:nonsense", "VAULT_KEYS: entry 1 is not a key: write name:key"),
        (f"{'k' * 41}:", "VAULT_KEYS: the name of entry 1 is not 1 to 40 of"),
    ],
    ids=["none", "nonsense", "name"],
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
