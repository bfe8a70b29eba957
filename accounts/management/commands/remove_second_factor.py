from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.formats import date_format

from accounts.actions import remove_second_factor
from accounts.management.terminal import agrees
from accounts.mfa.adapter import has_second_factor
from accounts.models import User, UserManager

KINDS = {Authenticator.Type.TOTP: "Authenticator app", Authenticator.Type.WEBAUTHN: "Passkey"}
BE_SURE = """\
Be sure first that it is they who ask. The second step is what keeps out whoever reads their
mail, and whoever reads their mail can write to you from there.

* Speak with them, and not by mail alone.
* Ask what they would know and another would not, such as the days above and with what device.
* When in doubt, leave it. What they wrote is not lost by that.

Afterwards their password is enough, or a code sent to their mailbox for a new one. They are
signed out everywhere, and a mail tells them.
"""


class Command(BaseCommand):
    help = (
        "Removes the second step of an account, for somebody who has lost phone and recovery "
        "codes: apps, passkeys and codes. Says first what to be sure of, and asks."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the address of the account")
        parser.add_argument(
            "--sure",
            action="store_true",
            help="you are sure that it is they who ask: remove it without asking",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        person = _somebody(options["email"])
        self._say_what_there_is(person)
        self.stdout.write(BE_SURE)
        if not (options["sure"] or agrees(f"Remove the second step of {person.email}?")):
            raise CommandError("Nothing was changed. With --sure it is not asked.")
        if not remove_second_factor(person=person, now=timezone.now()):
            raise CommandError(f"{person.email} has no second step any more. Nothing was changed.")
        self.stdout.write(
            "It is removed. Tell them to sign in, and to set up a new one under “Coming in”."
        )

    def _say_what_there_is(self, person: User) -> None:
        self.stdout.write(f"{person.email} joined on {_day(person.joined_at)}.")
        rows = Authenticator.objects.filter(user=person, type__in=KINDS)
        for row in rows.order_by("created_at", "pk"):
            made_in = f", {row.data['name']}" if row.data.get("name") else ""
            self.stdout.write(f"{KINDS[row.type]}: {_day(row.created_at)}{made_in}")
        self.stdout.write("")


def _day(at: datetime) -> str:
    return date_format(at, "j F Y")


def _somebody(email: str) -> User:
    """Whose account it is. Raises CommandError where there is nothing to remove."""
    person = User.objects.filter(email=UserManager.normalize_email(email)).first()
    if person is None:
        raise CommandError(f"No account has the address {email}.")
    if not has_second_factor(person):
        raise CommandError(f"{person.email} has no second step: its password is enough already.")
    return person
