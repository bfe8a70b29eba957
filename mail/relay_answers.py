"""What the answer of a relay is about: this address, us, or our own fault (ADR 4).

A table, because relays agree on little. An answer that no row explains is about us: a wrong guess
in that direction only delays mail, and a wrong guess in the other stops a person's mail.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What is known about a mail. The values are stored in `Message`, 40 characters at most."""

    ACCEPTED = "accepted"
    # About this address, for good.
    NO_SUCH_ADDRESS = "no such address"
    # Perhaps about this address: to be believed when it is said on several days.
    PERHAPS_NO_SUCH_ADDRESS = "perhaps no such address"
    # About this address, for now: a full mailbox, a greylist.
    PUT_OFF = "put off too often"
    # About us: nobody's mail would be taken.
    REFUSED = "the relay refuses us"
    # Nobody has answered: we have failed before the mail was handed over.
    OUR_FAULT = "our own fault"
    # The mail was handed over, but no answer came.
    UNKNOWN = "no answer"


# The relay does not know this address, for all it says.
SAYS_UNKNOWN = (Verdict.NO_SUCH_ADDRESS, Verdict.PERHAPS_NO_SUCH_ADDRESS)


class Phase(StrEnum):
    """What the relay answers to. The values are stored in `Message.reply`."""

    GREETING = "EHLO"
    SENDER = "MAIL"
    RECIPIENT = "RCPT"
    TEXT = "DATA"
    # The mail has been handed over.
    DOT = "dot"


@dataclass(frozen=True)
class Answer:
    verdict: Verdict
    # Reply code, enhanced status code and phase, or the type of an error. Never the relay's words:
    # they may contain an address.
    reply: str = ""


@dataclass(frozen=True)
class Row:
    """A row matches if all it names does. The expressions match a whole code."""

    verdict: Verdict
    phases: tuple[Phase, ...]
    code: re.Pattern[str]
    # The enhanced status code (RFC 3463), or an empty text without one.
    status: re.Pattern[str]
    # Somewhere in the relay's words, in lower case and without addresses.
    words: re.Pattern[str] = re.compile("")

    def matches(self, phase: Phase, code: str, status: str, words: str) -> bool:
        return (
            phase in self.phases
            and self.code.fullmatch(code) is not None
            and self.status.fullmatch(status) is not None
            and self.words.search(words) is not None
        )


# At the start of a line (RFC 2034), or as qmail and others write it: (#5.7.1).
STATUS = re.compile(r"(?:^|#)\s*([245]\.\d{1,3}\.\d{1,3})(?![.\d])", re.MULTILINE)
ADDRESS = re.compile(r"<[^>]*>|\S+@\S+")
ANY = re.compile(".*")
ABOUT_A_MAILBOX = (Phase.RECIPIENT, Phase.DOT)

# These blame us, even beside a code that blames the address.
BLAMES_US = re.compile(
    r"relaying|(?:unable|not (?:able|allowed|permitted)|refuse[sd]?) to relay|cannot relay"
    r"|relay(?: access)?(?: is)?(?: denied| not permitted| not allowed| prohibited)"
    r"|sender(?:'s)? (?:address|domain|verif\w+|host|ip|denied|rejected|not)|authenticat"
    r"|\bspf\b|\bdkim\b|\bdmarc\b|spam|black ?list|block ?list|\b(?:dns|r)bl\b"
    r"|client host|reverse dns|(?:your|sending|sender) (?:ip|host|server|domain|network)"
    r"|reputation|\bbanned\b|unsolicited|access denied|message rejected|\boutgoing\b"
    r"|(?:tls|encryption)(?: is)? required|requires? (?:tls|encryption)|\bstarttls\b"
    r"|sending (?:quota|limit|rate)|too many (?:messages|e?-?mails|connections|requests)"
    r"|(?:not|n['’]t|no longer) (?:allowed|permitted|authori[sz]ed|able) to send"
    r"|(?:disabled|blocked|suspended) (?:for|from) sending"
)
# The mailbox gets more than its host allows for the moment, whatever the code.
RECEIVES_TOO_MUCH = re.compile(r"receiv(?:es|ing) (?:e?-?mail|messages) (?:at a rate|too quickly)")
# These blame us if the relay gives no code that says what it means.
SOUNDS_LIKE_US = re.compile(
    r"\brelay|sender|block|denied|den[iy]|polic|permit|allow|authori[sz]|prohibit|forbid|ban"
    r"|reputation|listed|\bip\b|client|host|server|tls|log ?in|sign ?in|credential|password"
    r"|rate|limit|too many|throttl|suspicious|virus|content"
)

# The first row that matches decides. Without one the answer is about us.
TABLE = (
    Row(Verdict.PUT_OFF, ABOUT_A_MAILBOX, re.compile("[45].."), ANY, RECEIVES_TOO_MUCH),
    Row(Verdict.REFUSED, tuple(Phase), ANY, ANY, BLAMES_US),
    Row(
        Verdict.NO_SUCH_ADDRESS,
        ABOUT_A_MAILBOX,
        re.compile("5.."),
        # Bad mailbox, domain or syntax; moved; a domain without mail; disabled.
        re.compile(r"5\.1\.(?:1|2|3|6|10)|5\.2\.1"),
    ),
    Row(
        Verdict.PUT_OFF,
        ABOUT_A_MAILBOX,
        re.compile("[45].."),
        # The same for now, full, or any other state of the mailbox. 4.1.7 and 4.1.8 are the sender.
        re.compile(r"4\.1\.(?:1|2|3|6|10)|[45]\.2\.\d+"),
    ),
    Row(Verdict.PUT_OFF, (Phase.RECIPIENT,), re.compile("45."), ANY, re.compile("gr[ae]y-? ?list")),
    Row(
        Verdict.PUT_OFF,
        ABOUT_A_MAILBOX,
        re.compile("[45]5[02]"),
        re.compile(""),
        re.compile("mailbox (?:is )?full|over ?quota|quota exceeded|exceeded .*quota"),
    ),
    Row(Verdict.REFUSED, (Phase.RECIPIENT,), re.compile("5.."), re.compile(""), SOUNDS_LIKE_US),
    Row(
        Verdict.PERHAPS_NO_SUCH_ADDRESS,
        (Phase.RECIPIENT,),
        re.compile("550"),
        re.compile(""),
    ),
)


def classify(phase: Phase, code: int, reply: bytes | str) -> Answer:
    """Say what a refusal is about."""
    text = reply if isinstance(reply, str) else reply.decode("ascii", "replace")
    found = set(STATUS.findall(text))
    # Codes that disagree explain nothing.
    agree = len(found) == 1 and next(iter(found))[0] == str(code)[0]
    status = found.pop() if agree else "?" if found else ""
    words = " ".join(ADDRESS.sub(" ", text).casefold().split())
    reply_in_codes = " ".join(part for part in (str(code), status, phase) if part)
    return Answer(_verdict(phase, str(code), status, words), reply_in_codes)


def _verdict(phase: Phase, code: str, status: str, words: str) -> Verdict:
    for row in TABLE:
        if row.matches(phase, code, status, words):
            return row.verdict
    was_handed_over = phase is Phase.DOT
    return Verdict.UNKNOWN if was_handed_over and code[0] not in "45" else Verdict.REFUSED
