"""Pages that gather what was saved in several exercises: sentences, cards, small wins …"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Gathering:
    # Part of the URL, and so of people's browser history.
    key: str
    title: Promise
    lead: Promise


GATHERINGS = {
    gathering.key: gathering
    for gathering in (
        Gathering("sentences", _("Sentences"), _("Sentences of yours, to read again.")),
        Gathering("cards", _("Cards"), _("What you decided beforehand, for a hard moment.")),
        Gathering("wins", _("Small wins"), _("Small things that went all right.")),
        Gathering("mine", _("What is mine"), _("Things from before, and things for this week.")),
        Gathering("circle", _("People"), _("Who is near, who is a call away, who is not yet.")),
    )
}
