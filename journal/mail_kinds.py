"""The mail that says that a day has come. It names nothing of what was set aside."""

from datetime import timedelta
from uuid import UUID

from django.utils import translation

from journal.actions import SET_ASIDE
from journal.models import Letter
from mail.emails import MailContent, OneLineMail, absolute_url, build, render
from mail.kinds import Kind, Unwanted
from mail.models import Message


def said() -> MailContent:
    return render("journal/ready", shelf_url=absolute_url("journal:shelf"))


def compose(message: Message) -> OneLineMail:
    """Raises Unwanted where the letter was opened, or set aside anew, before this could leave."""
    _, id, day = message.key.split(":")
    letter = Letter.objects.filter(pk=UUID(id), state=Letter.State.SEALED, opens_on=day)
    person = message.person
    if person is None or not person.is_active or not letter.exists():
        raise Unwanted
    with translation.override(person.spoken):
        return build(message, to=person.email, content=said())


READY = Kind(
    name=SET_ASIDE,
    # A second one would look like a second letter.
    at_most_once=True,
    compose=compose,
    retry_delays=(timedelta(minutes=15), timedelta(hours=1)),
    select_related=("person",),
)
