from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.invitations import INVITATION_LASTS, invite, link_to


class Command(BaseCommand):
    help = "Makes invitations and prints their links. Each lets one person open an account."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--count", type=int, default=1, help="how many (1)")
        parser.add_argument(
            "--days", type=int, default=INVITATION_LASTS.days, help="how long each is good (14)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if min(options["count"], options["days"]) < 1:
            raise CommandError("--count and --days begin at 1. No invitation was made.")
        invitations = invite(count=options["count"], days=options["days"], now=timezone.now())
        for invitation in invitations:
            self.stdout.write(link_to(invitation))
