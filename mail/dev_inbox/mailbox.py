"""The development inbox: a folder of mails that `catch_mail` received on this machine."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

# Names sort by time, and cannot traverse out of the folder.
NAME = re.compile(r"\d{8}-\d{6}-\d{6}-[0-9a-f]{8}")
MAX_SHOWN = 50


@dataclass(frozen=True)
class CaughtMail:
    name: str
    mail: EmailMessage

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [(name, str(value)) for name, value in self.mail.items()]

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    def _part(self, kind: str) -> str:
        part = self.mail.get_body((kind,))
        try:
            return str(part.get_content()) if part else ""
        except LookupError:
            # Unknown charset.
            return ""


def save(folder: Path, data: bytes, *, now: datetime) -> str:
    """Write one mail and return its name. Renamed when complete, so no partial mail is listed."""
    name = f"{now:%Y%m%d-%H%M%S-%f}-{secrets.token_hex(4)}"
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{name}.part"
    partial.write_bytes(data)
    partial.replace(folder / f"{name}.eml")
    return name


def newest(folder: Path) -> list[CaughtMail]:
    names = (path.stem for path in folder.glob("*.eml") if NAME.fullmatch(path.stem))
    mails = (read(folder, name) for name in sorted(names, reverse=True)[:MAX_SHOWN])
    return [mail for mail in mails if mail]


def read(folder: Path, name: str) -> CaughtMail | None:
    """Return None if there is no such mail."""
    if not NAME.fullmatch(name):
        return None
    try:
        data = (folder / f"{name}.eml").read_bytes()
    except FileNotFoundError:
        return None
    mail = message_from_bytes(data, policy=policy.default)
    return CaughtMail(name, mail)
