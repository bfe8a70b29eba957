"""The database cache for rate limits: its connection and its keys (ADR 20)."""

from typing import Any

from django.utils.crypto import salted_hmac

CACHE = "cache"


class CacheRouter:
    """Send Django's cache table to a connection of its own, outside a request's transaction."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return CACHE if model._meta.app_label == "django_cache" else None

    db_for_write = db_for_read


def key(name: str, prefix: str, version: int) -> str:
    """Hash the name: it holds an IP address or the id of a person, who may be erased by now."""
    return salted_hmac("config.cache", f"{prefix}:{version}:{name}", algorithm="sha256").hexdigest()
