"""The kinds of letter a person can choose from, and the texts of their pages."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class LetterKind:
    # Part of URLs, so it must reveal nothing to someone who reads the browser's history.
    key: str
    title: Promise
    # Shown where a kind is chosen.
    about: Promise
    # A warning, shown before the writer begins.
    heads_up: Promise
    question: Promise
    # First lines to borrow.
    openings: tuple[Promise, ...]
    # Whether it has a salutation.
    has_reader: bool = True
    # Whether it is one of the three evenings, which are chosen together.
    is_evening: bool = False
    # How many can be begun; 0 for any number.
    most: int = 0
    # Whether its end asks for what the writer accepts, or not yet.
    asks_acceptance: bool = False


TO_THEM = LetterKind(
    key="them",
    title=_("To them"),
    about=_("Everything you would say if it could not hurt you."),
    heads_up=_(
        "Many people feel heavier right after writing to them. If it stays heavy, or becomes too"
        " much, stop here, or choose a plain day."
    ),
    question=_("What would you say, if it could not hurt you?"),
    openings=(
        _("What I needed was"),
        _("The last time we spoke, I thought"),
        _("I never told you that"),
        _("I am not going to carry"),
        _("What I accept, or not yet, is"),
    ),
    asks_acceptance=True,
)
TO_ME_THEN = LetterKind(
    key="then",
    title=_("To me back then"),
    about=_("To who you were while you were still hoping."),
    heads_up=_(
        "You may meet somebody who did not know yet. Go gently with them. You can stop at any line."
    ),
    question=_("What would you like that earlier you to hear?"),
    openings=(
        _("You had good reasons to hope. One of them was"),
        _("You could not have known that"),
        _("I want to thank you for"),
        _("What you needed then was"),
    ),
)
FROM_A_FRIEND = LetterKind(
    key="friend",
    title=_("From a kind friend to me"),
    about=_("Somebody who is on your side writes to you, in your hand."),
    heads_up=_(
        "Kind words can bring tears before they bring ease. There is no need to believe them yet."
        " If they sting, do one kind thing for yourself instead: that is as good an end."
    ),
    question=_("What would somebody say who is on your side?"),
    openings=(
        _("I have seen how hard you"),
        _("If you could see yourself as I do,"),
        _("It was never your task to"),
        _("What I wish for you this week is"),
    ),
    # One on each of seven evenings, as in the study that step 4 names.
    most=7,
)
TO_THE_SILENCE = LetterKind(
    key="quiet",
    title=_("To the silence"),
    about=_("Not to a person. To the quiet itself."),
    heads_up=_(
        "It may feel odd at first to speak to something that cannot answer. You may be angry here."
    ),
    question=_("What does the silence need to hear from you?"),
    openings=(
        _("You made me believe that"),
        _("You came on a day when"),
        _("What you took up was"),
        _("You may stay, but not in"),
    ),
)
THE_FIRST_NIGHT = LetterKind(
    key="night",
    title=_("To me on the first night"),
    about=_("To you on the evening when you understood."),
    heads_up=_(
        "This goes back to a bad evening. Have something warm near you, and somewhere to look up to"
        " from the paper."
    ),
    question=_("What would have helped you on that night?"),
    openings=(
        _("I am sitting beside you now, and"),
        _("By morning you will know that"),
        _("You do not have to understand it tonight."),
        _("One thing that will still be yours is"),
    ),
)
PLAIN_DAY = LetterKind(
    key="plain",
    title=_("Plain day, facts only"),
    about=_("What you did today. No meaning, no reasons, no verdict."),
    heads_up=_("Facts only: where you were, what you ate, what you saw. Leave out the why today."),
    question=_("What did you do today, in plain facts?"),
    openings=(
        _("I got up at"),
        _("I ate"),
        _("On the way I saw"),
        _("Before the evening I still"),
    ),
    has_reader=False,
)

EVENINGS_HEADS_UP = _(
    "Three short letters, on three days of your choice. A missed evening is no miss. If tonight is"
    " too much, stop in the middle: the letter will not mind."
)
WHAT_HAPPENED = LetterKind(
    key="evening-1",
    title=_("First evening: what happened"),
    about=_("What happened, as far as you know it."),
    heads_up=EVENINGS_HEADS_UP,
    question=_("What happened?"),
    openings=(
        _("It began when"),
        _("What I know for certain is"),
        _("The last good day was"),
        _("What I did not see then was"),
    ),
    has_reader=False,
    is_evening=True,
)
WHAT_I_NEEDED = LetterKind(
    key="evening-2",
    title=_("Second evening: what I needed"),
    about=_("What you needed, whether or not you said so."),
    heads_up=EVENINGS_HEADS_UP,
    question=_("What did you need?"),
    openings=(
        _("I needed somebody to"),
        _("It would have been enough if"),
        _("I did not ask for"),
        _("I still need"),
    ),
    has_reader=False,
    is_evening=True,
)
WHAT_I_TAKE = LetterKind(
    key="evening-3",
    title=_("Third evening: what I take with me"),
    about=_("What stays with you, and what you put down here."),
    heads_up=EVENINGS_HEADS_UP,
    question=_("What do you take with you?"),
    openings=(
        _("I know now that"),
        _("I am glad that I"),
        _("I leave here"),
        _("From now on I would like"),
    ),
    has_reader=False,
    is_evening=True,
)
EVENINGS = (WHAT_HAPPENED, WHAT_I_NEEDED, WHAT_I_TAKE)

KINDS = {
    kind.key: kind
    for kind in (
        TO_THEM,
        TO_ME_THEN,
        FROM_A_FRIEND,
        TO_THE_SILENCE,
        THE_FIRST_NIGHT,
        PLAIN_DAY,
        *EVENINGS,
    )
}
# Where a letter is begun: `/journal/write/<key>/`. The three evenings begin at one address.
EVENINGS_KEY = "evenings"
BEGINNINGS = {key for key, kind in KINDS.items() if not kind.is_evening} | {EVENINGS_KEY}
