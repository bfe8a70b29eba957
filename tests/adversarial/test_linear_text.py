"""Text of a hundred thousand odd characters: the work grows with it, and no faster.

Work is counted and never timed: calls of functions, characters that `normalize` sorts, statements,
and bytes of pages. What takes more for longer text than it should also holds the interpreter, and
with it everybody else's pages.
"""

import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from cProfile import Profile
from datetime import datetime
from typing import Any, Literal
from uuid import uuid4

import pytest
from django.core.cache import cache

from accounts.actions import open_account
from accounts.models import User
from journal.forms import MAX_CHARACTERS
from journal.models import Letter, Revision, Words
from journal.saving import save_words
from journal.submitted_letter import Submission
from tests.support.addresses import RULES
from tests.support.client import PASSWORD, Client
from tests.support.database import Statements
from tests.support.letters import a_draft, a_letter
from tests.support.second_factors import code_of, give_app

# Two steps of the same size: the second adds as much work as the first where it is linear, and
# 2.4 times as much where it is quadratic.
LENGTHS = [MAX_CHARACTERS // 10, MAX_CHARACTERS * 11 // 20, MAX_CHARACTERS]
MOST = 1.5
# The part of all the work by which it differs from one time to the next.
CHANCE = 0.01
# In a row: twice what search leaves of a run, for marks that are two.
MOST_MARKS = 60

ODD = {
    "marks": "a\u0301",
    "nothing but marks": "\u0301",
    "one word": "a",
    "line ends": "\n",
    "line ends of forms": "\r\n",
    "spaces": " ",
    "no-break spaces": "\u00a0",
    "families of emoji": "👩\u200d👩\u200d👧\u200d👦",
    "right to left": "\u202eשלום\u202c ",
    "brackets": "(",
    "bait for regular expressions": "aaaaaaaaaaaaaaaa!",
    "quotes": "’",
    "dashes": "--",
    "beyond the basic plane": "𝒜",
    "a sentence in one character": "\ufdfa",
    "HTML": "<b>&amp;'\"",
    # The two of a run in the wrong order.
    "marks that come second": "\u0345",
    "marks that come first": "\u0334",
}
# A run of each in one text. White space stands before words in one and ends another: the first is
# where expressions that look for its end go back and forth, the second is cut off.
MIXES = {
    "ends with no-break spaces": [
        "marks",
        "spaces",
        "one word",
        "brackets",
        "line ends of forms",
        "dashes",
        "no-break spaces",
    ],
    "ends with line ends": [
        "nothing but marks",
        "line ends",
        "families of emoji",
        "quotes",
        "HTML",
        "no-break spaces",
        "line ends of forms",
        "line ends",
    ],
    "ends with spaces": [
        "marks that come second",
        "marks that come first",
        "right to left",
        "bait for regular expressions",
        "beyond the basic plane",
        "a sentence in one character",
        "spaces",
    ],
}

MARKS = "".join(filter(unicodedata.combining, map(chr, range(sys.maxunicode + 1))))
RUNS_OF_MARKS = re.compile(f"[{MARKS}]+")


def odd(mix: list[str], length: int) -> str:
    """Return so many characters: a run of each, and a letter of spaces alone would count as empty.

    What a piece leaves over is a letter between two runs.
    """
    room = (length - 1) // len(mix)
    runs = [ODD[name] * (room // len(ODD[name])) for name in mix]
    text = "".join(run + "y" * (room - len(run)) for run in runs)
    return "x" + "y" * (length - 1 - len(text)) + text


@contextmanager
def counted_work(statements: Statements) -> Iterator[Counter[str]]:
    work: Counter[str] = Counter()
    normalize = unicodedata.normalize

    def counting(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
        # Each run of marks is sorted in quadratic time.
        work["normalize"] += len(text) + sum(len(run) ** 2 for run in RUNS_OF_MARKS.findall(text))
        return normalize(form, text)

    profile = Profile(subcalls=False)
    with pytest.MonkeyPatch.context() as patch, statements() as found:
        patch.setattr(unicodedata, "normalize", counting)
        with profile:
            yield work
    work["calls"] = sum(function.callcount for function in profile.getstats())
    work["statements"] = len(found)


def every_page(browser: Client, person: User, text: str, now: datetime) -> int:
    """Put the text wherever text can be put, and look at every page with it. Return their bytes."""
    draft, kept = a_draft(person, "words", now=now), a_letter(person, text, now=now)
    late = Revision.add(person, draft, Words("", text), late=True, now=now)
    sent = {"id": str(uuid4()), "to": text, "body": text}
    first, second = {"body": text, "version": "1"}, {"body": f"{text[:-1]}y", "version": "2"}
    desk, step = f"/journal/{draft.pk}", "/steps/1/filling-in/"
    pages = [
        browser.post("/journal/write/them/", sent),
        browser.post("/journal/write/them/", sent | {"to": ""}),
        browser.post(f"{desk}/autosave/", first),
        browser.post(f"{desk}/autosave/", second),
        browser.get(f"{desk}/edit/"),
        browser.get(f"{desk}/versions/"),
        browser.get(f"{desk}/versions/{late.pk}/"),
        browser.post(f"{desk}/versions/{late.pk}/", {"keep": "other", "version": "3"}),
        browser.post(f"{desk}/close/", {"next_hour": text}),
        browser.get(f"/journal/{kept.pk}/"),
        browser.post(f"/journal/{kept.pk}/seal/", {"day": text, "tell_hour": text}),
        browser.post("/journal/write/them/lines/", {"opening": text}),
        browser.post("/journal/names/", {"shows_names": text}, follow=True),
        browser.post("/journal/search/", {"text": text}),
        browser.post("/journal/search/", {"text": "no such words"}, follow=True),
        browser.post("/journal/search/", {"text": text[:100]}, follow=True),
        browser.post(step, {"moments-0-happened": text, "stands_out": text, "id": "x"}),
        browser.post("/steps/5/boundary/", dict.fromkeys(("value", "situation", "action"), text)),
        browser.post("/steps/1/mark/", {"state": text}),
        browser.post("/you/", {"name": text, "time_zone": text, "language": text}),
        browser.post("/you/reminders/", {"hour": text, "zone": text}),
        browser.post("/accounts/password/change/", {"oldpassword": text, "password1": text}),
        Client().post("/accounts/login/", {"login": text, "password": text, "next": text}),
        Client().post("/accounts/signup/", {"email": text, "password1": text, "next": text}),
        Client().post("/accounts/password/reset/", {"email": text}),
    ]
    browser.get("/leave/")
    pages += [browser.post("/journal/write/them/", sent)]
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    Letter.objects.of(person).delete()
    return sum(len(page.content) for page in pages)


@pytest.mark.parametrize("mix", MIXES.values(), ids=MIXES)
def test_work_grows_with_the_text_and_no_faster(
    as_alice: Client, alice: User, now: datetime, statements: Statements, mix: list[str]
) -> None:
    # Compiles the templates.
    every_page(as_alice, alice, odd(mix, LENGTHS[0]), now)

    found = []
    for length in LENGTHS:
        # Rate limits count from one text to the next.
        cache.clear()
        with counted_work(statements) as work:
            size = every_page(as_alice, alice, odd(mix, length), now)
        found.append({**work, "bytes": size})

    few, more, many = found
    assert few.keys() == more.keys() == many.keys() == {"calls", "normalize", "statements", "bytes"}
    faster = {}
    for kind in many:
        first, second = more[kind] - few[kind], many[kind] - more[kind]
        if second > MOST * first + CHANCE * few[kind]:
            faster[kind] = (few[kind], more[kind], many[kind])
    assert faster == {}
    assert few["statements"] == more["statements"] == many["statements"]


class Sliced(str):
    """Text that counts the characters that are copied out of it."""

    __slots__ = ()
    copied: Counter[str] = Counter()

    def __getitem__(self, key: Any) -> "Sliced":
        piece = super().__getitem__(key)
        self.copied["characters"] += len(piece)
        return Sliced(piece)


@pytest.mark.parametrize(
    "change", [lambda text: f"{text}y", lambda text: f"y{text}", lambda text: f"y{text}y"]
)
def test_looking_for_what_is_unchanged_copies_each_character_a_few_times(
    alice: User, now: datetime, change: Callable[[str], str]
) -> None:
    before = "a" * (MAX_CHARACTERS - 2)
    letter = a_draft(alice, before, now=now, revised_at=now)
    Sliced.copied.clear()

    words = Words("", Sliced(change(before)))
    save_words(person=alice, id=letter.pk, submission=Submission(words, version=1), now=now)

    assert 0 < Sliced.copied["characters"] < 8 * len(before)


# --- Addresses -------------------------------------------------------------------------------


@contextmanager
def longest_run() -> Iterator[list[int]]:
    """The longest run of marks that `normalize` sorted."""
    normalize, found = unicodedata.normalize, [0]

    def measuring(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
        decomposed = normalize("NFKD" if "K" in form else "NFD", text)
        found[0] = max([found[0], *map(len, RUNS_OF_MARKS.findall(decomposed))])
        return normalize(form, text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unicodedata, "normalize", measuring)
        yield found


def no_address() -> str:
    """Another one each time: `urlsplit` caches what it has parsed."""
    return f"//x{uuid4().hex}" + "\u0345" * 500 + "\u0334" * 500


PAGES = [f"/{rule.example or pattern}" for pattern, rule in RULES.items()]


@pytest.mark.parametrize("signed_in", [False, True])
def test_no_page_parses_a_next_that_is_no_address(
    alice: User, at: Callable[[str], str], *, signed_in: bool
) -> None:
    browser = None
    with longest_run() as longest:
        for page in map(at, PAGES):
            if browser is None:
                browser = Client(raise_request_exception=False)
                if signed_in:
                    browser.force_login(alice)
            answers = [
                browser.get(page, {"next": no_address()}),
                browser.post(page, {"next": no_address()}),
                browser.post(page, {"next": [no_address(), "/today/"]}),
            ]

            assert longest[0] <= MOST_MARKS, page
            # What leads elsewhere may have ended the session.
            if any(answer.status_code // 100 == 3 for answer in answers):
                browser = None


def test_no_page_parses_it_once_a_form_is_right(db: None, now: datetime) -> None:
    person = open_account(email="carol@example.org", password=PASSWORD, now=now)
    person.record_safety_shown(now=now)
    new = {"email": "eve@example.org", "password1": PASSWORD, "consent": "on"}
    known, browser = {"login": person.email, "password": PASSWORD}, Client()

    def sends_on(page: str, sent: dict[str, str]) -> None:
        assert browser.post(page, sent | {"next": no_address()}).status_code == 302, page

    with longest_run() as longest:
        sends_on("/accounts/signup/", new)
        sends_on("/accounts/login/", known)
        browser.get("/leave/")
        sends_on("/accounts/reauthenticate/", {"password": PASSWORD})
        secret, browser = give_app(person), Client()
        sends_on("/accounts/login/", known)
        sends_on("/accounts/2fa/authenticate/", {"code": code_of(secret)})
        User.objects.update(is_staff=True, is_superuser=True)
        browser.post("/admin/logout/", {"next": no_address()})

    assert longest[0] <= MOST_MARKS


def test_very_long_next_is_no_address(client: Client, db: None) -> None:
    for length, onward in ((2000, True), (2001, False)):
        address = f"/{'a' * (length - 1)}"
        assert (address in client.get("/accounts/login/", {"next": address}).text) is onward
