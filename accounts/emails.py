"""Every mail about an account. None says what the product is about, where it was asked for from
or what anyone wrote; the first lines are neutral, because lock screens show them."""

from dataclasses import dataclass

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse


@dataclass(frozen=True)
class Mail:
    """One mail, rendered in the language that is active."""

    kind: str
    subject: str
    text: str
    html: str


def confirm_code(code: str) -> Mail:
    return _mail("confirm_code", code=code)


def account_exists() -> Mail:
    return _mail("account_exists", login_url=_link("account_login"), reset_url=_reset_link())


def no_account() -> Mail:
    return _mail("no_account")


def reset_code(code: str) -> Mail:
    return _mail("reset_code", code=code)


def password_changed() -> Mail:
    return _mail("password_changed", reset_url=_reset_link())


def account_erased() -> Mail:
    return _mail("account_erased")


def _mail(name: str, **words: str) -> Mail:
    folder = f"account/email/{name}"
    words["discreet_name"] = settings.DISCREET_NAME
    return Mail(
        kind=f"account.{name}",
        subject=render_to_string(f"{folder}/subject.txt", words).strip(),
        text=render_to_string(f"{folder}/body.txt", words).strip() + "\n",
        html=render_to_string(f"{folder}/body.html", words),
    )


def _reset_link() -> str:
    return _link("account_reset_password")


def _link(name: str) -> str:
    # Never from the request: a forged Host header must not end up in anyone's mailbox.
    return f"{settings.SITE_URL}{reverse(name)}"
