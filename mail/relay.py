"""The mail relay: Django's SMTP backend, which also reports what an error means for the mail."""

import logging
import re
import smtplib
from contextlib import suppress
from enum import StrEnum
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

logger = logging.getLogger(__name__)

# Relays end a connection that carries too many mails, some without an answer.
MAX_PER_CONNECTION = 100
# Reply codes of RFC 5321.
START_MAIL_INPUT = 354
SHUTTING_DOWN = 421
# Without an enhanced status code (RFC 3463), these blame the address.
NO_SUCH_ADDRESS_CODES = (550, 551, 553)
ENHANCED_STATUS = re.compile(r"5\.(?P<detail>(?P<subject>\d+)\.\d+)\b")


class DeliveryStatus(StrEnum):
    """What is known about a mail. The values are stored in `Message.reason`."""

    ACCEPTED = "accepted"
    NO_SUCH_ADDRESS = "no such address"
    # Refused for another reason, perhaps our fault. Not accepted.
    REJECTED = "rejected"
    # Not accepted now; a retry may succeed.
    DEFERRED = "put off too often"
    # The mail was handed over, but no answer came.
    UNKNOWN = "no answer"


class TrackingSMTP(smtplib.SMTP):
    """Records when the relay asks for the text: after that, a failed mail may have arrived."""

    handed_over = False

    def getreply(self) -> tuple[int, bytes]:
        code, reply = super().getreply()
        self.handed_over = self.handed_over or code == START_MAIL_INPUT
        return code, reply


class TrackingSMTPS(TrackingSMTP, smtplib.SMTP_SSL):
    pass


class Relay(EmailBackend):
    """One reused connection. Errors of the relay or the network are returned, never raised."""

    sent_on_connection = 0

    @property
    def connection_class(self) -> Any:
        return TrackingSMTPS if self.use_ssl else TrackingSMTP

    def ensure_connected(self) -> bool:
        """Connect if there is no connection. Return False if the relay cannot be reached."""
        if self.sent_on_connection >= MAX_PER_CONNECTION:
            self.disconnect()
        try:
            self.open()
        except OSError as error:
            logger.warning("relay cannot be reached", extra={"error": type(error).__name__})
            self.disconnect()
            return False
        return True

    def deliver(self, email: EmailMessage) -> DeliveryStatus:
        """Hand one mail over. Call `ensure_connected` first."""
        is_reused = self.sent_on_connection > 0
        status = self._deliver_once(email)
        # The relay may have ended an idle connection. Nothing was handed over, so retry at once on
        # a new one.
        is_disconnected = status is DeliveryStatus.DEFERRED and self.connection is None
        if is_reused and is_disconnected and self.ensure_connected():
            return self._deliver_once(email)
        return status

    def disconnect(self) -> None:
        """Close the connection, whatever state it is in."""
        with suppress(OSError):
            self.close()
        self.sent_on_connection = 0

    def _deliver_once(self, email: EmailMessage) -> DeliveryStatus:
        smtp: Any = self.connection
        smtp.handed_over = False
        self.sent_on_connection += 1
        try:
            sent = self.send_messages([email])
        except smtplib.SMTPRecipientsRefused as error:
            return self._status_of(*next(iter(error.recipients.values())), recipient=True)
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            return self._status_of(error.smtp_code, error.smtp_error)
        except OSError as error:
            logger.warning("connection to the relay broke", extra={"error": type(error).__name__})
            self.disconnect()
            return DeliveryStatus.UNKNOWN if smtp.handed_over else DeliveryStatus.DEFERRED
        # Django sends nothing for a mail without recipients.
        return DeliveryStatus.ACCEPTED if sent else DeliveryStatus.REJECTED

    def _status_of(
        self, code: int, reply: bytes | str, *, recipient: bool = False
    ) -> DeliveryStatus:
        smtp: Any = self.connection
        if code == SHUTTING_DOWN or smtp.sock is None:
            self.disconnect()
        if recipient and _blames_address(code, reply):
            return DeliveryStatus.NO_SUCH_ADDRESS
        if 500 <= code < 600:
            return DeliveryStatus.REJECTED
        was_not_accepted = 400 <= code < 500 or not smtp.handed_over
        return DeliveryStatus.DEFERRED if was_not_accepted else DeliveryStatus.UNKNOWN


def _blames_address(code: int, reply: bytes | str) -> bool:
    """Whether the address does not exist. A relay that refuses us must not stop reminders."""
    text = reply if isinstance(reply, str) else reply.decode("ascii", "replace")
    status = ENHANCED_STATUS.match(text)
    if status:
        return status["subject"] == "1" or status["detail"] == "2.1"
    return code in NO_SUCH_ADDRESS_CODES
