"""The local inbox: mails that the catcher of this machine wrote into a folder."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

# Names sort by time, and none can lead out of the folder.
NAME = re.compile(r"\d{8}-\d{6}-\d{6}-[0-9a-f]{8}")
SHOWN = 50


@dataclass(frozen=True)
class Caught:
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
            # A charset that nobody knows.
            return ""


def keep(folder: Path, data: bytes, *, now: datetime) -> str:
    """Write one mail. It has its name only once it is whole."""
    name = f"{now:%Y%m%d-%H%M%S-%f}-{secrets.token_hex(4)}"
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{name}.part"
    unfinished.write_bytes(data)
    unfinished.replace(folder / f"{name}.eml")
    return name


def newest(folder: Path) -> list[Caught]:
    names = (path.stem for path in folder.glob("*.eml") if NAME.fullmatch(path.stem))
    mails = (read(folder, name) for name in sorted(names, reverse=True)[:SHOWN])
    return [mail for mail in mails if mail]


def read(folder: Path, name: str) -> Caught | None:
    """None where there is no such mail."""
    if not NAME.fullmatch(name):
        return None
    try:
        data = (folder / f"{name}.eml").read_bytes()
    except FileNotFoundError:
        return None
    mail = message_from_bytes(data, policy=policy.default)
    return Caught(name, mail)
