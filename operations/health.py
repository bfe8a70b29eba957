"""Health checks: /healthz says that the process runs, /readyz whether it can serve (ADR 14).

Only a missing database or migration is 503. A part that delays mail or makes letters unreadable is
“degraded” with 200: without it most pages work, and a load balancer must not remove them.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from mail import sending as mail
from mail.models import Heartbeat, Message
from operations import write_probes
from operations.write_probes import OK
from reminders import actions as reminders
from safety import collected_files_mark
from vault.checks import ring_opens_what_is_stored

BEAT_IS_LATE_AFTER = timedelta(minutes=2)
MAIL_IS_LATE_AFTER = timedelta(minutes=15)
REDIS_SECONDS = 1
# By the id of the error that `check --database default` reports, with the key's name.
KEY_PROBLEMS = {
    "vault.E002": "a master key is missing",
    "vault.E003": "a master key is not the one it was",
    "vault.E004": "two master keys were used under one name, or a key is damaged",
}
# Updated by the tasks that beat starts.
HEARTBEATS = (mail.HEARTBEAT, reminders.HEARTBEAT)

Report = dict[str, str]
Check = Callable[[datetime], str]


def _database(now: datetime) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return OK


def _migrations(now: datetime) -> str:
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
    oldest = max(ages[name] for name in HEARTBEATS)
    if oldest < BEAT_IS_LATE_AFTER:
        return OK
    return f"last seen {int(oldest.total_seconds())} seconds ago"


def _mail(now: datetime) -> str:
    held_up = Message.objects.held_up()
    if held_up:
        return "; ".join(f"{count} wait: {why} ({reply})" for why, reply, count in held_up[:3])
    lag = Message.objects.lag(now)
    return OK if lag < MAIL_IS_LATE_AFTER else f"{int(lag.total_seconds())} seconds late"


def _limits(now: datetime) -> str:
    tables = connection.introspection.table_names()
    return OK if settings.CACHES["default"]["LOCATION"] in tables else "their table is missing"


def _files(now: datetime) -> str:
    return collected_files_mark.problem() or OK


# Without these no page for a signed-in person works. They depend on each other, in this order.
NEEDED: dict[str, Check] = {"database": _database, "migrations": _migrations}
# A failure of these is “degraded”.
IN_DATABASE: dict[str, Check] = {
    "writes": write_probes.database,
    "limits": _limits,
    "keys": _keys,
    "beat": _beat,
    "mail": _mail,
}
ELSEWHERE: dict[str, Check] = {"redis": _redis, "files": _files, "disk": write_probes.disk}


def report(now: datetime) -> tuple[bool, Report]:
    """Return whether the site can serve, and OK or the problem of each part.

    Every part is looked at afresh, and none keeps the others from being reported.
    """
    parts: Report = {}
    for name, check in NEEDED.items():
        parts[name] = _state(check, now)
        if parts[name] != OK:
            return False, parts | {name: _state(check, now) for name, check in ELSEWHERE.items()}
    # What one check breaks in a transaction must not reach the next.
    apart = {name: transaction.atomic(check) for name, check in IN_DATABASE.items()}
    checks = apart | ELSEWHERE
    return True, parts | {name: _state(check, now) for name, check in checks.items()}


def _state(check: Check, now: datetime) -> str:
    try:
        return check(now)
    except DatabaseError as error:
        return write_probes.named(error) or f"not answering ({type(error).__name__})"
    # Whatever is wrong is what this is asked for.
    except Exception as error:
        return f"cannot be looked at ({type(error).__name__})"


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
