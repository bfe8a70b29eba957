from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from operations.demo_account import EMAIL, PASSWORD, create_demo_account


class Command(BaseCommand):
    help = "Fills a local database with one believable account. Refuses where mail really leaves."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.MAIL_CATCHER:
            raise CommandError("This is for a laptop: it needs the local mail catcher.")
        create_demo_account(now=timezone.now())
        self.stdout.write(f"Sign in as {EMAIL} with the password: {PASSWORD}")
