from typing import Any

CACHE = "cache"


class CacheRouter:
    """Send Django's cache table to a connection of its own, outside a request's transaction.

    Rate limits also count requests that fail (ADR 20).
    """

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return CACHE if model._meta.app_label == "django_cache" else None

    db_for_write = db_for_read
