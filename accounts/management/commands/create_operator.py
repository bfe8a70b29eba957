import getpass
import sys
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse
from django.utils import timezone

from accounts.actions import make_operator, open_operator_account
from accounts.forms import MailedAddressField, NewPasswordField
from accounts.management.confirm import confirm
from accounts.models import User
from vault.primary_key_check import CannotSeal


class Command(BaseCommand):
    help = (
        "Makes the account of an operator, who may use the admin, before any mail works. Asks for "
        "address and password; without a terminal the password is the first line of its input."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", help="the address; asked for where it is not said")
        parser.add_argument(
            "--promote",
            action="store_true",
            help="make the account that has this address already an operator, without asking",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        email = self._address(options["email"])
        person = User.objects.filter(email=email).first()
        if person is None:
            self._open_account(email)
            self.stdout.write(f"{email} is an operator now.")
        elif person.is_superuser and person.is_staff and person.is_active and _is_verified(person):
            self.stdout.write(f"{email} is an operator already. Nothing was changed.")
        else:
            self._promote(person, asked=not options["promote"])
        self._print_next_steps()

    def _address(self, option: str | None) -> str:
        if option is None and not sys.stdin.isatty():
            raise CommandError("Say whose account it is: --email you@example.org")
        try:
            return str(MailedAddressField().clean(option or input("Email address: ")))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error

    def _open_account(self, email: str) -> None:
        password = self._password(email)
        try:
            open_operator_account(email=email, password=password, now=timezone.now())
        except CannotSeal as error:
            raise CommandError(str(error)) from error

    def _promote(self, person: User, *, asked: bool) -> None:
        if asked and not confirm(f"{person.email} has an account. Make it an operator’s?"):
            raise CommandError("Nothing was changed. With --promote it is not asked.")
        if _is_verified(person):
            make_operator(person=person)
            self.stdout.write(f"{person.email} is an operator now, with the password it has.")
            return
        # Somebody else may have signed up with this address, and would know the password.
        self.stdout.write("Its address was never confirmed, so it gets a password of yours.")
        make_operator(person=person, password=self._password(person.email))
        self.stdout.write(f"{person.email} is an operator now.")

    def _password(self, email: str) -> str:
        if not sys.stdin.isatty():
            return _validated(sys.stdin.readline().rstrip("\r\n"), email)
        while True:
            try:
                password = _validated(getpass.getpass("Password: "), email)
            except CommandError as error:
                self.stderr.write(str(error))
                continue
            if getpass.getpass("Once more: ") == password:
                return password
            self.stderr.write("These two differ. Try again.")

    def _print_next_steps(self) -> None:
        site = settings.SITE_URL
        self.stdout.write(
            f"Next: sign in at {site}{reverse('account_login')} and set up two-step sign-in at "
            f"{site}{reverse('mfa_index')}; then {site}{reverse('admin:index')} opens."
        )


def _is_verified(person: User) -> bool:
    addresses = EmailAddress.objects.filter(user=person, email=person.email, verified=True)
    return bool(addresses.exists())


def _validated(password: str, email: str) -> str:
    """Return the password. Raises CommandError, in the words of the pages, if it is refused."""
    try:
        NewPasswordField().clean(password)
        return str(get_adapter().clean_password(password, User(email=email)))
    except ValidationError as error:
        raise CommandError(" ".join(dict.fromkeys(error.messages))) from error
