import asyncio
import logging
import signal
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from mail.dev_inbox.mailbox import save

HOST = "127.0.0.1"


class Catcher:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def handle_DATA(  # noqa: N802 - called by aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        save(self.folder, envelope.original_content or b"", now=datetime.now(UTC))
        return "250 kept"


class Command(BaseCommand):
    help = "Catches every mail of this machine into the folder MAIL_CATCHER. For local use."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.MAIL_CATCHER:
            raise CommandError("MAIL_CATCHER is not set. Set it to the folder for caught mail.")
        # aiosmtpd logs every address at INFO.
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        try:
            asyncio.run(self.catch(Catcher(settings.MAIL_CATCHER), settings.EMAIL_PORT))
        except OSError as error:
            raise CommandError(
                f"Port {settings.EMAIL_PORT} cannot be opened: {error.strerror}."
                " Is a catcher running already?"
            ) from error

    async def catch(self, catcher: Catcher, port: int) -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        server = await loop.create_server(partial(SMTP, catcher), HOST, port)
        self.stdout.write(f"Catching mail on {HOST}:{port}")
        self.stdout.flush()
        await stopped.wait()
        # Open connections are not waited for.
        server.close()
