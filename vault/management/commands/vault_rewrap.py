from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from vault import rewrap
from vault.key_ring import ring
from vault.primary_key_check import CannotSeal


class Command(BaseCommand):
    help = "Wraps every person's key by the first key of VAULT_KEYS. Safe to stop and run again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = rewrap.rewrap(dry_run=options["dry_run"])
        except CannotSeal as error:
            raise CommandError(str(error)) from error
        verb = "would be" if options["dry_run"] else "now"
        self.stdout.write(f"{count.rewrapped} keys {verb} wrapped by {ring().primary}.")
        if count.unreadable:
            raise CommandError(
                f"{count.unreadable} keys open with none of VAULT_KEYS and were left as they are. "
                "Add the master key that wrapped them, then run this again."
            )
