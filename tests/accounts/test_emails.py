import re
from pathlib import Path

import allauth
import pytest
from django.utils.html import strip_tags
from pytest_django import Settings

from accounts import emails
from accounts.adapter import Adapter
from accounts.emails import Mail

MAILS = [
    emails.confirm_code("48291357"),
    emails.account_exists(),
    emails.no_account(),
    emails.reset_code("48291357"),
    emails.password_changed(),
    emails.account_erased(),
]
STORY = re.compile(
    r"paper boat|letter|step|silen|quiet|heal|reject|journal|therap|help|browser|\bIP\b", re.I
)
# No words of ours: what would send them is switched off, or its page is closed.
NEVER_SENT = {"email_changed", "email_confirm", "email_deleted", "login_code"}
NEVER_SENT |= {"password_reset_key"}


def plain(html: str) -> str:
    return " ".join(strip_tags(html[html.index("<body") :].replace("<br>", " ")).split())


@pytest.mark.parametrize("mail", MAILS, ids=lambda mail: mail.kind)
def test_mail_is_short_and_tells_no_story(mail: Mail) -> None:
    assert len(mail.text.split()) <= 60
    assert len(mail.html.encode()) < 10_000
    assert not STORY.search(mail.subject + mail.text + plain(mail.html))


@pytest.mark.parametrize("mail", MAILS, ids=lambda mail: mail.kind)
def test_mail_begins_with_120_signs_that_say_nothing(mail: Mail) -> None:
    for preview in (mail.text[:120], plain(mail.html)[:120]):
        assert preview.startswith("Hello. ")
        assert not re.search(r"\d|http|erase|confirm", preview)


@pytest.mark.parametrize("mail", MAILS, ids=lambda mail: mail.kind)
def test_mail_says_the_same_in_both_forms(mail: Mail) -> None:
    assert plain(mail.html) == " ".join(mail.text.split())
    assert "\n" not in mail.subject
    assert not re.search(r"<img|<style|<script|src=", mail.html)
    assert "&" not in mail.text


@pytest.mark.parametrize("mail", MAILS, ids=lambda mail: mail.kind)
def test_mail_has_a_subject_that_is_one_of_a_few(mail: Mail) -> None:
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
        "password_changed",
        "password_reset",
        "password_reset_code",
        "password_set",
        "unknown_account",
    }


@pytest.mark.parametrize("name", sorted(NEVER_SENT))
def test_mail_without_our_words_is_never_sent(db: None, name: str) -> None:
    with pytest.raises(LookupError):
        Adapter().send_mail(f"account/email/{name}", "dana@example.org", {"code": "1"})
