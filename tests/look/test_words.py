"""One word has one meaning, in pages, mails, messages and the guide."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.support.template_files import ROOT, TEMPLATES

GUIDE = ROOT / "healing" / "guide"
GETTEXT = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext"}
TRANSLATED = re.compile(
    r'(?s){%-? ?translate "(.*?)" ?%}|{% translate "(.*?)" as |{% blocktranslate.*?%}(.*?){% endb'
)

# What pages said for the same thing before, or for two things at once.
OLD_WORDS = re.compile(
    r"""(?x)
      ^[Kk]eep\ (?:this\ line|this\b|it\ as\ a\ draft|the\ changes) | \b[Kk]ept\ at\b
    | ^It\ is\ kept | ^Kept\.$ | changes\ are\ kept | [Nn]othing\ is\ kept | not\ kept\ yet
    | [Ss]it\ down\ at\ the\ desk | [Cc]hoose\ a\ paper
    | pen\ is\ down | [Pp]ut\ the\ pen\ down | had\ enough\ for\ today
    | [Ww]ords\ in\ my\ own | [Ll]ook\ for\ them
    | \b[Ss]ettled?\b | \b[Ss]et(?:ting)?\ (?:it\ |one\ )?aside | ^Not\ this\ one
    | finds\ its\ way | on\ the\ water\ until
    | [Ss]tones?\ (?:across|has\ been) | [Yy]our\ crossing | [Nn]othing\ is\ waiting\ for
    | [Ww]here\ (?:you\ are|are\ you\?)$
    | [Cc]oming\ in\b | [Ww]ho\ came\ in | [Ss]econd\ steps?
    | ^(?!.*(?:voice|church)).*\b[Nn]otes?\b
    | have\ gone\ quiet, | moved\ on\ without
    | [Nn]obody\ reads
    | [Pp]ages\ (?:are|have)\ closed | [Oo]pen\ my\ pages
    | [Mm]ore\ room\b | [Tt]ake\ it\ away | [Rr]oom\ for\ twelve
    | [Oo]ne\ sign | [Tt]here\ is\ a\ sign | in\ no\ calendar
    | [Ww]hoever\ runs | this\ place\b(?!\.)
    | clock\ of\ London
    | [Kk]ept\ sealed | [Ss]tored\ sealed | (?:lie|stored)(?:\ for\ me)?,?\ sealed\b
    | [Ss]ealed\ (?:under|before\ it|bytes|piece) | What\ is\ sealed
    """
)
# Facts of the guide that its sources do not carry, and images upon images.
OLD_SENTENCES = (
    "silent rejection is likely what is happening",
    "In other studies, people left without a word",
    "too big for all this",
    "things have lost their point",
    "on the far side of them",
    "If that is not possible, I will ask once",
    "A deep well",
    "the work of two",
    "nearer your own middle",
    "stops giving orders",
    "A church keeps a note",
    "never ours to keep",
    "asked themselves why as if they were watching",
)


def _in_python() -> Iterator[tuple[str, str]]:
    for file in ROOT.glob("[!.]*/**/*.py"):
        if file.relative_to(ROOT).parts[0] in {"tests", "bench", "local"}:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in GETTEXT:
                for each in node.args:
                    if isinstance(each, ast.Constant) and isinstance(each.value, str):
                        yield file.name, each.value


def _in_templates() -> Iterator[tuple[str, str]]:
    for file in [*TEMPLATES.rglob("*.html"), *TEMPLATES.rglob("*.txt")]:
        if "dev_inbox" in file.parts:
            continue
        for found in TRANSLATED.findall(file.read_text()):
            yield file.relative_to(TEMPLATES).as_posix(), "".join(found)


def _in_guide() -> Iterator[tuple[str, str]]:
    for file in GUIDE.rglob("*.md"):
        for line in file.read_text().splitlines():
            yield file.name, re.sub(r"^\s*\w+: ", "", line)


@pytest.mark.parametrize("texts", [_in_python, _in_templates, _in_guide])
def test_old_words_are_gone(texts):
    found = list(texts())

    assert len(found) > 100
    assert [(where, text) for where, text in found if OLD_WORDS.search(text)] == []


def test_sentences_that_said_too_much_are_gone():
    everything = [*_in_python(), *_in_templates(), *_in_guide()]

    assert [(w, t) for w, t in everything for old in OLD_SENTENCES if old in t] == []
