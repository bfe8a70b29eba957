"""Every mail about an account. None says what the product is about, where it was asked for from
or what anyone wrote; the first lines are neutral, because lock screens show them."""

from django.conf import settings
from django.utils.translation import gettext as _

from mail.emails import Words, link, words

FOLDER = "account/email"


def confirm_code(code: str) -> Words:
    return words(f"{FOLDER}/confirm_code", code=code)


def account_exists() -> Words:
    folder = f"{FOLDER}/account_exists"
    return words(folder, login_url=link("account_login"), reset_url=_reset_link())


def no_account() -> Words:
    return words(f"{FOLDER}/no_account")


def reset_code(code: str) -> Words:
    return words(f"{FOLDER}/reset_code", code=code)


def password_changed() -> Words:
    return words(f"{FOLDER}/password_changed", reset_url=_reset_link())


def app_added() -> Words:
    return _changed(_("Signing in now also asks for a code from an app."))


def app_removed() -> Words:
    return _changed(_("Signing in no longer asks for a code from an app."))


def passkey_added() -> Words:
    return _changed(_("There is a new passkey that can be used to sign in."))


def passkey_removed() -> Words:
    return _changed(_("A passkey is gone and no longer signs anyone in."))


def codes_made() -> Words:
    return _changed(_("There are new recovery codes, and the old ones no longer work."))


def second_factor_removed() -> Words:
    return _changed(_("As we were asked, signing in takes the password alone again."))


def email_changed() -> Words:
    """To the address from before. It does not say which one is in use now."""
    ask = settings.OPERATOR_CONTACT or link("healing:about")
    return words(f"{FOLDER}/email_changed", ask=ask)


def account_erased() -> Words:
    return words(f"{FOLDER}/account_erased")


def _changed(what: str) -> Words:
    return words(f"{FOLDER}/changed", what=what, reset_url=_reset_link())


def _reset_link() -> str:
    return link("account_reset_password")
