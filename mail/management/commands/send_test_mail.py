from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from mail import delivery_check


class Command(BaseCommand):
    help = "Sends one mail at once, by the same relay as all others, and says what came of it."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address", help="who gets it: an address of your own")

    def handle(self, *args: Any, **options: Any) -> None:
        to = options["address"].strip()
        try:
            validate_email(to)
        except ValidationError as error:
            raise CommandError("That does not look like an email address.") from error
        try:
            delivery_check.send(to)
        except delivery_check.NotSent as error:
            raise CommandError(f"Not sent. {error}") from error
        self.stdout.write("\n".join(self._said(to)))

    def _said(self, to: str) -> list[str]:
        said = [
            f"{delivery_check.place()} has taken a mail from {settings.DEFAULT_FROM_EMAIL} to {to}."
        ]
        if settings.MAIL_CATCHER:
            return [*said, "It goes no further: mail is caught here, and shown at /dev/inbox/."]
        if not delivery_check.secured():
            said.append("It went in the clear: fine within this machine, not across a network.")
        return [
            *said,
            "Whether it arrives, and in which folder, only that mailbox can tell.",
            "It went past the outbox: “status” says whether worker and clock send by themselves.",
        ]
