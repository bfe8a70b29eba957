from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.db import connection

from safety.contact import link_to
from safety.postgres_logging import QUIET


@register(Tags.security, deploy=True)
def leave_url_is_elsewhere(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """“Leave now” must end on another site, over https."""
    to = urlsplit(settings.LEAVE_URL)
    if to.scheme == "https" and to.hostname and to.hostname != settings.SITE.hostname:
        return []
    hint = "Set it to a page that everyone opens and that shows nothing personal."
    return [Error("LEAVE_URL must be an https address of another site.", hint, id="safety.E001")]


@register(Tags.security, deploy=True)
def operator_is_named(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """People who trust a place with this much are told whose it is, or that nobody says so."""
    names = ("OPERATOR_NAME", "OPERATOR_CONTACT")
    silent = [name for name in names if not getattr(settings, name).strip()]
    if not silent:
        return []
    hint = "Until then the pages say that whoever runs this place has not said who they are."
    return [Caution(f"{' and '.join(silent)}: not said.", hint, id="safety.W001")]


@register(Tags.security, deploy=True)
def holes_can_be_reported(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    if link_to(settings.SECURITY_CONTACT) or not settings.OPERATOR_CONTACT.strip():
        return []
    hint = "Set SECURITY_CONTACT to an email address or an https link."
    return [Caution("/.well-known/security.txt has nobody to name.", hint, id="safety.W002")]


@register(Tags.database, deploy=True)
def postgres_logs_no_words(
    *, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Asked for by `check --deploy --database default`."""
    if not databases:
        return []
    with connection.cursor() as cursor:
        wanted = "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)"
        cursor.execute(wanted, [list(QUIET)])
        said = dict(cursor.fetchall())
    return [_not_quiet(name, said.get(name)) for name in QUIET if said.get(name) != QUIET[name]]


def _not_quiet(name: str, said: str | None) -> CheckMessage:
    return Caution(
        f"Postgres may write what people keep here into its log: {name} is “{said}”.",
        f"Put the line {name} = {QUIET[name]} into postgresql.conf, or run "
        f"ALTER SYSTEM SET {name} = '{QUIET[name]}' and SELECT pg_reload_conf().",
        id="safety.W010",
    )
