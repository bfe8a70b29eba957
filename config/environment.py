"""Typed settings from the environment. A value that cannot be used ends the program.

It ends with one sentence, wherever settings are read (manage.py, gunicorn, Celery): the name of the
variable and what to write, never the value, which may be a secret.
"""

import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from email.errors import ObsoleteHeaderDefect
from email.headerregistry import AddressHeader, HeaderRegistry
from pathlib import Path
from typing import NoReturn, TypeVar, cast
from urllib.parse import urlsplit

from dj_database_url import DBConfig
from django.conf.locale import LANG_INFO
from django.core.exceptions import ImproperlyConfigured
from django.http.request import validate_host
from environs import EnvNotSetError, EnvValidationError, FileAwareEnv, validate

from vault.key_ring import parse_ring

Parsed = TypeVar("Parsed")

# As in ALLOWED_HOSTS: a name, a name with its subdomains, or an IPv6 address. Not “*”, any host.
HOST = re.compile(r"\.?[a-z0-9.-]+|\[[a-f0-9:.]+\]", re.IGNORECASE)
# A machine to connect to, by its name or its address.
SERVER = re.compile(r"[\w.-]+|[a-f0-9:.]+", re.IGNORECASE)
DATABASE = "an address such as postgres://user:password@localhost:5432/name"
READABLE = "a text file that this program may open"
MASTER_KEYS = (
    "name:key, newest first, with commas between; put the old key back, because a new one opens "
    "nothing (only a new site makes one, see .env.example)"
)


class Environment:
    """Read a name from the environment, or else from NAME=value lines: in DOTENV, or in `file`.

    NAME_FILE may hold the path of a file with the value instead, as container secrets do. Every
    method raises SystemExit if the value is malformed, or missing without a default.
    """

    def __init__(self, file: Path) -> None:
        self._env = FileAwareEnv(strip_whitespace=True)
        named = os.environ.get("DOTENV")
        try:
            is_read = self._env.read_env(named or file, recurse=False)
        except (OSError, ValueError):
            is_read = False
        # Without DOTENV there may be no file.
        if not is_read and (named or file.exists()):
            _stop(f"{'DOTENV' if named else file} cannot be read: it must be {READABLE}.")

    def text(self, name: str, default: str) -> str:
        with _explained(name, "text"):
            return self._env.str(name, default)

    def secret(self, name: str, *, expected: str) -> str:
        with _explained(name, expected):
            return self._env.str(name, validate=validate.Length(min=1))

    def integer(
        self, name: str, default: int, *, minimum: int = 0, maximum: int | None = None
    ) -> int:
        limits = f"{minimum} or more" if maximum is None else f"from {minimum} to {maximum}"
        with _explained(name, f"a whole number, {limits}"):
            return self._env.int(name, default, validate=validate.Range(minimum, maximum))

    def boolean(self, name: str, default: bool) -> bool:
        with _explained(name, "true or false"):
            return self._env.bool(name, default)

    def choice(self, name: str, default: str, options: Sequence[str]) -> str:
        with _explained(name, f"{', '.join(options[:-1])} or {options[-1]}"):
            return self._env.str(name, default, validate=validate.OneOf(options))

    def folder(self, name: str, default: Path) -> Path:
        # An empty path is the working directory: WhiteNoise would serve .env from there.
        with _explained(name, "the path of a folder"):
            return self._env.path(name, default, validate=validate.NoneOf([Path()]))

    def database(self, name: str, *, max_age: int) -> DBConfig:
        """Return one of Django's DATABASES, on Postgres."""
        with _explained(name, DATABASE):
            config: DBConfig = self._env.dj_db_url(
                name, conn_max_age=max_age, conn_health_checks=True
            )
        has_name = config.get("NAME") or "service" in config.get("OPTIONS", {})
        if config["ENGINE"] != "django.db.backends.postgresql" or not has_name:
            _stop(f"{name} is not valid: write {DATABASE}.")
        return config

    def parsed(
        self,
        name: str,
        parse: Callable[[str], Parsed],
        default: Parsed | None = None,
        *,
        expected: str,
    ) -> Parsed:
        """Return what `parse` makes of the text. It raises ValueError if that is malformed."""
        with _explained(name, expected):
            text = self._env.str(name, None)
        # `SOURCE_URL=` as .env.example has it means none.
        if text == default == "":
            return default
        if text is None:
            return _stop(f"{name} is not set: write {expected}.") if default is None else default
        try:
            return parse(text)
        except ValueError:
            _stop(f"{name} is not valid: write {expected}.")


