import tomllib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from accounts.models import User
from mail.models import Message, State
from operations.health import report
from operations.write_probes import OK

# For an operator who was woken up.
REMEDIES = {
    "database": "Does Postgres run, and does DATABASE_URL lead to it?",
    "migrations": "Run “migrate”: start compose or the prepare unit again.",
    "writes": "Make room on Postgres’s disk: “df -h”. Until then nothing is saved, and nobody can"
    " sign up. If it is read-only, find out who made it so.",
    "limits": "Run “createcachetable”. Until then nobody can sign in.",
    "files": "Run “collectstatic”, then start the web server again. Until then pages may have no"
    " styles, and help pages may be old.",
    "disk": "Make room on this machine: “df -h”, and “df -i” for the number of files.",
    "keys": "Put the old key back into VAULT_KEYS: “check --database default” names it. Until then "
    "letters stay closed.",
    "redis": "Does Redis run, and does REDIS_URL lead to it? Mail waits; a code that waits for more"
    " than ten minutes has to be asked for again.",
    "beat": "Do worker and beat run? After a start they take up to two minutes.",
    "mail": "Try “send_test_mail” with your own address: it says why mail does not leave. The"
    " worker’s log names a fault of our own.",
}
SIGN_UP = {
    "open": "open to anyone",
    "invitation": "by invitation",
    "closed": "closed",
}
RECENT = timedelta(days=1)


class Command(BaseCommand):
    help = "Says how each part is, and what to do where one needs a look; then it exits non-zero."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        self.stdout.write(f"version: {_version()}, at {settings.SITE_URL}")
        ready, parts = report(now)
        for name, problem in parts.items():
            advice = "" if problem == OK else f". {REMEDIES[name]}"
            self.stdout.write(f"{name}: {problem}{advice}")
        if ready:
            self._write_facts(now)
        failed = [name for name, problem in parts.items() if problem != OK]
        if failed:
            raise CommandError(f"Needs a look: {', '.join(failed)}.")

    def _write_facts(self, now: datetime) -> None:
        try:
            for line in _facts(now):
                self.stdout.write(line)
        except DatabaseError as error:
            self.stdout.write(f"the rest cannot be counted: {type(error).__name__}")


def _version() -> str:
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


def _facts(now: datetime) -> Iterator[str]:
    """Yield lines that inform and cannot fail."""
    yield f"sign-up: {SIGN_UP[settings.REGISTRATION]} (REGISTRATION={settings.REGISTRATION})"
    operators = User.objects.filter(is_staff=True, is_active=True).count()
    yield f"operators: {operators}{'' if operators else '. Run “create_operator”.'}"
    waiting = Message.objects.pending().filter(due_at__lte=now).count()
    recent = Message.objects.filter(ended_at__gt=now - RECENT)
    failed = recent.filter(state__in=(State.FAILED, State.UNKNOWN)).count()
    sent = recent.filter(state=State.SENT).count()
    yield f"mail of the last day: {sent} sent, {failed} not; {waiting} due now"
