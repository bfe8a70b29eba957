"""allauth does not promise any of this: a failure here names what an upgrade has changed."""

import ast
import inspect
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.forms import ChangePasswordForm
from allauth.mfa.base.forms import BaseAuthenticateForm
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.webauthn.forms import AuthenticateWebAuthnForm
from django.conf import settings
from django.core.cache import cache
from django.test import RequestFactory

from accounts import allauth_internals
from accounts.allauth_internals import (
    CodeState,
    authentication_records,
    pending_login,
    user_of_login_stage,
)
from accounts.models import User
from tests.support.accounts import RESET, Mails, code_in, sign_in, sign_up
from tests.support.client import Client
from tests.support.second_factors import AUTHENTICATE, code_of, give_app, reauthenticate

pytestmark = pytest.mark.usefixtures("fresh_limits")

MEND = "Read allauth's changelog, then mend accounts/allauth_internals.py and what uses it."

# What we call, and the parameters it had when we wrote the call.
PARAMETERS = {
    allauth_internals.add_email: "request, form",
    allauth_internals.clear_login: "request",
    allauth_internals.did_recently_reauthenticate: "request",
    allauth_internals.record_authentication: "request, user, method, **extra_data",
    allauth_internals.sync_user_email_address: "user",
    allauth_internals.validate_can_add_authenticator: "user",
    allauth_internals.EmailVerificationProcess.resume: "request",
    allauth_internals.EmailVerificationProcess.abort: "self",
    allauth_internals.PasswordResetVerificationProcess.resume: "request",
    allauth_internals.PasswordResetVerificationProcess.abort: "self",
    allauth_internals.RecoveryCodes: "instance",
    allauth_internals.RecoveryCodes.generate_seed: "",
    allauth_internals.RecoveryCodes.get_unused_codes: "self",
    allauth_internals.ratelimit.consume: (
        "request, *, app, action, config, key, user, dry_run, limit_get, raise_exception"
    ),
    allauth_internals.ratelimit.clear: "request, *, app, action, config, key, user",
    allauth_internals.ratelimit.RateLimitUsage.rollback: "self",
    allauth_internals.totp.clear_totp_secret: "request",
    allauth_internals.totp.format_hotp_value: "value",
    allauth_internals.totp.generate_totp_secret: "length",
    allauth_internals.totp.get_totp_secret: "regenerate",
    allauth_internals.totp.hotp_value: "secret, counter",
    allauth_internals.totp.yield_hotp_counters_from_time: "",
    allauth_internals.webauthn.begin_authentication: "user",
    allauth_internals.webauthn.begin_registration: "user, passwordless",
    allauth_internals.webauthn.clear_state: "",
    allauth_internals.webauthn.get_server: "",
    allauth_internals.webauthn.get_state: "",
    # What we override or call in our subclasses.
    AuthenticateView._build_forms: "self",
    AuthenticationBackend._authenticate_by_email: "self, email, password",
    AuthenticationBackend._check_password: "self, user, password",
    ChangePasswordForm.clean_oldpassword: "self",
    DefaultAccountAdapter._get_login_attempts_cache_key: "self, request, **credentials",
    BaseAuthenticateForm.clean_code: "self",
    AuthenticateWebAuthnForm.clean_credential: "self",
}

# Stored sessions contain these keys: a renamed one would lose proofs and codes, and a lock would no
# longer clear the proofs.
SESSION_KEYS = {
    "AUTHENTICATION_METHODS_SESSION_KEY": "account_authentication_methods",
    "EMAIL_VERIFICATION_CODE_SESSION_KEY": "account_email_verification_code",
    "LOGIN_SESSION_KEY": "account_login",
    "PASSWORD_RESET_VERIFICATION_SESSION_KEY": "account_password_reset_verification",
    "REAUTHENTICATION_STATE_SESSION_KEY": "account_reauthentication_state",
}


def parameters_of(function: Any) -> str:
    written, only_by_name = [], False
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not only_by_name:
            written.append("*")
            only_by_name = True
        stars = "**" if parameter.kind is parameter.VAR_KEYWORD else ""
        written.append(f"{stars}{parameter.name}")
    return ", ".join(written)


@pytest.mark.parametrize("function", PARAMETERS, ids=lambda function: function.__qualname__)
def test_parameters_are_the_ones_we_call_it_with(function: Any) -> None:
    found, expected = parameters_of(function), PARAMETERS[function]

    assert found == expected, f"{function.__qualname__} takes ({found}) now. {MEND}"


@pytest.mark.parametrize("name", SESSION_KEYS)
def test_session_key_is_the_one_in_sessions_of_today(name: str) -> None:
    found, expected = getattr(allauth_internals, name), SESSION_KEYS[name]

    assert found == expected, f"{name} is {found!r} now, and was {expected!r}. {MEND}"


