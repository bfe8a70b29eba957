"""How the operator is reached: links on pages and security.txt (RFC 9116)."""

from datetime import datetime, time, timedelta
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.urls import reverse

from safety.yaml_records import validate_https

# RFC 9116 recommends less than a year. Counted from each request, so that it never expires.
VALID_FOR = timedelta(days=300)


def contact_link(contact: str) -> str:
    """The href for an email address or an https URL; empty for anything else."""
    contact = contact.strip()
    try:
        if contact.startswith("https:"):
            validate_https(contact)
            return contact
        validate_email(contact)
    except ValidationError:
        return ""
    return f"mailto:{quote(contact, safe='@+')}"


def security_txt(*, now: datetime) -> str:
    """Where to report a vulnerability; empty without a contact that can be a link."""
    contact = contact_link(settings.SECURITY_CONTACT)
    if not contact:
        return ""
    expires_at = datetime.combine(now.date() + VALID_FOR, time(), tzinfo=now.tzinfo)
    lines = [
        f"Contact: {contact}",
        f"Expires: {expires_at:%Y-%m-%dT%H:%M:%SZ}",
        f"Preferred-Languages: {settings.LANGUAGE_CODE}",
    ]
    if settings.HTTPS:
        lines.append(f"Canonical: {settings.SITE_URL}{reverse('safety:security_txt')}")
    return "\n".join([*lines, ""])
