"""Who runs this place and how they are reached, as far as they have said."""

from datetime import datetime, time, timedelta
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email
from django.urls import reverse

# RFC 9116 asks for less than a year. The day of the reading counts, so it never runs out by itself.
GOOD_FOR = timedelta(days=300)

_is_https = URLValidator(schemes=["https"])


def link_to(contact: str) -> str:
    """A contact as a link, where it is an address or an https page; otherwise nothing."""
    contact = contact.strip()
    try:
        if contact.startswith("https:"):
            _is_https(contact)
            return contact
        validate_email(contact)
    except ValidationError:
        return ""
    return f"mailto:{quote(contact, safe='@+')}"


def security_txt(*, now: datetime) -> str:
    """Where to report a hole (RFC 9116). Nothing where nobody can be named."""
    contact = link_to(settings.SECURITY_CONTACT)
    if not contact:
        return ""
    ends_at = datetime.combine(now.date() + GOOD_FOR, time(), tzinfo=now.tzinfo)
    lines = [
        f"Contact: {contact}",
        f"Expires: {ends_at:%Y-%m-%dT%H:%M:%SZ}",
        f"Preferred-Languages: {settings.LANGUAGE_CODE}",
    ]
    if settings.HTTPS:
        lines.append(f"Canonical: {settings.SITE_URL}{reverse('safety:security_txt')}")
    return "\n".join([*lines, ""])
