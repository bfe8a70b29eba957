"""A yes or no of a person, sealed under their key in a column of their row."""

from dataclasses import dataclass

from accounts.models import User
from vault.primary_key_check import sealing_ring
from vault.sealing import pack, unpack


@dataclass(frozen=True)
class SealedSwitch:
    # Of the column, null until it is first changed. It is sealed for its own purpose.
    column: str
    purpose: str
    # In what is sealed.
    name: str

    def is_on(self, person: User) -> bool:
        """Raises CannotOpen."""
        sealed = getattr(person, self.column)
        if sealed is None:
            return False
        contents = unpack(person.key.open(self.purpose, person.pk, sealed))
        is_on: bool = contents[self.name]
        return is_on

    def turn(self, person: User, *, is_on: bool) -> None:
        """Raises CannotOpen, also if the earlier choice cannot be opened: it is not overwritten."""
        if self.is_on(person) != is_on:
            self.seal(person, is_on=is_on)

    def seal(self, person: User, *, is_on: bool) -> None:
        """Raises CannotOpen."""
        sealing_ring()
        sealed = person.key.seal(self.purpose, person.pk, pack({self.name: is_on}))
        setattr(person, self.column, sealed)
        # Not save(), which raises if the account was erased meanwhile.
        User.objects.filter(pk=person.pk).update(**{self.column: sealed})
