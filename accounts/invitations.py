"""Invitations: a link that lets one person open an account where that takes one.

What opens the door is a signature in the link, so whoever reads the table cannot make it. The
browser that followed it remembers it in its session. It is used up by the sign-up, also where the
address has an account already: a link that still worked afterwards would tell. Until an account is
confirmed, the browser that used it may start again with another address.
"""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Invitation, User
from accounts.unverified import get_for_update, is_unverified, step_aside

KEY = "invitation"


def link_to(invitation: Invitation) -> str:
    token = _signer().sign(invitation.pk.hex)
    return f"{settings.SITE_URL}{reverse('account_join', args=[token])}"


def follow(request: HttpRequest, token: str, *, now: datetime) -> bool:
    """Remember the invitation of this link. False where there is none, or it is over."""
    invitation = _open(token, now=now)
    if invitation is None:
        return False
    if _remembered(request).get("id") != invitation.pk.hex:
        request.session[KEY] = {"id": invitation.pk.hex}
    return True


def may_begin(request: HttpRequest, *, now: datetime) -> bool:
    """Whether this browser may open the page for signing up."""
    mine = _remembered(request)
    if not mine:
        return False
    if request.method == "POST":
        # Whoever comes too late is told so beside what they typed.
        return True
    if "made" in mine:
        made = User.objects.filter(pk=mine["made"]).first()
        return made is None or is_unverified(made)
    return Invitation.objects.open(now).filter(pk=mine["id"]).exists()


def take(request: HttpRequest, *, now: datetime) -> bool:
    """Use up what this browser remembers. Of any number at once exactly one is let in."""
    mine = _remembered(request)
    if not mine:
        return False
    if "made" in mine:
        # By the moment that we remember: another request of this browser may have been quicker.
        used_at = datetime.fromisoformat(mine["used_at"])
        usable = Invitation.objects.filter(pk=mine["id"], used_at=used_at)
    else:
        usable = Invitation.objects.open(now).filter(pk=mine["id"])
    if not usable.update(used_at=now):
        return False
    if "made" in mine and not step_aside(mine["made"]) and get_for_update(mine["made"]):
        # Confirmed by now: this one has let somebody in.
        return False
    request.session[KEY] = mine | {"used_at": now.isoformat(), "made": str(uuid4())}
    return True


def note_made(request: HttpRequest, person: User) -> None:
    """For whom it was used. An address that has an account leaves a random id in this place."""
    if mine := _remembered(request):
        request.session[KEY] = mine | {"made": str(person.pk)}


def _remembered(request: HttpRequest) -> dict[str, Any]:
    return dict(request.session.get(KEY, {}))


def _open(token: str, *, now: datetime) -> Invitation | None:
    try:
        id = UUID(hex=_signer().unsign(token))
    except (BadSignature, ValueError):
        return None
    return Invitation.objects.open(now).filter(pk=id).first()


def _signer() -> Signer:
    return Signer(salt="accounts.invitations")
