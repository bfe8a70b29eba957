"""Headers that every response has, and an operator: the admin has a looser policy."""

from types import SimpleNamespace

from allauth.mfa.models import Authenticator
from django.conf import settings

from accounts.allauth_internals import record_authentication
from accounts.models import User
from tests.support.client import PASSWORD, Client

PASSKEYS = {"publickey-credentials-create", "publickey-credentials-get"}
EVERYWHERE = {
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(
        f"{name}=({'self' if name in PASSKEYS else ''})"
        for name in sorted(settings.PERMISSIONS_POLICY)
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
}
# No connection, no form, and no picture but one that is in the page.
BOAT = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src data:",
    "font-src 'self'",
    "connect-src 'none'",
    "worker-src 'none'",
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
}
LOOSER = POLICY - {"require-trusted-types-for 'script'", "trusted-types 'none'"}


def policy_of(path: str, status: int) -> set[str]:
    if path.startswith("/admin/"):
        return LOOSER
    return BOAT if (path, status) == ("/boat/", 200) else POLICY


def as_operator() -> Client:
    """A superuser who has just authenticated with a second factor."""
    person = User.objects.create_superuser("operator@example.org", PASSWORD)
    Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={})
    client = Client()
    client.force_login(person)
    session = client.session
    record_authentication(SimpleNamespace(session=session), person, "mfa")
    session.save()
    return client
