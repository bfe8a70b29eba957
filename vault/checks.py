from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from vault.models import Key
from vault.sealing import CannotOpen, ring


@register(Tags.security)
def ring_is_readable(**kwargs: Any) -> Sequence[CheckMessage]:
    try:
        ring()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="vault.E001")]
    return []


@register(Tags.database)
def ring_opens_what_is_stored(
    *, databases: Sequence[str] | None = None, **kwargs: Any
) -> Sequence[CheckMessage]:
    """Check that each master key in use is in VAULT_KEYS and unwraps one key."""
    # Before the first migration there is no table.
    if not databases or Key._meta.db_table not in connection.introspection.table_names():
        return []
    errors: list[CheckMessage] = []
    for kek in Key.objects.values_list("kek", flat=True).distinct():
        key = Key.objects.filter(kek=kek)[:1].get()
        try:
            key.unwrap()
        except CannotOpen:
            errors.append(
                Error(
                    f"The master key “{key.kek}” is missing from VAULT_KEYS or is not the one that "
                    "wrapped the stored keys. Letters stay closed until it is back.",
                    id="vault.E002",
                )
            )
    return errors
