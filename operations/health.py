"""Health checks: /healthz says that the process runs, /readyz whether it can serve (ADR 14).

Only a missing database or migration is 503. A part that delays mail or makes letters unreadable is
“degraded” with 200: without it most pages work, and a load balancer must not remove them.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from mail import sending as mail
from mail.models import Heartbeat, Message
from reminders import actions as reminders
from safety import help_pages
from vault.checks import ring_opens_what_is_stored

BEAT_IS_LATE_AFTER = timedelta(minutes=2)
MAIL_IS_LATE_AFTER = timedelta(minutes=15)
REDIS_SECONDS = 1
# By the id of the error that `check --database default` reports, with the key's name.
KEY_PROBLEMS = {
    "vault.E002": "a master key is missing",
    "vault.E003": "a master key is not the one it was",
    "vault.E004": "two master keys were used under one name",
}
# Updated by the tasks that beat starts.
HEARTBEATS = (mail.HEARTBEAT, reminders.HEARTBEAT)

OK = "ok"
Report = dict[str, str]


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(missing)} migrations are missing" if missing else OK


def _keys(now: datetime) -> str:
    ids = {error.id for error in ring_opens_what_is_stored(databases=["default"])}
    return ", ".join(said for id, said in KEY_PROBLEMS.items() if id in ids) or OK


def _redis(now: datetime) -> str:
    try:
        with redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=REDIS_SECONDS, socket_timeout=REDIS_SECONDS
        ) as client:
            client.ping()
    # ValueError: not a Redis URL.
    except (redis.RedisError, ValueError) as error:
        return f"not answering ({type(error).__name__})"
    return OK


def _beat(now: datetime) -> str:
    ages = Heartbeat.objects.ages(now)
    unseen = [name for name in HEARTBEATS if name not in ages]
    if unseen:
        return f"not seen yet: {', '.join(unseen)}"
    oldest = max(ages.values())
    if oldest < BEAT_IS_LATE_AFTER:
        return OK
    return f"last seen {int(oldest.total_seconds())} seconds ago"


def _mail(now: datetime) -> str:
    held_up = Message.objects.held_up()
    if held_up:
        return "; ".join(f"{count} wait: {why} ({reply})" for why, reply, count in held_up[:3])
    lag = Message.objects.lag(now)
    return OK if lag < MAIL_IS_LATE_AFTER else f"{int(lag.total_seconds())} seconds late"


# A failure of these is “degraded”.
DEGRADING: dict[str, Callable[[datetime], str]] = {
    "keys": _keys,
    "redis": _redis,
    "beat": _beat,
    "mail": _mail,
}


def _rate_limits(now: datetime) -> str:
    tables = connection.introspection.table_names()
    return OK if settings.CACHES["default"]["LOCATION"] in tables else "their table is missing"


def _files(now: datetime) -> str:
    collected = Path(settings.STATIC_ROOT, ManifestFilesMixin.manifest_name).exists()
    return OK if collected and help_pages.read_all() else "not collected"


# Steps of the installation: only `status` checks them.
INSTALLATION: dict[str, Callable[[datetime], str]] = {"limits": _rate_limits, "files": _files}


def report(now: datetime) -> tuple[bool, Report]:
    """Return whether the site can serve, and OK or the problem of each part."""
    try:
        parts = {"database": OK, "migrations": _migrations()}
        if parts["migrations"] != OK:
            return False, parts
        return True, parts | {name: check(now) for name, check in DEGRADING.items()}
    except DatabaseError as error:
        return False, {"database": f"not answering ({type(error).__name__})"}


@login_not_required
@require_safe
@transaction.non_atomic_requests
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse(OK, content_type="text/plain")


@login_not_required
@require_safe
@transaction.non_atomic_requests
def readyz(request: HttpRequest) -> HttpResponse:
    ready, parts = report(timezone.now())
    degraded = any(problem != OK for problem in parts.values())
    state = "unready" if not ready else "degraded" if degraded else "ready"
    return JsonResponse({"state": state} | parts, status=200 if ready else 503)
