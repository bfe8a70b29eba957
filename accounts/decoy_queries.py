"""Account enumeration: a stranger must not be able to measure whether an address has an account.

Pages, mails, password hashes and the number of queries are the same in both cases.
"""

from typing import Final
from uuid import uuid4

from accounts.models import User

# Set in the state of a mailed code that was sent to an address without an account.
NO_ACCOUNT: Final = "nobody"

# How many queries allauth makes for an account but not without one. A test compares the totals.
QUERIES_AFTER_SIGN_UP = 3
QUERIES_ON_CODE_PAGE = 2
QUERIES_WHEN_RESENT = 1


def make_decoy_queries(count: int) -> None:
    """Make as many queries as an account would have cost."""
    for _number in range(count):
        User.objects.filter(pk=uuid4()).first()
