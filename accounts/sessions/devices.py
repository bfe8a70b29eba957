"""The browsers in which a person is signed in, named as coarsely as “Firefox on Android”."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from accounts.models import User
from vault.primary_key_check import CannotSeal, sealing_ring
from vault.sessions import Session

# Session keys, set at the first request of a session. When it was last used is stored nowhere.
BEGAN_AT, DEVICE = "began_at", "device"

# (part of a User-Agent header, name). The first match wins: most browsers also claim to be the ones
# further down.
BROWSERS = (
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)


def clear_site_data(response: HttpResponse) -> None:
    """Make this browser delete what our pages stored in it, encrypted copies included."""
    response.headers["Clear-Site-Data"] = '"storage"'


def clear_device(request: HttpRequest, response: HttpResponse) -> None:
    """Like `clear_site_data`, and let the next page look whether it happened."""
    clear_site_data(response)
    # WebKit ignores the header: the script of this message deletes them too, and looks whether they
    # are gone (ADR 27).
    said = _("We asked this browser to delete unsaved words, if it held any.")
    # While nothing may be sealed, no session can store it: the account is erased or left all the
    # same, which a page of an error would deny.
    with suppress(CannotSeal):
        sealing_ring()
        messages.info(request, said, extra_tags="device-copies")


def device_name(request: HttpRequest) -> str:
    """As coarse as “Firefox on Android”; empty if the User-Agent header tells nothing we know."""
    user_agent = request.headers.get("User-Agent", "")
    browser = next((name for part, name in BROWSERS if part in user_agent), "")
    system = next((name for part, name in SYSTEMS if part in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system


@dataclass(frozen=True)
class Device:
    # Names the session on a page, and is useless as a session key.
    id: str
    name: str
    began_at: datetime
    is_this: bool


def list_devices(person: User, *, session_key: str | None, now: datetime) -> list[Device]:
    """Return every browser that is signed in: the one of this session first, then the newest."""
    rows = Session.objects.of(person).active(now)
    devices = [_device(row, session_key, now) for row in rows]
    return sorted(devices, key=lambda device: (device.is_this, device.began_at), reverse=True)


def find_session_key(person: User, id: str, *, now: datetime) -> str | None:
    """Return the key of this person's session with this `Device.id`."""
    keys = (row.session_key for row in Session.objects.of(person).active(now))
    return next((key for key in keys if constant_time_compare(_device_id(key), id)), None)


def _device_id(session_key: str) -> str:
    return salted_hmac("accounts.devices", session_key).hexdigest()[:32]


def _device(row: Session, session_key: str | None, now: datetime) -> Device:
    contents = row.get_decoded()
    # A session that has just begun has had no request that sets BEGAN_AT.
    began_at = contents.get(BEGAN_AT, now.timestamp())
    return Device(
        id=_device_id(row.session_key),
        name=contents.get(DEVICE, ""),
        began_at=datetime.fromtimestamp(began_at, UTC),
        is_this=row.session_key == session_key,
    )
