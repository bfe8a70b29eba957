"""Links to contacts: the operator’s, and that for vulnerabilities."""

from urllib.parse import quote

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from safety.yaml_records import validate_https


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
