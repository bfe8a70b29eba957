"""Names that are stored keep their meaning when modules move: what yesterday's code has stored is
still signed in, still opens and is still sent.

tests/vectors/before_the_move.json holds rows, cookies and links as the code made them before its
modules moved. Every later version must read them, so the file is never made again. Names that must
not change are written here as literals, not taken from the modules that use them.
"""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
import time_machine
from django.apps import apps
from django.conf import settings as django_settings
from django.core import serializers
from django.core.signing import Signer
from pytest_django import Settings
from pytest_django.asserts import assertContains, assertRedirects

from accounts.models import User
from config.celery import app as celery
from mail.models import Message
from mail.sending import send_due
from tests.support import smtp
from tests.support.client import PASSWORD, Client
from tests.support.second_factors import code_of
from vault.key_ring import ring
from vault.sealing import unpack
from vault.sessions import Session

STORED = json.loads((Path(__file__).parent / "vectors" / "before_the_move.json").read_text())
AT = datetime.fromisoformat(STORED["at"])
APP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

BACKEND = "accounts.backend.Backend"
# Of each model that seals, and of what is sealed elsewhere: bytes open for their own purpose only.
PURPOSES = {
    "accounts.Profile": "accounts.profile",
    "healing.Answer": "healing.answer",
    "healing.Draft": "healing.draft",
    "journal.Letter": "journal.letter",
    "journal.Opening": "journal.opening",
    "journal.Revision": "journal.revision",
    "pause.Pause": "pause.pause",
}
# Messages to tasks may wait in Redis, and beat sends them by these names.
TASKS = {
    "accounts.tasks.drop_expired_entries",
    "accounts.tasks.tidy",
    "journal.tasks.let_go_for_good",
    "journal.tasks.tell",
    "mail.tasks.send_due",
    "mail.tasks.tidy",
    "pause.tasks.delete_old",
    "reminders.tasks.plan",
}


@pytest.fixture
def stored(transactional_db: None, settings: Settings) -> None:
    """A site as it was, with its keys and its rows."""
    settings.SECRET_KEY, settings.VAULT_KEYS = STORED["SECRET_KEY"], STORED["VAULT_KEYS"]
    for row in serializers.deserialize("json", json.dumps(STORED["rows"])):
        row.save()


@pytest.fixture
def dana(stored: None) -> User:
    return User.objects.get(email="dana@example.org")


@pytest.fixture
def browser(stored: None) -> Client:
    """Dana's, signed in since before the move."""
    client = Client()
    client.cookies.load(STORED["cookies"])
    return client


def rows(model: str) -> list[dict[str, Any]]:
    return [row for row in STORED["rows"] if row["model"] == model]


@time_machine.travel(AT, tick=False)
def test_session_is_still_signed_in(browser: Client) -> None:
    assertContains(browser.get("/today/"), "Quillonda")
    [letter] = [row for row in rows("journal.letter") if row["fields"]["state"] == "kept"]
    assertContains(browser.get(f"/journal/{letter['pk']}/"), "the lighthouse at Varr")
    assertContains(browser.get("/steps/1/filling-in/"), "marzipan")
    assertContains(browser.get("/journal/write/them/"), "The kitchen was quiet when")
    # It was sealed for no row in particular, and is sealed for its own now.
    [stored] = [row["fields"]["session_data"] for row in rows("vault.session")]
    assert Session.objects.get().session_data != stored


@time_machine.travel(AT, tick=False)
def test_locked_session_opens_with_the_password_and_the_app(browser: Client, dana: User) -> None:
    browser.get("/leave/")
    assert "/reauthenticate/" in browser.get("/today/").headers["Location"]

    browser.post("/accounts/2fa/reauthenticate/", {"code": code_of(APP_SECRET)})

    assertContains(browser.get("/today/"), "Quillonda")


@time_machine.travel(AT, tick=False)
def test_session_names_its_backend_and_its_proofs_as_before(dana: User) -> None:
    contents = Session.objects.of(dana).get().get_decoded()

    assert contents["_auth_user_backend"] == BACKEND
    assert [BACKEND] == django_settings.AUTHENTICATION_BACKENDS
    assert [proof["method"] for proof in contents["account_authentication_methods"]] == [
        "password",
        "mfa",
    ]


def test_links_and_cookies_are_signed_with_the_salts_they_always_had(stored: None) -> None:
    [session], [invitation] = rows("vault.session"), rows("accounts.invitation")

    assert Signer(salt="vault.sessions").sign(session["pk"]) == STORED["cookies"]["n"]
    token = Signer(salt="accounts.invitations").sign(UUID(invitation["pk"]).hex)
    assert urlsplit(STORED["invitation"]).path == f"/join/{token}/"


@time_machine.travel(AT, tick=False)
def test_browser_is_idle_since_the_moment_its_cookie_names(browser: Client) -> None:
    """A script sets it, bound to the session: without it, an hour without requests locks."""
    [session] = rows("vault.session")
    later = AT + timedelta(hours=1)
    signer = Signer(salt=f"accounts.lock.{session['pk']}")
    browser.cookies["s"] = signer.sign(str(int(later.timestamp())))

    with time_machine.travel(later, tick=False):
        assert browser.get("/today/").status_code == 200


@time_machine.travel(AT, tick=False)
def test_link_of_an_invitation_still_invites(stored: None, settings: Settings) -> None:
    settings.REGISTRATION = "invitation"

    answer = Client().get(urlsplit(STORED["invitation"]).path)

    assertRedirects(answer, "/accounts/signup/", fetch_redirect_response=False)


@time_machine.travel(AT, tick=False)
def test_every_purpose_is_named_as_before(dana: User) -> None:
    assert {
        model._meta.label: model.purpose for model in apps.get_models() if hasattr(model, "purpose")
    } == PURPOSES
    for label, purpose in PURPOSES.items():
        for row in apps.get_model(label)._default_manager.filter(owner=dana):
            assert unpack(dana.key.open(purpose, row.pk, row.sealed))
    [message] = Message.objects.filter(kind="account.reset_code")
    assert unpack(ring().open("mail.payload", message.pk, message.payload))
    [session] = Session.objects.of(dana)
    assert session.get_decoded()


def test_queued_mail_of_every_kind_is_still_sent(stored: None, settings: Settings) -> None:
    with smtp.running() as sink:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
        assert send_due(clock=lambda: AT) == 3

    assert set(Message.objects.values_list("kind", "state")) == {
        ("account.reset_code", "sent"),
        ("reminder", "sent"),
        ("set aside", "sent"),
    }
    assert sorted(str(mail["Subject"]) for mail in sink.mails) == [
        "A reminder for you",
        "Something you put away",
        "Your code",
    ]


def test_link_that_stops_notes_still_stops_them(stored: None) -> None:
    [schedule] = rows("reminders.schedule")

    answer = Client().post(f"/r/{schedule['fields']['token']}/", {"List-Unsubscribe": "One-Click"})

    assert answer.status_code == 200
    assert not apps.get_model("reminders.Schedule").objects.filter(stopped_at=None).exists()


def test_tasks_are_registered_by_the_names_that_messages_carry() -> None:
    celery.loader.import_default_modules()

    assert set(celery.tasks) >= TASKS
    assert {entry["task"] for entry in celery.conf.beat_schedule.values()} == TASKS


def test_password_still_signs_in(stored: None, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    client = Client()

    answer = client.post("/accounts/login/", {"login": "erin@example.org", "password": PASSWORD})

    assertRedirects(answer, "/today/", fetch_redirect_response=False)
    assert UUID(client.session["_auth_user_id"])
