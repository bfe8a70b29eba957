"""Where counts of tries lie: by a connection of their own, under names that say nothing."""

from typing import Any

from django.utils.crypto import salted_hmac

CACHE = "cache"


class CacheRouter:
    """Django’s cache table goes by its own connection; it is no model that anything refers to."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return CACHE if model._meta.app_label == "django_cache" else None

    db_for_write = db_for_read


def key(name: str, prefix: str, version: int) -> str:
    """Names hold network addresses and ids of people, who may be erased before their counts are."""
    return salted_hmac("config.cache", f"{prefix}:{version}:{name}", algorithm="sha256").hexdigest()
