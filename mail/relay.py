"""The mail relay: Django's SMTP backend, asked for one thing more: what is known after an error."""

import logging
import re
import smtplib
from contextlib import suppress
from enum import StrEnum
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

logger = logging.getLogger(__name__)

# Relays end a connection that carries too many mails, some of them without a word.
MAX_PER_CONNECTION = 100
# The relay ends this connection.
SHUTTING_DOWN = 421
# Without an enhanced status code (RFC 3463), these say that the address is the reason.
NO_SUCH_ADDRESS = (550, 551, 553)
ENHANCED = re.compile(r"5\.(?P<detail>(?P<subject>\d+)\.\d+)\b")


class Answer(StrEnum):
    """What is known about a mail, in the words that its row keeps."""

    ACCEPTED = "accepted"
    # There is no such address.
    GONE = "no such address"
    # Refused for another reason, which may be ours: nothing was accepted.
    REJECTED = "rejected"
    # Nothing was accepted; another time it may be.
    LATER = "put off too often"
    # The mail was handed over and no answer came.
    UNKNOWN = "no answer"


class _Noting:
    """Notes when the relay asks for the text (354): what fails after that may have arrived."""

    handed_over = False

    def getreply(self) -> tuple[int, bytes]:
        code, reply = super().getreply()  # type: ignore[misc]
        self.handed_over = self.handed_over or code == 354
        return code, reply


class _SMTP(_Noting, smtplib.SMTP):
    pass


class _SMTPS(_Noting, smtplib.SMTP_SSL):
    pass


class Relay(EmailBackend):
    """One connection, reused. What the relay or the network does never raises, it is an answer."""

    carried = 0

    @property
    def connection_class(self) -> Any:
        return _SMTPS if self.use_ssl else _SMTP

    def ready(self) -> bool:
        """Whether a mail can be handed over; opens a connection where none is open."""
        if self.carried >= MAX_PER_CONNECTION:
            self.drop()
        try:
            self.open()
        except OSError as error:
            logger.warning("relay cannot be reached", extra={"error": type(error).__name__})
            self.drop()
            return False
        return True

    def deliver(self, email: EmailMessage) -> Answer:
        """Hand one mail over. Call `ready` first."""
        reused = self.carried > 0
        answer = self._try(email)
        # A connection that has been open for a while may have been ended by the other side.
        # Nothing was handed over, so a fresh one may carry the same mail at once.
        if answer is Answer.LATER and reused and self.connection is None and self.ready():
            return self._try(email)
        return answer

    def drop(self) -> None:
        """Leave the connection, whatever state it is in."""
        with suppress(OSError):
            self.close()
        self.carried = 0

    def _try(self, email: EmailMessage) -> Answer:
        smtp: Any = self.connection
        smtp.handed_over = False
        self.carried += 1
        try:
            left = self.send_messages([email])
        except smtplib.SMTPRecipientsRefused as error:
            return self._refused(*next(iter(error.recipients.values())), recipient=True)
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            return self._refused(error.smtp_code, error.smtp_error)
        except OSError as error:
            logger.warning("connection to the relay broke", extra={"error": type(error).__name__})
            self.drop()
            return Answer.UNKNOWN if smtp.handed_over else Answer.LATER
        # A mail to nobody is not even offered to the relay.
        return Answer.ACCEPTED if left else Answer.REJECTED

    def _refused(self, code: int, reply: bytes | str, *, recipient: bool = False) -> Answer:
        smtp: Any = self.connection
        if code == SHUTTING_DOWN or smtp.sock is None:
            self.drop()
        if recipient and _no_such_address(code, reply):
            return Answer.GONE
        if 500 <= code < 600:
            return Answer.REJECTED
        understood = 400 <= code < 500 or not smtp.handed_over
        return Answer.LATER if understood else Answer.UNKNOWN


def _no_such_address(code: int, reply: bytes | str) -> bool:
    """Told apart from a relay that refuses us: that must not cost anyone their reminders."""
    text = reply if isinstance(reply, str) else reply.decode("ascii", "replace")
    status = ENHANCED.match(text)
    if status:
        return status["subject"] == "1" or status["detail"] == "2.1"
    return code in NO_SUCH_ADDRESS
