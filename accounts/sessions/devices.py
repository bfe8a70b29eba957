"""Where someone is signed in: each of their sessions, told apart by nothing finer than the kind of
browser it began in."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import User
from vault.sessions import Session

# What a session remembers of its beginning. When it was last used is written nowhere.
BEGAN_AT, DEVICE = "began_at", "device"

# The first sign that is found names it, so what others claim to be as well stands further down.
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


def empty(response: HttpResponse) -> None:
    """Whoever goes leaves nothing behind in this browser, not even what is sealed."""
    response.headers["Clear-Site-Data"] = '"storage"'


def device_of(request: HttpRequest) -> str:
    """As coarse as “Firefox on Android”; empty where the browser says nothing we know."""
    claimed = request.headers.get("User-Agent", "")
    browser = next((name for sign, name in BROWSERS if sign in claimed), "")
    system = next((name for sign, name in SYSTEMS if sign in claimed), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system


@dataclass(frozen=True)
class Device:
    # Names the session on a page without being of any use as its key.
    id: str
    name: str
    began_at: datetime
    is_this: bool


def devices(person: User, *, here: str | None, now: datetime) -> list[Device]:
    """Every browser that is signed in: this one (`here` is its key) first, then the newest."""
    found = [_device(row, here, now) for row in _rows(person, now)]
    return sorted(found, key=lambda device: (device.is_this, device.began_at), reverse=True)


def key_of(person: User, id: str, *, now: datetime) -> str | None:
    """The session that a page named by this id."""
    keys = (row.session_key for row in _rows(person, now))
    return next((key for key in keys if constant_time_compare(_id_of(key), id)), None)


def _rows(person: User, now: datetime) -> Iterator[Session]:
    yield from Session.objects.of(person).active(now)


def _id_of(key: str) -> str:
    return salted_hmac("accounts.devices", key).hexdigest()[:32]


def _device(row: Session, here: str | None, now: datetime) -> Device:
    kept = row.get_decoded()
    # A sign-in of this very moment has not made its first request yet.
    began_at = kept.get(BEGAN_AT, now.timestamp())
    return Device(
        id=_id_of(row.session_key),
        name=kept.get(DEVICE, ""),
        began_at=datetime.fromtimestamp(began_at, UTC),
        is_this=row.session_key == here,
    )
