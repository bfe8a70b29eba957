from typing import Any

from django.conf import settings
from django.http import HttpRequest

from safety.contact_link import contact_link


def site(request: HttpRequest | None) -> dict[str, Any]:
    """Settings that any page may show. `request` is None for pages rendered to files."""
    return {
        "site_name": settings.SITE_NAME,
        "discreet_name": settings.DISCREET_NAME,
        "leave_url": settings.LEAVE_URL,
        "operator_name": settings.OPERATOR_NAME,
        "operator_contact": settings.OPERATOR_CONTACT,
        "operator_link": contact_link(settings.OPERATOR_CONTACT),
        "backup_days": settings.BACKUP_DAYS,
        "source_url": settings.SOURCE_URL,
        "registration": settings.REGISTRATION,
    }
