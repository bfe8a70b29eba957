"""Every URL pattern, and who may see its pages. A pattern that is missing here fails the suite."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any
from uuid import uuid4

from django.urls import URLPattern, URLResolver, get_resolver


class Whose(Enum):
    # For anyone. What it shows of a person, it shows to that person only.
    PUBLIC = auto()
    # For a person who is signed in, about themselves.
    PRIVATE = auto()
    # About one object of one person.
    OBJECT = auto()
    # For operators.
    OPERATOR = auto()
    # Only where MAIL_CATCHER is set.
    LOCAL = auto()


PUBLIC, PRIVATE, OBJECT, OPERATOR, LOCAL = Whose


@dataclass(frozen=True)
class Rule:
    whose: Whose
    # One path that matches. Words in braces stand for ids of Alice's.
    example: str = ""
    # The fields of its form. None if it takes no POST.
    sent: dict[str, str] | None = field(default=None, hash=False)


# An id that no row has.
FRESH = "b7a1c4f4-9c55-4f0e-8a54-3f2f0c1f7a10"
LETTER = {"to": "M.", "body": "sent by a stranger"}
ANSWER = {"moments-0-happened": "sent by a stranger"}

RULES = {
    "": Rule(PUBLIC),
    "today/": Rule(PRIVATE),
    "progress/": Rule(PRIVATE),
    "you/": Rule(PRIVATE, sent={"name": "Eve", "time_zone": "UTC", "language": "en"}),
    "you/guide/": Rule(PRIVATE, sent={"asks_why": "on"}),
    "you/privacy/": Rule(PRIVATE),
    "you/privacy/erase/": Rule(PRIVATE, sent={"password": "a guess"}),
    "carry-over/": Rule(PRIVATE),
    "carry-over/take/": Rule(PRIVATE, sent={"next": "/today/"}),
    "carry-over/delete/": Rule(PRIVATE, sent={"next": "/today/"}),
    "pause/": Rule(PRIVATE, sent={"id": FRESH, "words": "sent by a stranger", "trigger": "a song"}),
    "pause/<uuid:id>/": Rule(
        OBJECT, "pause/{pause}/", {"how_now": "sad", "now_words": "by a stranger"}
    ),
    "pause/<uuid:id>/more/": Rule(OBJECT, "pause/{pause}/more/", {"until": "1773346440"}),
    "pause/<uuid:id>/end/": Rule(OBJECT, "pause/{pause}/end/", {"said": "sent"}),
    "pause/<uuid:id>/words/": Rule(OBJECT, "pause/{pause}/words/"),
    "pause/<uuid:id>/letter/": Rule(OBJECT, "pause/{pause}/letter/", {}),
    "pause/<uuid:id>/stay/": Rule(OBJECT, "pause/{pause}/stay/", {}),
    "pause/<uuid:id>/delete/": Rule(OBJECT, "pause/{pause}/delete/", {}),
    "goodbye/": Rule(PUBLIC),
    "learn/": Rule(PUBLIC),
    "learn/<slug:slug>/": Rule(PUBLIC, "learn/signs/"),
    "steps/": Rule(PUBLIC),
    "steps/<step:step>/": Rule(PUBLIC, "steps/1/"),
    "steps/<step:step>/mark/": Rule(PRIVATE, "steps/1/mark/", {"state": "settled"}),
    "steps/<step:step>/<slug:key>/": Rule(PUBLIC, "steps/1/filling-in/", ANSWER),
    "steps/<step:step>/<slug:key>/<int:number>/": Rule(
        PRIVATE, "steps/7/told-twice/1/", {"which-question": "as_i", "as_i": "sent by a stranger"}
    ),
    "steps/<step:step>/<slug:key>/check/": Rule(PRIVATE, "steps/7/told-twice/check/", {}),
    "steps/<step:step>/<slug:key>/discard/": Rule(PRIVATE, "steps/7/told-twice/discard/", {}),
    "steps/<step:step>/<slug:key>/reply/": Rule(
        PUBLIC, "steps/1/signs/reply/", {"signs-drained": "often"}
    ),
    "steps/<step:step>/<slug:key>/<uuid:id>/": Rule(OBJECT, "steps/1/filling-in/{answer}/", ANSWER),
    "steps/<step:step>/<slug:key>/<uuid:id>/delete/": Rule(
        OBJECT, "steps/1/filling-in/{answer}/delete/", {}
    ),
    "steps/<step:step>/<slug:key>/<uuid:id>/follow-up/": Rule(
        OBJECT, "steps/1/filling-in/{answer}/follow-up/", {"said": "-"}
    ),
    "steps/<step:step>/<slug:key>/<uuid:id>/<int:number>/": Rule(
        OBJECT, "steps/1/filling-in/{answer}/1/", {"which-question": "moments"} | ANSWER
    ),
    "steps/<step:step>/<slug:key>/<uuid:id>/check/": Rule(
        OBJECT, "steps/1/filling-in/{answer}/check/", {}
    ),
    "steps/<step:step>/<slug:key>/<uuid:id>/discard/": Rule(
        OBJECT, "steps/1/filling-in/{answer}/discard/", {}
    ),
    # What is saved without an account is in the session of that browser, and nowhere else.
    "steps/<step:step>/<slug:key>/<uuid:id>/drop/": Rule(
        PUBLIC, f"steps/1/filling-in/{FRESH}/drop/", {}
    ),
    "steps/<step:step>/<slug:key>/<uuid:id>/account/": Rule(
        PUBLIC, f"steps/1/filling-in/{FRESH}/account/", {}
    ),
    "saved/": Rule(PRIVATE),
    "saved/then-and-now/": Rule(PRIVATE),
    "saved/<slug:key>/": Rule(PRIVATE, "saved/cards/"),
    "where/": Rule(PUBLIC),
    "about/": Rule(PUBLIC),
    "privacy/": Rule(PUBLIC),
    "terms/": Rule(PUBLIC),
    "accessibility/": Rule(PUBLIC),
    "leave/": Rule(PUBLIC),
    "help/": Rule(PUBLIC),
    "help/<slug:country>/": Rule(PUBLIC, "help/nl/"),
    "safety/": Rule(PUBLIC),
    # Above sessions: it knows nobody.
    "boat/": Rule(PUBLIC),
    # Anyone may be asked, and anyone may leave out what involves the other person.
    "before/": Rule(PUBLIC, sent={"contact": "yes"}),
    "before/leave-out/": Rule(PUBLIC, sent={}),
    "before/bring-back/": Rule(PUBLIC, sent={}),
    ".well-known/change-password": Rule(PUBLIC),
    ".well-known/security.txt": Rule(PUBLIC),
    "you/reminders/": Rule(PRIVATE, sent={"hour": "9", "zone": "Europe/Oslo"}),
    "you/reminders/off/": Rule(PRIVATE, sent={}),
    "you/reminders/pause/": Rule(PRIVATE, sent={}),
    # With the link from a mail anyone may stop the notes, and do nothing else.
    "r/<str:token>/": Rule(PUBLIC, "r/0123456789abcdefghijkl/", {}),
    "dev/inbox/": Rule(LOCAL),
    "dev/inbox/<str:name>/": Rule(LOCAL, "dev/inbox/20260312-201400-000000-00000000/"),
    "dev/inbox/<str:name>/html/": Rule(LOCAL, "dev/inbox/20260312-201400-000000-00000000/html/"),
    "journal/": Rule(PRIVATE),
    "journal/search/": Rule(PRIVATE, sent={"text": "river"}),
    # The name of a search means something in the session that made it, and nowhere else.
    "journal/search/<uuid:name>/": Rule(PRIVATE, f"journal/search/{FRESH}/"),
    "journal/names/": Rule(PRIVATE, sent={"shows_names": "on"}),
    "journal/cover/": Rule(PRIVATE),
    "journal/token/": Rule(PRIVATE),
    "journal/write/": Rule(PRIVATE),
    "journal/write/evenings/": Rule(PRIVATE),
    "journal/write/<slug:kind>/": Rule(PRIVATE, "journal/write/them/", LETTER | {"id": FRESH}),
    "journal/write/<slug:kind>/lines/": Rule(
        PRIVATE, "journal/write/them/lines/", {"opening": "I still"}
    ),
    "journal/lines/<uuid:id>/remove/": Rule(OBJECT, "journal/lines/{line}/remove/", {}),
    "journal/<uuid:id>/": Rule(OBJECT, "journal/{letter}/"),
    "journal/<uuid:id>/edit/": Rule(OBJECT, "journal/{letter}/edit/", LETTER),
    # The page chooses the id of a new letter, so any id may be saved for the first time.
    "journal/<uuid:id>/autosave/": Rule(
        PRIVATE, f"journal/{FRESH}/autosave/", LETTER | {"kind": "them"}
    ),
    "journal/<uuid:id>/versions/": Rule(OBJECT, "journal/{letter}/versions/"),
    "journal/<uuid:id>/versions/<uuid:revision>/": Rule(
        OBJECT, "journal/{letter}/versions/{revision}/", {"keep": "other", "version": "1"}
    ),
    "journal/<uuid:id>/close/": Rule(OBJECT, "journal/{letter}/close/", {"then": "keep"}),
    "journal/<uuid:id>/seal/": Rule(OBJECT, "journal/{letter}/seal/", {"day": "2030-01-01"}),
    "journal/<uuid:id>/open/": Rule(OBJECT, "journal/{letter}/open/", {}),
    "journal/<uuid:id>/let-go/": Rule(OBJECT, "journal/{letter}/let-go/", {}),
    "journal/<uuid:id>/bring-back/": Rule(OBJECT, "journal/{letter}/bring-back/", {}),
    "journal/<uuid:id>/write-on/": Rule(OBJECT, "journal/{letter}/write-on/", {}),
    "journal/<uuid:id>/throw-away/": Rule(OBJECT, "journal/{letter}/throw-away/", {}),
    "journal/<uuid:id>/remove-line/": Rule(OBJECT, "journal/{gone}/remove-line/", {}),
    "journal/<uuid:id>/settle/": Rule(OBJECT, "journal/{letter}/settle/"),
    # With an invitation anyone may open the sign-up page, and do nothing else.
    "join/<str:token>/": Rule(PUBLIC, "join/0123456789abcdef:signature/"),
    "accounts/": Rule(PRIVATE),
    "accounts/lock/": Rule(PRIVATE, sent={"after": "out"}),
    "accounts/devices/": Rule(PRIVATE),
    "accounts/devices/end/": Rule(PRIVATE, sent={"id": "0" * 32}),
    "accounts/devices/end-others/": Rule(PRIVATE, sent={}),
    "accounts/activity/": Rule(PRIVATE),
    "accounts/first/": Rule(PRIVATE, sent={"next": "/today/"}),
    "accounts/returned/": Rule(PRIVATE),
    # Anyone may hold a form that we have sealed. It opens for its owner alone.
    "accounts/returned/hold/": Rule(PUBLIC, sent={"sealed_form": "x"}),
    "accounts/2fa/": Rule(PRIVATE),
    "accounts/2fa/authenticate/": Rule(PUBLIC, sent={"code": "000000"}),
    "accounts/2fa/reauthenticate/": Rule(PRIVATE, sent={"code": "000000"}),
    "accounts/2fa/app/": Rule(PRIVATE, sent={"code": "000000"}),
    "accounts/2fa/app/remove/": Rule(PRIVATE, sent={}),
    "accounts/2fa/codes/": Rule(PRIVATE, sent={}),
    "accounts/2fa/codes/new/": Rule(PRIVATE, sent={}),
    "accounts/2fa/passkeys/add/": Rule(PRIVATE, sent={"credential": "{}"}),
    "accounts/2fa/passkeys/login/": Rule(PUBLIC, sent={"credential": "{}"}),
    "accounts/2fa/passkeys/login/options/": Rule(PUBLIC, sent={}),
    "accounts/2fa/passkeys/reauthenticate/": Rule(PRIVATE, sent={"credential": "{}"}),
    # It reauthenticates before it looks for the object: see tests/accounts/mfa/test_passkeys.py.
    "accounts/2fa/passkeys/<str:id>/remove/": Rule(
        PRIVATE, f"accounts/2fa/passkeys/{'0' * 32}/remove/", {}
    ),
    "accounts/email/": Rule(PRIVATE, sent={"email": "eve@example.org"}),
    "accounts/confirm-email/": Rule(PUBLIC, sent={"code": "00000000"}),
    "accounts/login/": Rule(PUBLIC, sent={"login": "alice@example.org", "password": "a guess"}),
    "accounts/logout/": Rule(PUBLIC, sent={}),
    "accounts/inactive/": Rule(PUBLIC),
    "accounts/signup/": Rule(
        PUBLIC, sent={"email": "eve@example.org", "password1": "", "consent": "on"}
    ),
    "accounts/reauthenticate/": Rule(PRIVATE, sent={"password": "a guess"}),
    "accounts/password/change/": Rule(PRIVATE, sent={"oldpassword": "a guess", "password1": ""}),
    "accounts/password/set/": Rule(PRIVATE, sent={"password1": "a guess"}),
    "accounts/password/reset/": Rule(PUBLIC, sent={"email": "nobody"}),
    "accounts/password/reset/confirm/": Rule(PUBLIC, sent={"code": "00000000"}),
    "accounts/password/reset/complete/": Rule(PUBLIC, sent={"password1": "a guess"}),
    "accounts/password/reset/done/": Rule(PUBLIC),
    "accounts/login/code/confirm/": Rule(PUBLIC, sent={"code": "00000000"}),
    # All of Django's admin.
    "admin/": Rule(OPERATOR),
    "healthz": Rule(PUBLIC),
    "readyz": Rule(PUBLIC),
}


def patterns() -> Iterator[tuple[str, Any]]:
    """Every (pattern, view) of the resolver, the admin as one."""
    return _walk(get_resolver(), "")


def _walk(resolver: URLResolver, before: str) -> Iterator[tuple[str, Any]]:
    for each in resolver.url_patterns:
        whole = f"{before}{each.pattern}"
        if isinstance(each, URLPattern):
            yield whole, each.callback
        elif whole == "admin/":
            yield whole, each.url_patterns[0].callback
        else:
            yield from _walk(each, whole)


def examples(*whose: Whose) -> list[str]:
    """One path for each pattern of these, with ids to be filled in."""
    return [f"/{rule.example or pattern}" for pattern, rule in RULES.items() if rule.whose in whose]


def rule_of(example: str) -> Rule:
    return next(rule for pattern, rule in RULES.items() if f"/{rule.example or pattern}" == example)


def nowhere(example: str) -> str:
    """The path with ids that no row has."""
    names = ("letter", "gone", "answer", "revision", "line", "pause")
    return example.format(**{name: uuid4() for name in names})
