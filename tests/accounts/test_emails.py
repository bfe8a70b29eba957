import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import allauth
import pytest
import time_machine
from django.utils.html import strip_tags
from pytest_django import Settings

from accounts import emails
from accounts.adapter import CODE_LIFETIME, Adapter
from accounts.models import User
from mail.emails import MailContent
from mail.models import Message
from tests.support.accounts import EVENING, Mails, code_in, sign_in, sign_up
from tests.support.client import PASSWORD, Client
from tests.support.second_factors import reauthenticate

MAILS = {
    "confirm_code": emails.confirm_code("48291357"),
    "account_exists": emails.account_exists(),
    "no_account": emails.no_account(),
    "reset_code": emails.reset_code("48291357"),
    "password_changed": emails.password_changed(),
    "account_erased": emails.account_erased(),
    "app_added": emails.app_added(),
    "app_removed": emails.app_removed(),
    "passkey_added": emails.passkey_added(),
    "passkey_removed": emails.passkey_removed(),
    "codes_made": emails.codes_made(),
    "second_factor_removed": emails.second_factor_removed(),
    "email_changed": emails.email_changed(),
}
STORY = re.compile(
    r"paper boat|letter|step|silen|quiet|heal|reject|journal|therap|help|browser|\bIP\b", re.I
)
# Without texts of ours: the features that would send them are off.
NEVER_SENT = {"email_confirm", "email_deleted", "login_code"}
NEVER_SENT |= {"password_reset_key"}


def plain(html: str) -> str:
    return " ".join(strip_tags(html[html.index("<body") :].replace("<br>", " ")).split())


@pytest.mark.parametrize("mail", MAILS.values(), ids=MAILS)
def test_mail_is_short_and_tells_no_story(mail: MailContent) -> None:
    assert len(mail.text.split()) <= 60
    assert len(mail.html.encode()) < 10_000
    assert not STORY.search(mail.subject + mail.text + plain(mail.html))


@pytest.mark.parametrize("mail", MAILS.values(), ids=MAILS)
def test_mail_begins_with_120_signs_that_say_nothing(mail: MailContent) -> None:
    for preview in (mail.text[:120], plain(mail.html)[:120]):
        assert preview.startswith("Hello. ")
        assert not re.search(r"\d|http|erase|confirm", preview)


@pytest.mark.parametrize("mail", MAILS.values(), ids=MAILS)
def test_mail_says_the_same_in_both_forms(mail: MailContent) -> None:
    assert plain(mail.html) == " ".join(mail.text.split())
    assert "\n" not in mail.subject
    assert not re.search(r"<img|<style|<script|src=", mail.html)
    assert "&" not in mail.text


@pytest.mark.parametrize("mail", MAILS.values(), ids=MAILS)
def test_mail_has_a_subject_that_is_one_of_a_few(mail: MailContent) -> None:
    assert mail.subject in {
        "Your code",
        "Your account",
        "Your password",
        "About your account",
        "About your request",
    }


def test_links_lead_to_the_configured_site(settings: Settings) -> None:
    settings.SITE_URL = "https://notes.example.org"

    found = re.findall(r"https?://\S+", emails.account_exists().text)

    assert found == [
        "https://notes.example.org/accounts/login/",
        "https://notes.example.org/accounts/password/reset/",
    ]


def test_every_mail_of_allauth_has_our_words_or_is_never_sent() -> None:
    folder = Path(allauth.__file__).parent / "templates" / "account" / "email"
    theirs = {path.name.removesuffix("_subject.txt") for path in folder.glob("*_subject.txt")}

    assert theirs - NEVER_SENT <= {
        "account_already_exists",
        "email_confirmation",
        "email_confirmation_signup",
        "email_changed",
        "password_changed",
        "password_reset",
        "password_reset_code",
        "password_set",
        "unknown_account",
    }


