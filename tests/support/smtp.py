"""A real SMTP server on loopback that records what it accepts, and misbehaves when asked to."""

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
    """What the server does, and what it has received. Its fields may change while it runs."""

    port: int = 0
    # Replies to EHLO and HELO, to MAIL, to RCPT by address or to every other one, to DATA, and to
    # the data of every mail.
    greeting: str = ""
    sender: str = "250 ok"
    recipients: dict[str, str] = field(default_factory=dict)
    recipient: str = "250 ok"
    data: str = ""
    answer: str = ""
    # Break the connection: "at MAIL", "before 354", "before the dot", "after the dot".
    drop: str = ""
    # Close a connection with 421 after so many mails.
    per_connection: int = 0
    # The client's port from which the last mail came.
    client_port: int = 0
    # Called in a thread of its own before the reply to a mail.
    when_handed_over: Callable[[], None] = lambda: None
    connections: int = 0
    # The addresses of every RCPT, accepted or not.
    tried: list[str] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    # With `holds`: set when a mail begins, and what the server then waits for.
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

    @syntax("EHLO hostname")
    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802 the name is the protocol's
        if self.sink.greeting:
            await self.push(self.sink.greeting)
        else:
            await super().smtp_EHLO(hostname)

    @syntax("HELO hostname")
    async def smtp_HELO(self, hostname: str) -> None:  # noqa: N802
        if self.sink.greeting:
            await self.push(self.sink.greeting)
        else:
            await super().smtp_HELO(hostname)

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 the name is the protocol's
        if self.sink.per_connection and self.carried >= self.sink.per_connection:
            await self.push("421 enough for now")
            self.transport.close()
        elif self.sink.data:
            await self.push(self.sink.data)
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
        if self.sink.drop == "at MAIL":
            server.transport.abort()
        self.sink.begun.set()
        if self.sink.holds:
            await asyncio.to_thread(self.sink.released.wait, 30)
        return self.sink.sender

    async def handle_RCPT(  # noqa: N802
        self, server: _Server, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        envelope.rcpt_tos.append(address)
        self.sink.tried.append(address)
        return self.sink.recipients.get(address, self.sink.recipient)

    async def handle_DATA(  # noqa: N802
        self, server: _Server, session: Session, envelope: Envelope
    ) -> str:
        if self.sink.answer:
            return self.sink.answer
        # Recorded even if the client has gone before the reply.
        self.sink.raw.append(envelope.original_content or b"")
        self.sink.client_port = session.peer[1]
        # In a thread, so that it may block.
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
    """Run a server on this port, or on a free one, until the block ends.

    A client that connects at once needs a sink that is set up before. The other keyword arguments
    are those of aiosmtpd's SMTP: `tls_context`, `authenticator` and so on.
    """
    sink = sink or Sink()
    named = {"server_hostname": "sink.invalid", "enable_SMTPUTF8": False}
    controller = _Controller(
        _Handler(sink), hostname="127.0.0.1", port=port or free_port(), **named, **more
    )
    # Its logger, `mail.log`, would be a child of our own `mail`, and log every address.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    controller.start()
    # The controller has made a connection to see whether it works.
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
