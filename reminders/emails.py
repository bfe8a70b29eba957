from dataclasses import dataclass
from urllib.parse import urljoin

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from mail.emails import Mail, build
from mail.models import Message
from reminders.models import Schedule


@dataclass(frozen=True)
class Words:
    """What one note says. The first 120 characters name nothing: they show on locked screens."""

    opening: Promise
    # Followed by the link.
    offer: Promise
    ending: Promise | str = ""


NOTES = (
    Words(
        opening=_(
            "Hello. You asked for a small note now and then, around this hour. This is one of"
            " them, and it asks nothing of you today."
        ),
        offer=_("If you have two minutes, your page is open where you left it:"),
        ending=_("If not, let this one float past."),
    ),
    Words(
        opening=_(
            "Hello. Here is your note. You can read it, or leave it for later, or delete it with"
            " your coffee still warm. All three are fine."
        ),
        offer=_("Nothing has moved on without you. One line is a whole visit:"),
    ),
    Words(
        opening=_(
            "Hello. A note, as you wished. Before anything else, you could let your shoulders"
            " drop and look at something far away for a moment."
        ),
        offer=_(
            "That may be all you need today. If you would like a little more, your page is here:"
        ),
    ),
    Words(
        opening=_(
            "Hello. Your note is here, and it is a short one. Some weeks are full, some are heavy,"
            " and some pass by. None of them needs a reason."
        ),
        offer=_(
            "Everything you kept is still kept. You can begin anywhere, even with the smallest"
            " thing:"
        ),
    ),
    Words(
        opening=_(
            "Hello. This is the last note for now. After this one we stay quiet, and we are"
            " telling you so that you need not wonder about it."
        ),
        offer=_(
            "Nothing closes. Your page stays as you left it, and you can come back on any day:"
        ),
    ),
)


def note(message: Message, schedule: Schedule) -> Mail:
    """The note of this message, as their schedule stands."""
    person = schedule.person
    host = settings.SITE.hostname
    with translation.override(person.spoken):
        subject, text, html = parts(schedule.unanswered, schedule.token)
    return build(
        message,
        to=person.email,
        subject=subject,
        text=text,
        html=html,
        headers={
            "List-Unsubscribe": f"<{stop_url(schedule.token)}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "List-Id": f"<notes.{host}>",
            "X-Auto-Response-Suppress": "All",
        },
    )


def parts(number: int, token: str) -> tuple[str, str, str]:
    """Subject, text and HTML of the note that comes as the first, second … (1 to 5)."""
    context = {
        "words": NOTES[max(number, 1) - 1],
        "today_url": urljoin(settings.SITE_URL, reverse("home:today")),
        "stop_url": stop_url(token),
        "discreet_name": settings.DISCREET_NAME,
    }
    subject = render_to_string("reminders/note/subject.txt", context).strip()
    text = render_to_string("reminders/note/body.txt", context).strip() + "\n"
    return subject, text, render_to_string("reminders/note/body.html", context)


def stop_url(token: str) -> str:
    return urljoin(settings.SITE_URL, reverse("reminders:stop", args=[token]))
