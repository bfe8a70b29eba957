"""Every mail about an account. None says what the product is about, where it was asked for from
or what anyone wrote; the first lines are neutral, because lock screens show them."""

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


def account_erased() -> Words:
    return words(f"{FOLDER}/account_erased")


def _reset_link() -> str:
    return link("account_reset_password")
