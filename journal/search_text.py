"""Compare text as people read it: “Cafe” finds “Café”, and “didn't” finds “didn’t”.

`unicodedata.normalize` sorts each run of combining marks, in a time that is quadratic in the length
of the run. Cut the runs first: all else here is linear.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

# As in the Stream-Safe Text Format (UAX #15, D3). No language needs more in a row.
MAX_MARKS = 30

# What keyboards type for what phones and word processors make of it, and for letters that have no
# decomposition in Unicode.
PLAIN = {
    **dict.fromkeys('"`´‘’‚‛“”„‟′‵″‶‹›«»ʼ＇＂', "'"),
    **dict.fromkeys("‐‑‒–—―⁃−﹘﹣－", "-"),
    # Phones make one dash of two hyphens.
    **dict.fromkeys(("---", "--"), "-"),
    **dict.fromkeys("øØ", "o"),
    **dict.fromkeys("łŁ", "l"),
    **dict.fromkeys("đĐ", "d"),
    **dict.fromkeys("ħĦ", "h"),
    **dict.fromkeys("ŧŦ", "t"),
    **dict.fromkeys("æÆ", "ae"),
    **dict.fromkeys("œŒ", "oe"),
    "ı": "i",
    # One character that decomposes into a sentence of 18, or of 8, would multiply the work.
    **dict.fromkeys("\ufdfa\ufdfb", " "),
}
# Characters that are not seen themselves, such as soft hyphens, joiners and variation selectors:
# Default_Ignorable_Code_Point in Unicode.
INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff"
)

# Where combining marks are, in the basic plane of Unicode and beyond it.
BASIC_MARKS = range(0x300, 0x10000)
FURTHER_MARKS = range(0x101FD, 0x1E94B)
# They have no combining class of their own, and decompose into marks that have one.
DECOMPOSED_MARKS = "\u0f73\u0f75\u0f81\uff9e\uff9f"


@dataclass(frozen=True)
class SearchText:
    """What somebody is looking for."""

    same: str
    # Empty if nothing but marks and invisible characters was typed.
    similar: str

    @classmethod
    def parse(cls, text: str) -> "SearchText":
        text = cut_mark_runs(text)
        return cls(_same(text), join_spaces(_similar(text)))

    @property
    def reach(self) -> int:
        """The length of a text, with single spaces and without long runs, that surely holds it."""
        # A character may have marks, and four to six hyphens in a row make one of them.
        return 2 * (MAX_MARKS + 1) * max(len(self.same), len(self.similar))

    def is_in(self, text: str) -> bool:
        """Whether a text without long runs of marks contains it, in any case."""
        return self.same in _same(text)

    def is_nearly_in(self, text: str) -> bool:
        """Whether the text contains it but for accents and the kind of quotes, dashes, spaces."""
        words, text = self.similar.split(), _similar(text)
        # Joining spaces takes longest, and most letters lack one of the words.
        has_words = bool(words) and all(word in text for word in words)
        return has_words and self.similar in join_spaces(text)


def cut_mark_runs(text: str) -> str:
    """Return the text with at most MAX_MARKS combining marks in a row.

    Invisible characters count as marks: between marks, they would be dropped and leave a long run.
    """
    if text.isascii():
        return text
    return _maybe_long_run().sub(lambda run: _long_run().sub(r"\1", run[0]), text)


def _same(text: str) -> str:
    """Make text that looks the same compare equal, in any case and with any line ends."""
    return _ignore_case(unicodedata.normalize("NFC", text.replace("\r\n", "\n")))


def _similar(text: str) -> str:
    for character, plain in PLAIN.items():
        text = text.replace(character, plain)
    if not text.isascii():
        text = _dropped().sub("", unicodedata.normalize("NFKD", text))
        # Compose what is left, or one Korean syllable is found inside another.
        text = unicodedata.normalize("NFC", text)
    return _ignore_case(text)


def _ignore_case(text: str) -> str:
    # The same for ASCII, and many times faster.
    return text.lower() if text.isascii() else text.casefold()


def join_spaces(text: str) -> str:
    """Make one space of every run of spaces and line ends, of any kind."""
    return " ".join(text.split())


def _marks(codes: range) -> str:
    return "".join(chr(code) for code in codes if unicodedata.combining(chr(code)))


@cache
def _maybe_long_run() -> re.Pattern[str]:
    # Characters beyond the basic plane, one by one, make a class ten times slower: take them all.
    marks = f"{_marks(BASIC_MARKS)}{DECOMPOSED_MARKS}{INVISIBLE}"
    further = f"{chr(FURTHER_MARKS.start)}-{chr(FURTHER_MARKS.stop - 1)}"
    return re.compile(f"[{marks}{further}]{{{MAX_MARKS + 1},}}")


@cache
def _long_run() -> re.Pattern[str]:
    marks = f"{_marks(BASIC_MARKS)}{DECOMPOSED_MARKS}{INVISIBLE}{_marks(FURTHER_MARKS)}"
    return re.compile(f"([{marks}]{{{MAX_MARKS}}})[{marks}]+")


@cache
def _dropped() -> re.Pattern[str]:
    accents = "".join(filter(_is_accent, _marks(BASIC_MARKS)))
    return re.compile(f"[{accents}{INVISIBLE}]")


def _is_accent(mark: str) -> bool:
    """Whether a word stays the same word without this mark.

    Accents, and the points of Hebrew and Arabic. Marks of the other classes are vowels or make
    another letter, as in Hindi, Thai and Japanese.
    """
    combining_class = unicodedata.combining(mark)
    return combining_class == 1 or 10 <= combining_class <= 36 or combining_class >= 200
