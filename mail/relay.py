"""The mail relay: Django's SMTP backend, which also reports what an error means for the mail."""

import logging
import smtplib
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from mail.relay_answers import Answer, Phase, Verdict, classify

logger = logging.getLogger(__name__)

# Relays end a connection that carries too many mails, some without an answer.
MAX_PER_CONNECTION = 100
# Reply codes of RFC 5321.
START_MAIL_INPUT = 354
SHUTTING_DOWN = 421


def relay_address() -> str:
    return f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"


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
    # Whether the relay has asked for the text of the current mail: it may have arrived.
    handed_over = False

    @property
    def connection_class(self) -> Any:
        return TrackingSMTPS if self.use_ssl else TrackingSMTP

    def ensure_connected(self) -> bool:
        """Connect if there is no connection. Return False if the relay cannot be reached."""
        if self.sent_on_connection >= MAX_PER_CONNECTION:
            self.disconnect()
        try:
            self.open()
        # ValueError: a user name or password that SMTP cannot carry.
        except (OSError, ValueError) as error:
            logger.warning("relay cannot be reached", extra={"error": type(error).__name__})
            self.disconnect()
            return False
        return True

    def deliver(self, email: EmailMessage) -> Answer:
        """Hand one mail over. Call `ensure_connected` first.

        Raises what Django raises for a mail that cannot be built.
        """
        is_reused = self.sent_on_connection > 0
        answer = self._deliver_once(email)
        # The relay may have ended an idle connection. Nothing was handed over, so retry at once on
        # a new one.
        is_disconnected = answer.verdict is Verdict.REFUSED and self.connection is None
        if is_reused and is_disconnected and self.ensure_connected():
            return self._deliver_once(email)
        return answer

    def disconnect(self) -> None:
        """Close the connection, whatever state it is in."""
        with suppress(OSError):
            self.close()
        self.sent_on_connection = 0

    def _deliver_once(self, email: EmailMessage) -> Answer:
        smtp: Any = self.connection
        smtp.handed_over = self.handed_over = False
        self.sent_on_connection += 1
        try:
            sent = self.send_messages([email])
        except smtplib.SMTPRecipientsRefused as error:
            return self._answer(Phase.RECIPIENT, *next(iter(error.recipients.values())))
        except smtplib.SMTPSenderRefused as error:
            return self._answer(Phase.SENDER, error.smtp_code, error.smtp_error)
        except smtplib.SMTPDataError as error:
            phase = Phase.DOT if smtp.handed_over else Phase.TEXT
            return self._answer(phase, error.smtp_code, error.smtp_error)
        except smtplib.SMTPHeloError as error:
            answer = self._answer(Phase.GREETING, error.smtp_code, error.smtp_error)
            self.disconnect()
            return answer
        except OSError as error:
            logger.warning("connection to the relay broke", extra={"error": type(error).__name__})
            self.disconnect()
            verdict = Verdict.UNKNOWN if smtp.handed_over else Verdict.REFUSED
            return Answer(verdict, type(error).__name__)
        finally:
            self.handed_over = smtp.handed_over
        # Django sends nothing for a mail without recipients.
        return Answer(Verdict.ACCEPTED) if sent else Answer(Verdict.OUR_FAULT, "no recipient")

    def _answer(self, phase: Phase, code: int, reply: bytes | str) -> Answer:
        smtp: Any = self.connection
        if code == SHUTTING_DOWN or smtp.sock is None:
            self.disconnect()
        return classify(phase, code, reply)
