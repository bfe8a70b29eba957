"""Mails about an account. None reveals what the product is about, where the request came from or
what anybody wrote; subjects and first lines are neutral, because lock screens show them."""

from django.conf import settings
from django.utils.translation import gettext as _

from mail.emails import MailContent, absolute_url, render

FOLDER = "account/email"


def confirm_code(code: str) -> MailContent:
    return render(f"{FOLDER}/confirm_code", code=code)


def account_exists() -> MailContent:
    folder = f"{FOLDER}/account_exists"
    return render(folder, login_url=absolute_url("account_login"), reset_url=_reset_link())


def no_account() -> MailContent:
    return render(f"{FOLDER}/no_account")


def reset_code(code: str) -> MailContent:
    return render(f"{FOLDER}/reset_code", code=code)


def password_changed() -> MailContent:
    return render(f"{FOLDER}/password_changed", reset_url=_reset_link())


def app_added() -> MailContent:
    return _changed(_("Signing in now also asks for a code from an app."))


def app_removed() -> MailContent:
    return _changed(_("Signing in no longer asks for a code from an app."))


def passkey_added() -> MailContent:
    return _changed(_("There is a new passkey that can be used to sign in."))


def passkey_removed() -> MailContent:
    return _changed(_("A passkey is gone and no longer signs anyone in."))


def codes_made() -> MailContent:
    return _changed(_("There are new recovery codes, and the old ones no longer work."))


def second_factor_removed() -> MailContent:
    return _changed(_("As we were asked, signing in takes the password alone again."))


def email_changed() -> MailContent:
    """Goes to the old address, and does not name the new one."""
    ask = settings.OPERATOR_CONTACT or absolute_url("healing:about")
    return render(f"{FOLDER}/email_changed", ask=ask)


def account_erased() -> MailContent:
    return render(f"{FOLDER}/account_erased")


def _changed(what: str) -> MailContent:
    return render(f"{FOLDER}/changed", what=what, reset_url=_reset_link())


def _reset_link() -> str:
    return absolute_url("account_reset_password")
