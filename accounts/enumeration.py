"""What a stranger can measure is the same whether or not an address has an account: words, mails,
password hashes, and how often the database is asked."""

from uuid import uuid4

from accounts.models import User

# In the state of a code that was sent to nobody who has an account.
NOBODY = "nobody"

# What allauth asks about an account and not about none. A test compares the sums.
AFTER_SIGN_UP = 3
ON_THE_CODE_PAGE = 2
WHEN_SENT_AGAIN = 1


def ask(times: int) -> None:
    """The questions that an account would have been asked about."""
    for _time in range(times):
        User.objects.filter(pk=uuid4()).first()
