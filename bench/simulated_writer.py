"""A person at the desk, saving as the page's script does: each change names the version it was
made from, and what is not confirmed is sent again until it is.

The same seed writes the same letters.
"""

import json
import random
import re
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from html import unescape
from http import HTTPStatus
from urllib.parse import urlencode
from uuid import UUID

from bench.load_generator import Cookies, request, status_of
from bench.page_weight import fetch, text_of

TEXTAREA = re.compile(r"<textarea[^>]*>\n?(.*?)</textarea>", re.DOTALL)
# On average.
CHANGES_PER_LETTER = 60
# Characters that only one writer types, so that mixed-up letters are noticed.
ALPHABETS = ("αβγδεζηθικλ", "абвгдежзикл", "あいうえおかき", "אבגדהוזחט")
SHARED = "the river, a cup of tea. \n🌊é<&>"


@dataclass
class Letter:
    id: UUID
    text: str = ""
    version: int = 0
    confirmed: str = ""
    # Sent without an answer: it may or may not be saved.
    unconfirmed: str | None = None
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
    # Answers with 409. Each letter has one writer, so there should be none.
    conflicts: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(f"{self.seed}-{self.number}")  # noqa: S311 - a story, no secret
        self.alphabet = ALPHABETS[self.number] + SHARED

    def change(self) -> bool:
        """Insert or delete, or begin a new letter. Return whether everything is saved."""
        if not self.letters or self.random.random() < 1 / CHANGES_PER_LETTER:
            self.letters.append(Letter(self._new_id()))
        letter = self.letters[-1]
        at = self.random.randrange(len(letter.text) + 1)
        deleted = self.random.choice((0, 0, 0, 1, 12))
        typed = "".join(self.random.choices(self.alphabet, k=self.random.randrange(1, 40)))
        letter.text = letter.text[:at] + typed + letter.text[at + deleted :]
        return self.save()

    def save(self) -> bool:
        """Send what is not confirmed. Return whether everything is now."""
        # A list, not a generator: try every letter, also after one that cannot be saved now.
        saved = [self._save(letter) for letter in self.letters]
        return all(saved)

    def _save(self, letter: Letter) -> bool:
        if letter.unconfirmed is None and letter.text.strip() and letter.text != letter.confirmed:
            letter.unconfirmed = letter.text
        while letter.unconfirmed is not None:
            # Repeat unchanged what may be saved already: the same words are always accepted, and
            # the response names the version to continue from.
            if not self._send(letter, letter.unconfirmed):
                return False
            letter.unconfirmed = letter.text if letter.text != letter.confirmed else None
        return True

    def _send(self, letter: Letter, text: str) -> bool:
        form = {
            "csrfmiddlewaretoken": self.token,
            "id": str(letter.id),
            "kind": "them",
            "body": text,
            "version": str(letter.version),
            "revision": letter.revision,
        }
        self.sent += 1
        address = f"/journal/{letter.id}/autosave/"
        try:
            answer = request(self.port, address, self.cookies, urlencode(form).encode())
        except OSError:
            answer = b""
        status = status_of(answer)
        if status == HTTPStatus.CONFLICT:
            self.conflicts += 1
            return False
        if status != HTTPStatus.OK:
            self.unanswered += 1
            return False
        saved = json.loads(answer.partition(b"\r\n\r\n")[2])
        letter.id, letter.version = UUID(saved["id"]), saved["version"]
        letter.confirmed = text
        return True

    def _new_id(self) -> UUID:
        return UUID(int=self.random.getrandbits(128), version=4)

    # --- Afterwards ---

    def lost_characters(self) -> int:
        """Count the characters that were typed and not saved, or the other way round."""
        written = [letter for letter in self.letters if letter.text.strip()]
        return sum(_difference(letter.text, self._read(letter)) for letter in written)

    def foreign_characters(self) -> int:
        """Count the characters of other writers in these letters."""
        others = set("".join(ALPHABETS)) - set(ALPHABETS[self.number])
        return sum(each in others for letter in self.letters for each in self._read(letter))

    def _read(self, letter: Letter) -> str:
        page = text_of(fetch(self.port, f"/journal/{letter.id}/edit/", dict(self.cookies)))
        found = TEXTAREA.search(page)
        return unescape(found[1]) if found else ""


def _difference(one: str, other: str) -> int:
    if one == other:
        return 0
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return len(one) + len(other) - 2 * sum(block.size for block in matcher.get_matching_blocks())
