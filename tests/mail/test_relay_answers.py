"""What a relay's answer is about, sentence by sentence as relays write them."""

import pytest

from mail.relay_answers import Phase, Verdict, classify

GONE, PERHAPS = Verdict.NO_SUCH_ADDRESS, Verdict.PERHAPS_NO_SUCH_ADDRESS
PUT_OFF, US = Verdict.PUT_OFF, Verdict.REFUSED
RCPT, DOT, MAIL = Phase.RECIPIENT, Phase.DOT, Phase.SENDER

ANSWERS = [
    # About this address, for good.
    (RCPT, 550, "5.1.1 <a@b.example>: Recipient address rejected: User unknown in table", GONE),
    (RCPT, 550, "5.1.1 The email account that you tried to reach does not exist.\n5.1.1 See", GONE),
    (RCPT, 550, "sorry, no mailbox here by that name. (#5.1.1)", GONE),
    (RCPT, 550, "#5.1.10 no mail for this domain", GONE),
    (RCPT, 550, "5.2.1 The account that you tried to reach is disabled", GONE),
    (RCPT, 550, "5.1.1 <spam@relaying.example>: no such user", GONE),
    (DOT, 550, "5.1.1 User unknown", GONE),
    # A code under another one, a code at the wrong place, a code that only looks like one.
    (RCPT, 450, "5.1.1 User unknown", US),
    (RCPT, 550, "4.1.1 User unknown", US),
    (RCPT, 550, "host said: 5.1.1 User unknown", US),
    (RCPT, 550, "5.1.11 something", US),
    (RCPT, 550, "5.1.1.1 is listed", US),
    (RCPT, 550, "5.1.1 rejected (#5.7.1)", US),
    (MAIL, 550, "5.1.1 User unknown", US),
    (Phase.TEXT, 550, "5.1.1 User unknown", US),
    (Phase.GREETING, 550, "5.1.2 bad name", US),
    # Perhaps about this address.
    (RCPT, 550, "No such user here", PERHAPS),
    (RCPT, 550, "", PERHAPS),
    (RCPT, 551, "User not local", US),
    (RCPT, 553, "mailbox name not allowed", US),
    (DOT, 550, "No such user here", US),
    # About this address, for now.
    (RCPT, 452, "4.2.2 Over quota", PUT_OFF),
    (RCPT, 552, "5.2.2 Over quota", PUT_OFF),
    (DOT, 552, "5.2.2 Over quota", PUT_OFF),
    (DOT, 552, "Mailbox full", PUT_OFF),
    (RCPT, 450, "4.2.0 Recipient address rejected: Greylisted", PUT_OFF),
    (RCPT, 451, "4.7.1 Greylisting in action, please come back later", PUT_OFF),
    (RCPT, 450, "4.1.2 Recipient address rejected: Domain not found", PUT_OFF),
    (MAIL, 452, "4.2.2 Over quota", US),
    (
        RCPT,
        550,
        "5.2.1 The user you are trying to contact is receiving mail at a rate that\n"
        "5.2.1 prevents additional messages from being delivered.",
        PUT_OFF,
    ),
    (RCPT, 550, "5.2.1 The user is receiving mail too quickly. Please resend later.", PUT_OFF),
    (RCPT, 550, "This user receives mail too quickly", PUT_OFF),
    (DOT, 450, "4.2.1 This user is receiving mail at a rate that is too high", PUT_OFF),
    # About us.
    (RCPT, 450, "4.1.8 <a@b.example>: Sender address rejected: Domain not found", US),
    (RCPT, 550, "5.1.8 <a@b.example>: Sender address rejected: Domain not found", US),
    (RCPT, 553, "5.1.7 Bad sender's mailbox address syntax", US),
    (RCPT, 550, "5.1.0 Address rejected", US),
    (RCPT, 550, "5.1.1 Client host blocked using a DNSBL", US),
    (RCPT, 550, "5.1.1 you must authenticate first", US),
    (RCPT, 550, "5.1.1 Message rejected due to poor reputation of 192.0.2.1", US),
    (RCPT, 550, "5.1.1 Access denied, banned sending IP [192.0.2.1]", US),
    (RCPT, 550, "5.1.1 Unsolicited mail is not accepted", US),
    (RCPT, 550, "5.1.1 TLS required", US),
    (RCPT, 550, "5.1.1 Must issue a STARTTLS command first", US),
    (RCPT, 550, "5.1.2 Sending quota of notes exceeded", US),
    (RCPT, 550, "5.1.2 Daily sending limit reached", US),
    (RCPT, 550, "5.1.3 You are sending too many messages", US),
    (RCPT, 550, "5.2.1 Too many connections", US),
    (RCPT, 550, "5.2.1 This account is not allowed to send mail", US),
    (RCPT, 550, "5.2.1 You aren't permitted to send messages", US),
    (RCPT, 550, "5.2.1 Your account has been disabled for sending", US),
    (RCPT, 550, "5.2.1 Outgoing mail from <notes@b.example> has been suspended.", US),
    (RCPT, 550, 'Outgoing mail from "notes@b.example" has been suspended.', US),
    (RCPT, 550, "Message rejected. See https://b.example/reject", US),
    # Words like these about the address.
    (RCPT, 550, "5.2.1 This account has been disabled", GONE),
    (RCPT, 550, "5.2.1 The mailbox has been suspended", GONE),
    (RCPT, 550, "5.2.1 The recipient is not allowed to receive messages", GONE),
    (RCPT, 550, "5.1.1 No such user; check the address before sending again", GONE),
    (RCPT, 550, "5.4.1 Recipient address rejected: Access denied", US),
    (RCPT, 554, "5.7.1 Relay access denied", US),
    (RCPT, 550, "Blocked - see https://list.example/", US),
    (RCPT, 550, "relay not permitted", US),
    (RCPT, 550, "Administrative prohibition", US),
    (RCPT, 550, "Your IP is on a list", US),
    (RCPT, 421, "4.7.0 try later", US),
    (RCPT, 451, "later", US),
    (RCPT, 250, "", US),
    (RCPT, -1, "", US),
    (DOT, 554, "5.7.1 looks like spam", US),
    (DOT, 451, "4.7.0 rate", US),
    # Handed over, and what came back is no refusal.
    (DOT, -1, "", Verdict.UNKNOWN),
    (DOT, 251, "", Verdict.UNKNOWN),
]


@pytest.mark.parametrize(("phase", "code", "reply", "verdict"), ANSWERS)
def test_answer_is_about(phase: Phase, code: int, reply: str, verdict: Verdict) -> None:
    assert classify(phase, code, reply).verdict is verdict
    assert classify(phase, code, reply.encode()).verdict is verdict


def test_reply_is_codes_only_and_fits_its_column() -> None:
    assert classify(RCPT, 550, "5.1.1 <a@b.example> is gone").reply == "550 5.1.1 RCPT"
    assert classify(DOT, 554, "a@b.example").reply == "554 dot"
    assert classify(RCPT, 550, "5.1.1 no (#5.7.1)").reply == "550 ? RCPT"
    longest = classify(Phase.GREETING, 550, "5.999.999 x").reply
    assert len(longest) <= 40


def test_words_that_are_not_ascii_are_read() -> None:
    assert classify(RCPT, 550, b"\xff\xfe").verdict is PERHAPS
    assert classify(RCPT, 550, "5.1.1 Empfänger unbekannt".encode()).verdict is GONE
