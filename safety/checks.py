from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import connection

from safety.contact_link import contact_link
from safety.postgres_logging import LOG_SETTINGS


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
    """Without name and contact, the pages say that the operator is unknown."""
    names = ("OPERATOR_NAME", "OPERATOR_CONTACT")
    unset = [name for name in names if not getattr(settings, name).strip()]
    if not unset:
        return []
    hint = "Until then the pages say that the people who run this site have not said who they are."
    return [CheckWarning(f"{' and '.join(unset)}: not said.", hint, id="safety.W001")]


@register(Tags.security, deploy=True)
def vulnerabilities_can_be_reported(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    if contact_link(settings.SECURITY_CONTACT) or not settings.OPERATOR_CONTACT.strip():
        return []
    hint = "Set SECURITY_CONTACT to an email address or an https link."
    return [CheckWarning("/.well-known/security.txt has nobody to name.", hint, id="safety.W002")]


@register(Tags.security, deploy=True)
def proxies_are_counted(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """The right number cannot be seen from here, only what it must be for the usual setups."""
    count = settings.TRUSTED_PROXY_COUNT
    if count == 0 and settings.HTTPS:
        hint = "Write 1 with Caddy or nginx in front. Without one, nothing here speaks https."
        said = "TRUSTED_PROXY_COUNT is 0, and SITE_URL is https: pages redirect to themselves."
        return [CheckWarning(said, hint, id="safety.W003")]
    if count > 1:
        hint = "Write 1 unless another proxy of yours stands before Caddy or nginx."
        said = f"TRUSTED_PROXY_COUNT is {count}: with fewer proxies nobody can sign in."
        return [Info(said, hint, id="safety.I001")]
    return []


@register(Tags.database, deploy=True)
def postgres_logs_no_words(
    *, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Runs with `check --deploy --database default`."""
    if not databases:
        return []
    with connection.cursor() as cursor:
        query = "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)"
        cursor.execute(query, [list(LOG_SETTINGS)])
        actual = dict(cursor.fetchall())
    return [
        _log_setting_warning(name, actual.get(name))
        for name, wanted in LOG_SETTINGS.items()
        if actual.get(name) != wanted
    ]


def _log_setting_warning(name: str, actual: str | None) -> CheckMessage:
    return CheckWarning(
        f"Postgres may write what people keep here into its log: {name} is “{actual}”.",
        f"Put the line {name} = {LOG_SETTINGS[name]} into postgresql.conf, or run "
        f"ALTER SYSTEM SET {name} = '{LOG_SETTINGS[name]}' and SELECT pg_reload_conf().",
        id="safety.W010",
    )
