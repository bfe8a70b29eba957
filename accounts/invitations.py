"""Invitations: a link that lets one person sign up while REGISTRATION is "invitation".

The link carries a signature, so a copy of the table opens nothing. The browser that follows it
remembers the invitation in its session. Any sign-up uses it up, also one with an address that has
an account already: a link that still worked afterwards would reveal that. Until the account is
verified, the same browser may start again with another address.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Invitation, User
from accounts.unverified import get_for_update, is_unverified, release_address

SESSION_KEY = "invitation"
INVITATION_LASTS = timedelta(days=14)


@transaction.atomic
def invite(*, count: int = 1, days: int = INVITATION_LASTS.days, now: datetime) -> list[Invitation]:
    """Create invitations, each good for one account; `link_to` makes their links."""
    ends_at = now + timedelta(days=days)
    return Invitation.objects.bulk_create(
        Invitation(made_at=now, ends_at=ends_at) for _number in range(count)
    )


def link_to(invitation: Invitation) -> str:
    token = _signer().sign(invitation.pk.hex)
    return f"{settings.SITE_URL}{reverse('account_join', args=[token])}"


def remember(request: HttpRequest, token: str, *, now: datetime) -> bool:
    """Store the invitation of this link in the session. Returns False if it is not usable."""
    invitation = _find(token, now=now)
    if invitation is None:
        return False
    if _remembered(request).get("id") != invitation.pk.hex:
        request.session[SESSION_KEY] = {"id": invitation.pk.hex}
    return True


def may_sign_up(request: HttpRequest, *, now: datetime) -> bool:
    """Whether this browser may see the sign-up form."""
    remembered = _remembered(request)
    if not remembered:
        return False
    if request.method == "POST":
        # The form itself checks the invitation, and gives back what was typed if it has expired.
        return True
    if "made" in remembered:
        account = User.objects.filter(pk=remembered["made"]).first()
        return account is None or is_unverified(account)
    return Invitation.objects.usable(now).filter(pk=remembered["id"]).exists()


def use(request: HttpRequest, *, now: datetime) -> bool:
    """Use up the remembered invitation. Of concurrent requests, exactly one gets True."""
    remembered = _remembered(request)
    if not remembered:
        return False
    if "made" in remembered:
        # Compare the moment: another request of this browser may have used it again meanwhile.
        used_at = datetime.fromisoformat(remembered["used_at"])
        usable = Invitation.objects.filter(pk=remembered["id"], used_at=used_at)
    else:
        usable = Invitation.objects.usable(now).filter(pk=remembered["id"])
    if not usable.update(used_at=now):
        return False
    if (
        "made" in remembered
        and not release_address(remembered["made"])
        and get_for_update(remembered["made"])
    ):
        # The account it was used for has been verified meanwhile.
        return False
    request.session[SESSION_KEY] = remembered | {"used_at": now.isoformat(), "made": str(uuid4())}
    return True


def remember_account(request: HttpRequest, person: User) -> None:
    """Store which account the invitation was used for. Where the address has an account already,
    the random id of `use` stays in its place."""
    if remembered := _remembered(request):
        request.session[SESSION_KEY] = remembered | {"made": str(person.pk)}


def _remembered(request: HttpRequest) -> dict[str, Any]:
    """`id`: the invitation. Once it was used also `used_at`, and `made`: the account's id."""
    return dict(request.session.get(SESSION_KEY, {}))


def _find(token: str, *, now: datetime) -> Invitation | None:
    try:
        id = UUID(hex=_signer().unsign(token))
    except (BadSignature, ValueError):
        return None
    return Invitation.objects.usable(now).filter(pk=id).first()


def _signer() -> Signer:
    return Signer(salt="accounts.invitations")