@pytest.mark.usefixtures("fresh_limits")
def test_mail_with_a_code_does_not_outlive_the_code(
    client: Client, carol: User, settings: Settings
) -> None:
    with time_machine.travel(EVENING, tick=False):
        sign_up(client)
        for email in (carol.email, "nobody@example.org"):
            Client().post("/accounts/password/reset/", {"email": email})

    assert CODE_LIFETIME.total_seconds() == settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT
    assert CODE_LIFETIME.total_seconds() == settings.ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT
    assert dict(Message.objects.values_list("kind", "closes_at")) == {
        "account.confirm_code": EVENING + CODE_LIFETIME,
        "account.no_account": None,
        "account.reset_code": EVENING + CODE_LIFETIME,
    }


@pytest.mark.parametrize("name", sorted(NEVER_SENT))
def test_mail_without_our_words_is_never_sent(db: None, name: str) -> None:
    with pytest.raises(LookupError):
        Adapter().send_mail(f"account/email/{name}", "dana@example.org", {"code": "1"})


# --- Links do not depend on the Host header --------------------------------------------------

ELSEWHERE = [
    {"X-Forwarded-Host": "evil.example"},
    {"X-Forwarded-Server": "evil.example", "X-Host": "evil.example"},
    {"Forwarded": "host=evil.example;proto=https"},
    {"X-Original-URL": "https://evil.example/", "X-Forwarded-Prefix": "//evil.example"},
    {"Referer": "https://evil.example/", "Origin": "https://evil.example"},
]
# Every mail that a page causes, except the last one of an account.
CAUSED = {
    "account.confirm_code",
    "account.account_exists",
    "account.no_account",
    "account.reset_code",
    "account.password_changed",
    "account.email_changed",
}


@pytest.fixture
def site(settings: Settings) -> str:
    """The site's address. Pages also answer to a second allowed host."""
    settings.SITE_URL = "https://notes.example.org"
    settings.SITE = urlsplit(settings.SITE_URL)
    return str(settings.SITE.hostname)


def cause_every_mail(person: User, mails: Mails, claims: dict[str, str]) -> None:
    """Cause every such mail: sign-ups, password resets, a new address, a new password."""
    with time_machine.travel(EVENING, tick=False) as clock:
        for email in ("dana@example.org", person.email):
            sign_up(Client(headers=claims), email)
        # Our own limit lets no second mail leave within ten seconds.
        clock.shift(timedelta(seconds=11))
        for email in ("nobody@example.org", person.email):
            Client(headers=claims).post("/accounts/password/reset/", {"email": email})
        inside = Client(headers=claims)
        sign_in(inside, person.email)
        reauthenticate(inside)
        clock.shift(timedelta(seconds=11))
        inside.post("/accounts/email/", {"email": "new@example.org"})
        clock.shift(timedelta(seconds=11))
        inside.post("/accounts/confirm-email/", {"code": code_in(mails()[-1])})
        changed = {"oldpassword": PASSWORD, "password1": "another quiet harbour"}
        inside.post("/accounts/password/change/", changed)


@pytest.mark.usefixtures("fresh_limits")
@pytest.mark.parametrize("claims", ELSEWHERE, ids=lambda claims: next(iter(claims)))
def test_mail_names_no_site_but_ours(
    carol: User, mails: Mails, site: str, claims: dict[str, str]
) -> None:
    cause_every_mail(carol, mails, claims)

    assert set(Message.objects.values_list("kind", flat=True)) == CAUSED
    whole = "".join(
        f"{mail.message().items()}{mail.body}{mail.alternatives[0][0]}" for mail in mails()
    )
    assert set(re.findall(r"//([^/\s\"'<>]+)", whole)) == {site}
    assert "evil" not in whole
    assert "testserver" not in whole


@pytest.mark.parametrize("door", ["/accounts/signup/", "/accounts/password/reset/"])
def test_door_of_another_site_sends_no_mail(carol: User, door: str) -> None:
    elsewhere = Client(HTTP_HOST="evil.example", raise_request_exception=False)

    answer = elsewhere.post(door, {"email": carol.email, "password1": PASSWORD, "consent": "on"})

    assert answer.status_code == 400
    assert not Message.objects.exists()
