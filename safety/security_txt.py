"""The file that tells where to report a vulnerability (RFC 9116)."""

from datetime import datetime, time, timedelta

from django.conf import settings
from django.urls import reverse

from safety.contact_link import contact_link

# RFC 9116 recommends less than a year. Counted from each request, so that it never expires.
VALID_FOR = timedelta(days=300)


def security_txt_contents(*, now: datetime) -> str:
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
