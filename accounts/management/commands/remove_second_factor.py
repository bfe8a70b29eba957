from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.local_times import day
from accounts.management.confirm import confirm
from accounts.mfa.actions import remove_second_factor
from accounts.mfa.adapter import has_second_factor
from accounts.models import User, UserManager

NAMES = {Authenticator.Type.TOTP: "Authenticator app", Authenticator.Type.WEBAUTHN: "Passkey"}
WARNING = """\
Be sure first that it is they who ask. Two-step sign-in keeps out somebody who reads their
mail, and somebody who reads their mail can write to you from there.

* Speak with them, and not by mail alone.
* Ask what they would know and another would not, such as the days above and with what device.
* When in doubt, leave it. What they wrote is not lost by that.

Afterwards their password is enough, or a code sent to their mailbox for a new one. They are
signed out everywhere, and a mail tells them.
"""


class Command(BaseCommand):
    help = (
        "Turns two-step sign-in off for somebody who has lost phone and recovery codes: removes "
        "apps, passkeys and codes. Says first what to be sure of, and asks."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the address of the account")
        parser.add_argument(
            "--sure",
            action="store_true",
            help="you are sure that it is they who ask: remove it without asking",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        person = _person(options["email"])
        self._print_account(person)
        self.stdout.write(WARNING)
        if not (options["sure"] or confirm(f"Turn two-step sign-in off for {person.email}?")):
            raise CommandError("Nothing was changed. With --sure it is not asked.")
        if not remove_second_factor(person=person, now=timezone.now()):
            raise CommandError(
                f"{person.email} does not use two-step sign-in any more. Nothing was changed."
            )
        self.stdout.write(
            "It is off. Tell them to sign in, and to set it up again under “Sign-in and security”."
        )

    def _print_account(self, person: User) -> None:
        self.stdout.write(f"{person.email} joined on {day(person.joined_at)}.")
        rows = Authenticator.objects.filter(user=person, type__in=NAMES)
        for row in rows.order_by("created_at", "pk"):
            made_in = f", {row.data['name']}" if row.data.get("name") else ""
            self.stdout.write(f"{NAMES[row.type]}: {day(row.created_at)}{made_in}")
        self.stdout.write("")


def _person(email: str) -> User:
    """Return the account with this address. Raises CommandError if it has no second factor."""
    person = User.objects.filter(email=UserManager.normalize_email(email)).first()
    if person is None:
        raise CommandError(f"No account has the address {email}.")
    if not has_second_factor(person):
        raise CommandError(
            f"{person.email} does not use two-step sign-in: its password is enough already."
        )
    return person
