"""The key under which a browser encrypts words that the server has not confirmed yet (ADR 27).

Only this person's signed-in pages receive it, and they keep it in memory. So nobody else who uses
the device can read those words, and the writer can read them after signing in again.
"""

import base64

from django.utils.crypto import salted_hmac

from accounts.models import User


def device_copies_key(person: User) -> str:
    """Return 32 bytes in base64, always the same for one person."""
    # Not derived from the password: resetting it would lose the words on the device.
    digest = salted_hmac("journal.device", str(person.pk), algorithm="sha256").digest()
    return base64.b64encode(digest).decode()
