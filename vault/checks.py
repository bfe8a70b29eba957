from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from vault.key_ring import ring
from vault.wrapped_keys import Key, UsedName

MISSING = (
    "The master key “{name}” is not in VAULT_KEYS, and it wrapped {count} of the stored keys. Put "
    "the old key back, after the ones that are there: letters stay closed without it."
)
WRONG = (
    "The master key “{name}” in VAULT_KEYS is not the one that wrapped the {count} keys stored "
    "under this name. Put the old key back in its place: letters stay closed without it."
)
TWO_KEYS = (
    "The master key “{name}” in VAULT_KEYS does not open {count} of the keys stored under this "
    "name: another one was used too, or they are damaged. “Changing the master key” in "
    "docs/operating.md says what to do. They belong to the accounts {accounts}."
)

USED = (
    "The master key “{name}” in VAULT_KEYS is not the one that sealed sessions and mail under this "
    "name. Put the old key back, or give the new one a name of its own."
)

# How many accounts are named.
NAMED = 5


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
    """Check that VAULT_KEYS holds each master key by which a person's key is wrapped."""
    # Before its migration a table is not there.
    tables = connection.introspection.table_names() if databases else []
    if Key._meta.db_table not in tables:
        return []
    stored, closed = Counter[str](), Counter[str]()
    for (name, fingerprint), count in Key.objects.by_master_key().items():
        stored[name] += count
        closed[name] += _count_closed(name, fingerprint, count)
    used = _used_otherwise(set(stored)) if UsedName._meta.db_table in tables else []
    return used + [
        Error(said.format(name=name, count=closed[name], accounts=_accounts(name)), id=id)
        for name in stored
        if closed[name]
        for id, said in [_problem(name, is_all=closed[name] == stored[name])]
    ]


def _used_otherwise(stored: set[str]) -> list[CheckMessage]:
    """Report the names under which another key has sealed, though it wrapped no person's key."""
    used = UsedName.objects.exclude(name__in=stored).order_by("name")
    return [
        Error(USED.format(name=name), id="vault.E005")
        for name, fingerprint in used.values_list("name", "fingerprint")
        if ring().fingerprints.get(name, fingerprint) != fingerprint
    ]


def _count_closed(name: str, fingerprint: str, count: int) -> int:
    """Count how many of these keys the master key of this name does not open."""
    if fingerprint:
        return 0 if fingerprint == ring().fingerprints.get(name) else count
    keys = Key.objects.without_fingerprint().filter(kek=name)
    return sum(not key.opens() for key in keys.iterator())


def _accounts(name: str) -> str:
    """Name the first accounts whose keys the master key of this name does not open."""
    keys = Key.objects.filter(kek=name).exclude(fingerprint=ring().fingerprints.get(name))
    closed = (str(key.pk) for key in keys.order_by("pk").iterator() if not key.opens())
    first = list(islice(closed, NAMED + 1))
    return ", ".join([*first[:NAMED], "…"][: len(first)])


def _problem(name: str, *, is_all: bool) -> tuple[str, str]:
    if name not in ring().fingerprints:
        return "vault.E002", MISSING
    return ("vault.E003", WRONG) if is_all else ("vault.E004", TWO_KEYS)
