"""The mail on the day of a sealed letter. It does not say that it is about a letter."""

from datetime import timedelta
from uuid import UUID

from django.utils import translation

from journal.models import Letter
from mail.emails import MailContent, OneLineMail, absolute_url, build, render
from mail.kinds import Kind, Unwanted
from mail.models import Message

# The name of this kind in stored rows.
READY_MAIL = "set aside"


def ready_mail_content() -> MailContent:
    return render("journal/ready", shelf_url=absolute_url("journal:shelf"))


def compose(message: Message) -> OneLineMail:
    """Raises Unwanted if the letter is not sealed until that day any more."""
    _, id, day = message.key.split(":")
    letter = Letter.objects.filter(pk=UUID(id), state=Letter.State.SEALED, opens_on=day)
    person = message.person
    if person is None or not person.is_active or not letter.exists():
        raise Unwanted
    with translation.override(person.active_language):
        return build(message, to=person.email, content=ready_mail_content())


READY_MAIL_KIND = Kind(
    name=READY_MAIL,
    # A second copy would look like a second letter.
    at_most_once=True,
    compose=compose,
    retry_delays=(timedelta(minutes=15), timedelta(hours=1)),
    # It is good news on any later day too.
    patience=timedelta(days=30),
    tries_until_patience_ends=True,
    select_related=("person",),
)
