"""The key under which a browser keeps words that we have not confirmed yet.

It is given to their own signed-in pages only and held in memory there, so what lies on the device
can be read by nobody else who comes to it, and by them once they have signed in again.
"""

import base64

from django.utils.crypto import salted_hmac

from accounts.models import User


def key_of(person: User) -> str:
    """32 bytes in base64, the same for this person each time."""
    # Not of their password: whoever forgets it would lose the words that lie on the device.
    digest = salted_hmac("journal.device", str(person.pk), algorithm="sha256").digest()
    return base64.b64encode(digest).decode()
