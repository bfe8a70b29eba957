"""Whether a mail reaches the mailbox that an address names."""

from django.core.mail.message import sanitize_address
from django.utils.encoding import punycode

# Python's IDNA (RFC 3490) writes these as other letters or leaves them out, though today they name
# other domains (RFC 5891): mail to faß.de would go to fass.de.
ANOTHER_DOMAIN = frozenset("ßς\u200c\u200d")


class CannotBeWritten(Exception):
    """Raised for an address that a mail cannot carry, or would carry as another one."""


def check_written_as_typed(address: str) -> None:
    """Raises CannotBeWritten unless Django's SMTP backend names this very address to the relay.

    It decodes a mailbox such as `=?utf-8?q?victim?=`, so that the mail would go to victim. A domain
    that is not ASCII is sent in its IDNA form; one whose form depends on the version of IDNA can
    only be given as that form, `xn--…`.
    """
    mailbox, _at, domain = address.rpartition("@")
    if not ANOTHER_DOMAIN.isdisjoint(domain.lower()):
        raise CannotBeWritten
    try:
        is_same = sanitize_address(address, "utf-8") == f"{mailbox}@{punycode(domain)}"
    # The parsers of Python's email package raise both for odd input.
    except (ValueError, LookupError) as error:
        raise CannotBeWritten from error
    if not is_same:
        raise CannotBeWritten
