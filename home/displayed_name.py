from accounts.models import User
from vault.sealing import CannotOpen


def displayed_name(person: User) -> str:
    """What they want to be called. A name that cannot be opened must not take a page down."""
    try:
        return person.preferred_name
    except CannotOpen:
        return ""
