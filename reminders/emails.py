from dataclasses import dataclass

from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from mail.emails import MailContent, OneLineMail, absolute_url, build, render
from mail.models import Message
from reminders.models import Schedule


@dataclass(frozen=True)
class Note:
    """The words of one note. Lock screens show about 120 characters: those reveal nothing."""

    opening: Promise
    # Followed by the link.
    offer: Promise
    ending: Promise | str = ""


NOTES = (
    Note(
        opening=_(
            "Hello. You asked for a small reminder now and then, around this hour. This is one of"
            " them, and it asks nothing of you today."
        ),
        offer=_("If you have two minutes, your page is open where you left it:"),
        ending=_("If not, let this one float past."),
    ),
    Note(
        opening=_(
            "Hello. Here is your reminder. You can read it, or leave it for later, or delete it"
            " with your coffee still warm. All three are fine."
        ),
        offer=_("Your page is as you left it. One line is a whole visit:"),
    ),
    Note(
        opening=_(
            "Hello. A reminder, as you wished. Before anything else, you could let your shoulders"
            " drop and look at something far away for a moment."
        ),
        offer=_(
            "That may be all you need today. If you would like a little more, your page is here:"
        ),
    ),
    Note(
        opening=_(
            "Hello. Your reminder is here, and it is a short one. Some weeks are full, some are"
            " heavy, and some pass by. None of them needs a reason."
        ),
        offer=_(
            "Everything you saved is still here. You can begin anywhere, even with the smallest"
            " thing:"
        ),
    ),
    Note(
        opening=_(
            "Hello. This is the last reminder for now. After this one we stay quiet, and we are"
            " telling you so that you need not wonder about it."
        ),
        offer=_(
            "Nothing closes. Your page stays as you left it, and you can come back on any day:"
        ),
    ),
)


def note(number: int, token: str) -> MailContent:
    """Render the first, second … note since the last visit (1 to 5)."""
    return render(
        "reminders/note",
        note=NOTES[max(number, 1) - 1],
        today_url=absolute_url("home:today"),
        stop_url=_stop_url(token),
    )


def note_mail(message: Message, schedule: Schedule) -> OneLineMail:
    """Build the note of this message for the current state of the schedule."""
    person = schedule.person
    with translation.override(person.active_language):
        content = note(schedule.unanswered, schedule.token)
    headers = {
        "List-Unsubscribe": f"<{_stop_url(schedule.token)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Id": f"<notes.{settings.SITE.hostname}>",
        "X-Auto-Response-Suppress": "All",
    }
    return build(message, to=person.email, content=content, headers=headers)


def _stop_url(token: str) -> str:
    return absolute_url("reminders:stop", token)
