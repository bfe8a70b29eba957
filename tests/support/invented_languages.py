"""Two languages that nobody speaks: every letter of the interface has an accent, every word is at
least 40 % longer, and the second is written from right to left.

What still has plain letters on such a page was never given to a translator.
"""

import ast
import json
import math
import re
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import global_settings
from django.conf import settings as loaded
from pytest_django import Settings

from tests.support.template_files import ROOT

ACCENTED, MIRRORED = "xa", "xb"
LANGUAGES = [("en", "English"), (ACCENTED, "Åççéñţéð"), (MIRRORED, "Ɱîŕŕöŕéð")]
LETTERS = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "åƀçðéƒĝĥîĵķļɱñöþǫŕšţûṽŵẋýžÅƁÇÐÉƑĜĤÎĴĶĻⱮÑÖÞǪŔŠŢÛṼŴẊÝŽ",
)
# Placeholders, tags and addresses stay as they are.
KEPT = re.compile(r"(%\(\w+\)[sd]|%[sd%]|\{\w*\}|<[^>]+>|&\w+;|https?://\S+|/[\w/-]+/)")
ADDRESS = re.compile(r"https?://\S+|/[\w/-]+/|[a-z0-9-]+(?:\.[a-z0-9-]+)+")
ENTRY = re.compile(r'^(msgctxt|msgid|msgid_plural) ((?:".*"\n)+)', re.MULTILINE)
HEADER = (
    'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
    '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n'
)
PLAIN = re.compile(r"[A-Za-z]{2,}")
SPOKEN = {"alt", "title", "aria-label", "placeholder", "data-done", "data-failed"}
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


def in_invented(words: str) -> str:
    """The same words as a translator of such a language would write them."""
    parts = KEPT.split(words)
    return "".join(
        part if number % 2 else re.sub(r"[^\W\d_]+", _longer, part)
        for number, part in enumerate(parts)
    )


def _longer(word: re.Match[str]) -> str:
    return word[0].translate(LETTERS) + "ö" * math.ceil(len(word[0]) * 0.4)


def translate_catalogue(catalogue: str) -> str:
    """This catalogue with every message translated."""
    return HEADER + "".join(f"\n{entry}" for entry in _translated(catalogue))


def _translated(catalogue: str) -> Iterator[str]:
    for block in catalogue.split("\n\n")[1:]:
        entry = {
            name: "".join(ast.literal_eval(line) for line in lines.splitlines())
            for name, lines in ENTRY.findall(f"{block}\n")
        }
        if not entry:
            continue
        given = [f"{name} {_quoted(words)}" for name, words in entry.items()]
        one = _quoted(in_invented(entry["msgid"]))
        if "msgid_plural" in entry:
            many = _quoted(in_invented(entry["msgid_plural"]))
            given += [f"msgstr[0] {one}", f"msgstr[1] {many}"]
        else:
            given.append(f"msgstr {one}")
        yield "\n".join(given) + "\n"


def _quoted(words: str) -> str:
    return json.dumps(words, ensure_ascii=False)


@pytest.fixture(scope="session")
def invented_catalogues(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like locale/, with the two languages."""
    folder = tmp_path_factory.mktemp("locale")
    words = (ROOT / "locale/en/LC_MESSAGES/django.po").read_text()
    for language in (ACCENTED, MIRRORED):
        catalogue = folder / language / "LC_MESSAGES" / "django.po"
        catalogue.parent.mkdir(parents=True)
        catalogue.write_text(translate_catalogue(words))
        command = ["msgfmt", "--check", "-o", catalogue.with_suffix(".mo"), catalogue]
        subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture
def invented(invented_catalogues: Path, settings: Settings) -> None:
    """The site offers both languages beside English; the guide is in English only."""
    settings.LOCALE_PATHS = [*loaded.LOCALE_PATHS, invented_catalogues]
    settings.LANGUAGES_BIDI = [*global_settings.LANGUAGES_BIDI, MIRRORED]
    settings.LANGUAGES = LANGUAGES
    # Without names of months, which come from Django’s own catalogues.
    settings.DATE_FORMAT, settings.TIME_FORMAT = "Y-m-d", "H:i"
    settings.YEAR_MONTH_FORMAT = "Y-m"


class _Words(HTMLParser):
    """The words of a page that its reader sees or hears, beside those marked as another language's
    or as somebody's own."""

    def __init__(self, page: str, language: str) -> None:
        super().__init__()
        self.language = language
        # For each open element: whether its words are in the language of the page.
        self.open: list[tuple[str, bool]] = []
        self.ours: list[str] = []
        self.others: list[str] = []
        self.feed(page)

    @property
    def is_ours(self) -> bool:
        return bool(self.open) and self.open[-1][1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        is_ours = self.is_ours or tag == "html"
        if "lang" in given:
            is_ours = given["lang"] == self.language
        # The names of time zones are names of places.
        is_name = tag == "optgroup"
        is_ours = is_ours and given.get("translate") != "no" and not is_name
        is_ours = is_ours and tag not in {"script", "style"}
        if is_ours:
            self.ours += [value or "" for name, value in attrs if name in SPOKEN]
        if tag not in VOID:
            self.open.append((tag, is_ours))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        (self.ours if self.is_ours else self.others).append(data)


def untranslated(page: str, language: str, *, besides: tuple[str, ...] = ()) -> list[str]:
    """The words of this page in plain letters that nothing marks as English."""
    names = [loaded.SITE_NAME, loaded.DISCREET_NAME, "UTC", *besides]
    found = []
    for words in _Words(page, language).ours:
        shown = words
        for name in names:
            shown = shown.replace(name, "")
        if PLAIN.search(ADDRESS.sub("", shown)):
            found.append(" ".join(words.split()))
    return found


def marked_as_english(page: str, language: str) -> list[str]:
    """The words of this page in accented letters that pass for another language."""
    return [" ".join(words.split()) for words in _Words(page, language).others if "öö" in words]
