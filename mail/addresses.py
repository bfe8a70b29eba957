"""Whether a mail reaches the mailbox that an address names."""

from django.core.mail.message import sanitize_address
from django.utils.encoding import punycode


class CannotBeWritten(Exception):
    """Raised for an address that a mail cannot carry, or would carry as another one."""


def check_written_as_typed(address: str) -> None:
    """Raises CannotBeWritten unless Django's SMTP backend names this very address to the relay.

    It decodes a mailbox such as `=?utf-8?q?victim?=`, so that the mail would go to victim. A domain
    that is not ASCII is sent in its IDNA form.
    """
    mailbox, _at, domain = address.rpartition("@")
    try:
        is_same = sanitize_address(address, "utf-8") == f"{mailbox}@{punycode(domain)}"
    # The parsers of Python's email package raise both for odd input.
    except (ValueError, LookupError) as error:
        raise CannotBeWritten from error
    if not is_same:
        raise CannotBeWritten
