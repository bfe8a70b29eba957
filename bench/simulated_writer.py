"""Somebody at the desk, as the script of the page keeps their words: every change is sent with the
version it was made from, and what was not confirmed is sent again, however long that takes.

One seed writes the same letters each time.
"""

import json
import random
import re
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from html import unescape
from urllib.parse import urlencode
from uuid import UUID

from bench.load_generator import Cookies, ask, status_of
from bench.page_weight import answer, words

PAPER = re.compile(r"<textarea[^>]*>\n?(.*?)</textarea>", re.DOTALL)
# A new letter, on average, after so many changes.
CHANGES = 60
# Words of one person hold signs that no other writer ever types.
HANDS = ("αβγδεζηθικλ", "абвгдежзикл", "あいうえおかき", "אבגדהוזחט")
SHARED = "the river, a cup of tea. \n🌊é<&>"


@dataclass
class Letter:
    id: UUID
    text: str = ""
    version: int = 0
    confirmed: str = ""
    # Sent, and not answered yet: it may have been kept or not.
    unsure: str | None = None
    revision: str = ""


@dataclass
class Writer:
    port: int
    cookies: Cookies
    token: str
    number: int
    seed: int
    letters: list[Letter] = field(default_factory=list)
    sent: int = 0
    unanswered: int = 0
    # Answers by which the server set words beside others; there is only one writer of each letter.
    set_beside: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(f"{self.seed}-{self.number}")  # noqa: S311 - a story, no secret
        self.signs = HANDS[self.number] + SHARED

    def change(self) -> bool:
        """Type, take away or put in between, now and then on a new paper. Whether it is kept."""
        if not self.letters or self.chance.random() < 1 / CHANGES:
            self.letters.append(Letter(self._new_id()))
        letter = self.letters[-1]
        at = self.chance.randrange(len(letter.text) + 1)
        gone = self.chance.choice((0, 0, 0, 1, 12))
        typed = "".join(self.chance.choices(self.signs, k=self.chance.randrange(1, 40)))
        letter.text = letter.text[:at] + typed + letter.text[at + gone :]
        return self.keep()

    def keep(self) -> bool:
        """Try to have everything confirmed. Whether it is."""
        # Each of them, also where one before it cannot be kept now.
        kept = [self._keep(letter) for letter in self.letters]
        return all(kept)

    def _keep(self, letter: Letter) -> bool:
        if letter.unsure is None and letter.text.strip() and letter.text != letter.confirmed:
            letter.unsure = letter.text
        while letter.unsure is not None:
            # What may have been kept already comes first, as it was: the same words are always
            # fine, and its answer tells the version to go on from.
            if not self._send(letter, letter.unsure):
                return False
            letter.unsure = letter.text if letter.text != letter.confirmed else None
        return True

    def _send(self, letter: Letter, text: str) -> bool:
        sheet = {
            "csrfmiddlewaretoken": self.token,
            "id": str(letter.id),
            "kind": "them",
            "body": text,
            "version": str(letter.version),
            "revision": letter.revision,
        }
        self.sent += 1
        try:
            body = urlencode(sheet).encode()
            said = ask(self.port, f"/journal/{letter.id}/autosave/", self.cookies, body)
        except OSError:
            said = b""
        if status_of(said) == 409:
            self.set_beside += 1
            return False
        if status_of(said) != 200:
            self.unanswered += 1
            return False
        told = json.loads(said.partition(b"\r\n\r\n")[2])
        letter.version, letter.confirmed = told["version"], text
        return True

    def _new_id(self) -> UUID:
        return UUID(int=self.chance.getrandbits(128), version=4)

    # --- Afterwards ---

    def lost(self) -> int:
        """Signs that stand on the paper and not in the letter, or the other way round."""
        written = [letter for letter in self.letters if letter.text.strip()]
        return sum(_apart(letter.text, self._read(letter)) for letter in written)

    def mixed(self) -> int:
        """Signs of other writers in these letters."""
        others = set("".join(HANDS)) - set(HANDS[self.number])
        return sum(sign in others for letter in self.letters for sign in self._read(letter))

    def _read(self, letter: Letter) -> str:
        page = words(answer(self.port, f"/journal/{letter.id}/edit/", dict(self.cookies)))
        found = PAPER.search(page)
        return unescape(found[1]) if found else ""


def _apart(one: str, other: str) -> int:
    if one == other:
        return 0
    same = SequenceMatcher(None, one, other, autojunk=False)
    return len(one) + len(other) - 2 * sum(block.size for block in same.get_matching_blocks())