def test_code_of_a_sign_up_has_the_state_we_read(client: Client, mails: Mails) -> None:
    before = time.time()
    sign_up(client)

    state: CodeState = client.session[allauth_internals.EMAIL_VERIFICATION_CODE_SESSION_KEY]

    assert before <= state["at"] <= time.time(), f"`at` is no longer a time in seconds. {MEND}"
    assert state["email"] == "dana@example.org"
    assert state["user_id"] == str(User.objects.get(email="dana@example.org").pk)
    assert state["resend_count"] == 0


def test_code_of_a_sign_up_counts_how_often_it_was_sent(client: Client, mails: Mails) -> None:
    sign_up(client)
    # Our own limit lets no second mail leave within ten seconds.
    cache.clear()
    client.post("/accounts/confirm-email/", {"action": "resend"})

    state: CodeState = client.session[allauth_internals.EMAIL_VERIFICATION_CODE_SESSION_KEY]

    assert state["resend_count"] == 1, MEND


def test_code_of_a_reset_records_that_it_was_entered(
    client: Client, carol: User, mails: Mails
) -> None:
    client.post(RESET, {"email": carol.email})
    key = allauth_internals.PASSWORD_RESET_VERIFICATION_SESSION_KEY
    sent: CodeState = client.session[key]
    client.post(f"{RESET}confirm/", {"code": code_in(mails()[-1])})

    confirmed: CodeState = client.session[key]

    assert (sent["user_id"], sent["email"]) == (str(carol.pk), carol.email)
    assert not sent.get("code_confirmed")
    assert confirmed["code_confirmed"] is True
    assert confirmed["at"] > sent["at"], f"`at` no longer restarts when the code is entered. {MEND}"


def test_pending_login_names_its_user_and_stage(client: Client, carol: User) -> None:
    give_app(carol)
    before = time.time()
    assert sign_in(client, carol.email).headers["Location"] == AUTHENTICATE

    request = RequestFactory().get("/")
    request.session = client.session
    login = pending_login(request)

    assert login is not None, f"The session holds no pending login any more. {MEND}"
    assert (login.user_pk, login.stage) == (carol.pk.hex, AuthenticateStage.key)
    assert before <= login.initiated_at <= time.time()


def test_new_session_has_no_pending_login(client: Client, db: None) -> None:
    request = RequestFactory().get("/")
    request.session = client.session

    assert pending_login(request) is None
    assert user_of_login_stage(request) is None


def test_user_of_a_pending_login_is_known_on_the_page_for_the_second_factor(
    client: Client, carol: User
) -> None:
    """From `request._login_stage`: without it the seed of their app cannot be opened."""
    secret = give_app(carol)
    sign_in(client, carol.email)
    page = client.get(AUTHENTICATE)

    assert user_of_login_stage(page.wsgi_request) == carol, MEND
    assert client.post(AUTHENTICATE, {"code": code_of(secret)}).status_code == 302


def test_proofs_are_recorded_with_method_and_time(as_carol: Client, carol: User) -> None:
    request = RequestFactory().get("/")
    before = time.time()
    reauthenticate(as_carol)
    request.session = as_carol.session

    first, *_others, last = authentication_records(request, carol)

    assert (first["method"], last["method"]) == ("password", "password")
    assert before <= last["at"] <= time.time()
    assert authentication_records(request, User()) == []


def test_lock_clears_the_proofs(as_carol: Client) -> None:
    reauthenticate(as_carol)
    assert allauth_internals.AUTHENTICATION_METHODS_SESSION_KEY in as_carol.session

    as_carol.get("/leave/")

    assert allauth_internals.AUTHENTICATION_METHODS_SESSION_KEY not in as_carol.session


def our_modules() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "*.py"], cwd=settings.BASE_DIR, check=True, capture_output=True
    )
    return [settings.BASE_DIR / name for name in listed.stdout.decode().split()]


def imported_by(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def test_nothing_else_imports_allauth_internals() -> None:
    only = settings.BASE_DIR / "accounts" / "allauth_internals.py"
    paths = {path for path in our_modules() if path.exists()}

    guilty = {
        f"{path.relative_to(settings.BASE_DIR)}: {name}"
        for path in paths - {only}
        for name in imported_by(path)
        if name.startswith("allauth.") and (".internal" in name or name.endswith("_SESSION_KEY"))
    }

    assert only in paths
    assert guilty == set()


def test_second_factor_kinds_are_the_ones_stored() -> None:
    assert {*Authenticator.Type} == {"recovery_codes", "totp", "webauthn"}, MEND
