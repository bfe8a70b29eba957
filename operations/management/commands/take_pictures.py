import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from operations import pictures


class Command(BaseCommand):
    help = "Photographs every page of the running product into .local/pictures/."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.MAIL_CATCHER:
            raise CommandError("This is for a laptop: it needs the local mail catcher.")
        home = Path(os.environ.get("PAPER_BOAT_HOME", settings.BASE_DIR / ".local"))
        count = pictures.take(home / "pictures", now=timezone.now())
        self.stdout.write(f"{count} pictures in {home / 'pictures'}")
