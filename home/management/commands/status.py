from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from home.health import OK, report


class Command(BaseCommand):
    help = "Says how each part is. Exits non-zero when one of them needs a look."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        _ready, parts = report(timezone.now())
        for name, said in parts.items():
            self.stdout.write(f"{name}: {said}")
        ill = [name for name, said in parts.items() if said != OK]
        if ill:
            raise CommandError(f"Needs a look: {', '.join(ill)}.")
