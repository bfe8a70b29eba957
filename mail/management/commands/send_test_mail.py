from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from mail import operator_test_mail
from mail.addresses import CannotBeWritten, check_written_as_typed
from mail.relay import relay_address


class Command(BaseCommand):
    help = "Sends one mail at once, by the same relay as all others, and says what came of it."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address", help="who gets it: an address of your own")

    def handle(self, *args: Any, **options: Any) -> None:
        to = options["address"].strip()
        try:
            validate_email(to)
            check_written_as_typed(to)
        except (ValidationError, CannotBeWritten) as error:
            raise CommandError("That does not look like an email address.") from error
        try:
            operator_test_mail.send(to)
        except operator_test_mail.NotSent as error:
            raise CommandError(f"Not sent. {error}") from error
        self.stdout.write("\n".join(self._report(to)))

    def _report(self, to: str) -> list[str]:
        relay, sender = relay_address(), settings.DEFAULT_FROM_EMAIL
        lines = [f"{relay} has taken a mail from {sender} to {to}."]
        if settings.MAIL_CATCHER:
            return [*lines, "It goes no further: mail is caught here, and shown at /dev/inbox/."]
        if not operator_test_mail.uses_tls():
            lines.append("It went in the clear: fine within this machine, not across a network.")
        return [
            *lines,
            "Whether it arrives, and in which folder, only that mailbox can tell.",
            "It went past the outbox: “status” says whether worker and clock send by themselves.",
        ]