def _stop(sentence: str) -> NoReturn:
    # The original error may show the value.
    raise SystemExit(sentence) from None


@contextmanager
def _explained(name: str, expected: str) -> Iterator[None]:
    try:
        yield
    except EnvNotSetError:
        _stop(f"{name} is not set: write {expected}.")
    except EnvValidationError:
        _stop(f"{name} is not valid: write {expected}.")
    except (OSError, ValueError):
        _stop(f"{name}_FILE cannot be read: it must be {READABLE}.")


# --- Formats: each raises ValueError if the text is malformed --------------------------------


def parse_languages(text: str, *, original: str) -> list[tuple[str, str]]:
    """Return code and own name of each language, such as ("es", "español"). The one that everything
    is written in must be among them: what is not translated is shown in it."""
    codes = [code.strip().lower() for code in text.split(",") if code.strip()]
    names = {code: info["name_local"] for code, info in LANG_INFO.items() if "name_local" in info}
    if original not in codes or not names.keys() >= set(codes):
        raise ValueError
    return [(code, names[code]) for code in dict.fromkeys(codes)]


def parse_url(text: str) -> str:
    """Check an http or https address."""
    url = urlsplit(text)
    # Reading the port checks it.
    if url.scheme not in {"http", "https"} or not url.hostname or url.port == 0 or " " in text:
        raise ValueError
    return text


def parse_hosts(text: str, *, site: str) -> list[str]:
    """Split names with commas between. One of them must be the host of the site, or the site would
    refuse everyone who opens its own address."""
    hosts = [host.strip() for host in text.split(",") if host.strip()]
    if not all(map(HOST.fullmatch, hosts)) or not validate_host(site, hosts):
        raise ValueError
    return hosts


def parse_server(text: str) -> str:
    if not SERVER.fullmatch(text):
        raise ValueError
    return text


def parse_name(text: str) -> str:
    """Check a name that pages and mails show."""
    if not text:
        raise ValueError
    return parse_header_text(text)


def parse_header_text(text: str) -> str:
    """Check a text that enters the headers of mail: it may not begin another line."""
    if any(unicodedata.category(sign) in {"Cc", "Zl", "Zp"} for sign in text):
        raise ValueError
    return text


def parse_sender(text: str) -> str:
    """Check the sender of a mail: one address, perhaps with a name before it, and nothing else.

    A name with one of the signs ,;:@"<> must be in quotation marks, or no mail can be built.
    """
    try:
        header = HeaderRegistry()("From", parse_header_text(text))
    # The parser of Python 3.11 does so for “Notes <notes@”.
    except IndexError:
        raise ValueError from None
    defects = {type(defect) for defect in header.defects} - {ObsoleteHeaderDefect}
    addresses = cast(AddressHeader, header).addresses
    if defects or len(addresses) != 1:
        raise ValueError
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", addresses[0].addr_spec):
        raise ValueError
    return text


def parse_master_keys(text: str) -> str:
    if not text:
        raise ValueError
    try:
        parse_ring(text)
    except ImproperlyConfigured as error:
        # It names the entry, never the key.
        _stop(f"{str(error).removesuffix('.')}: write {MASTER_KEYS}.")
    return text


def parse_redis_url(text: str) -> str:
    """Check an address that both Celery and the health check can use."""
    url = urlsplit(text)
    if url.scheme not in {"redis", "rediss"} or not url.hostname or url.port == 0:
        raise ValueError
    if not re.fullmatch(r"/?\d*", url.path):
        raise ValueError
    return text
