"""A real SMTP server on loopback that writes down what it accepts and misbehaves when asked to."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session, syntax
from pytest_django import Settings

from local.servers import free_port


@dataclass
class Sink:
    """What the server does, and what it has seen. Change its fields while it runs."""

    port: int = 0
    # Replies to MAIL, to RCPT by address, and to the whole mail for everyone.
    sender: str = "250 ok"
    recipients: dict[str, str] = field(default_factory=dict)
    answer: str = ""
    # Break the connection: "before 354", "before the dot", "after the dot".
    drop: str = ""
    # End a connection after so many mails, with 421.
    per_connection: int = 0
    # The port of whoever has handed over the last mail.
    came_from: int = 0
    # Called before a mail is answered, in the server's thread.
    when_handed_over: Callable[[], None] = lambda: None
    connections: int = 0
    raw: list[bytes] = field(default_factory=list)
    # Set while a mail has begun; the server goes on when it is released.
    begun: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    holds: bool = False

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(raw, policy=policy.default) for raw in self.raw]

    @property
    def ids(self) -> list[str]:
        return [str(mail["Message-ID"]) for mail in self.mails]

    @property
    def to(self) -> list[str]:
        return sorted(str(mail["To"]) for mail in self.mails)


class _Server(SMTP):
    sink: Sink
    carried = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.sink.connections += 1

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 the name is the protocol's
        if self.sink.per_connection and self.carried >= self.sink.per_connection:
            await self.push("421 enough for now")
            self.transport.close()
        elif self.sink.drop == "before 354":
            self.transport.abort()
        elif self.sink.drop == "before the dot":
            await self.push("354 go on")
            self.transport.abort()
        else:
            self.carried += 1
            await super().smtp_DATA(arg)


class _Handler:
    def __init__(self, sink: Sink) -> None:
        self.sink = sink

    async def handle_MAIL(  # noqa: N802
        self, server: _Server, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        envelope.mail_from = address
        self.sink.begun.set()
        if self.sink.holds:
            await asyncio.to_thread(self.sink.released.wait, 30)
        return self.sink.sender

    async def handle_RCPT(  # noqa: N802
        self, server: _Server, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.sink.recipients.get(address, "250 ok")

    async def handle_DATA(  # noqa: N802
        self, server: _Server, session: Session, envelope: Envelope
    ) -> str:
        if self.sink.answer:
            return self.sink.answer
        # It is kept even if whoever sends it is gone before the answer.
        self.sink.raw.append(envelope.original_content or b"")
        self.sink.came_from = session.peer[1]
        # In a thread, so that it may do anything, and wait for anything.
        await asyncio.to_thread(self.sink.when_handed_over)
        if self.sink.drop == "after the dot":
            server.transport.abort()
        return "250 kept"


class _Controller(Controller):
    def factory(self) -> _Server:
        server = _Server(self.handler, **self.SMTP_kwargs)
        server.sink = self.handler.sink
        return server


@contextmanager
def running(port: int = 0, sink: Sink | None = None, **more: Any) -> Iterator[Sink]:
    """A server on this port, or on a free one, for as long as the block lasts.

    Where somebody may come in the moment it listens, give it a sink that knows what to do then.
    What more it can do stands in aiosmtpd's SMTP: `tls_context`, `authenticator` and so on.
    """
    sink = sink or Sink()
    named = {"server_hostname": "sink.invalid", "enable_SMTPUTF8": False}
    controller = _Controller(
        _Handler(sink), hostname="127.0.0.1", port=port or free_port(), **named, **more
    )
    # It would write every address into the log of the suite, under the name of our own room.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    controller.start()
    # Starting makes a connection to see whether it works.
    sink.port, sink.connections = controller.port, 0
    try:
        yield sink
    finally:
        controller.stop()


@pytest.fixture
def sink(settings: Settings) -> Iterator[Sink]:
    """A running server, and settings that point to it."""
    with running() as sink:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
        yield sink
