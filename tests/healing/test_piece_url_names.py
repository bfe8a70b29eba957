"""Pieces with pages of their own: their places in the steps wait until the page is there."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from healing import piece_url_names
from healing.guide import guide
from healing.guide_files import load_guides
from healing.guide_loader import GuideFolder
from healing.guide_types import Guide
from safety.yaml_records import DataFileError
from tests.support.client import Client

Built = Callable[[str, str], None]
PLACES = {6: ["helper"], 8: ["breathe", "senses", "thoughts", "rough-day"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(settings.GUIDE_FOLDER / "en", tmp_path / "guide" / "en"))


def load(folder: Path) -> Guide:
    return load_guides(folder.parent)["en"]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> Built:
    """Say that a piece has a page, by its URL name."""
    return lambda piece, name: monkeypatch.setitem(piece_url_names.PIECES, piece, name)


def test_pieces_without_a_page_have_their_places_and_are_not_shown(
    client: Client, db: None
) -> None:
    found = {number: [each.piece for each in step.hidden] for number, step in guide().steps.items()}
    assert {number: words for number, words in found.items() if words} == PLACES
    hidden = {word for words in PLACES.values() for word in words}
    assert set(piece_url_names.PIECES) == hidden | {"pause"}

    for number, words in PLACES.items():
        page = client.get(f"/steps/{number}/")
        for piece in guide().steps[number].hidden:
            assertNotContains(page, f">{piece.title}</a>")
        for word in words:
            assert client.get(f"/steps/{number}/{word}/").status_code == 404


def test_pause_is_shown_in_its_place_and_leads_to_its_page(client: Client, db: None) -> None:
    step = guide().steps[2]
    assert [each.key for each in step.exercises][:2] == ["pause", "if-then"]

    page = client.get("/steps/2/")

    assertContains(page, 'href="/pause/">A hard moment</a>')
    assertRedirects(client.get("/steps/2/pause/"), "/pause/", fetch_redirect_response=False)


def test_piece_is_shown_in_its_place_once_it_has_a_page(
    folder: Path,
    built: Built,
    client: Client,
    db: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    built("helper", "safety:help")
    step = load(folder).steps[6]
    assert "helper" in [each.key for each in step.exercises]
    assert step.hidden == ()
    monkeypatch.setitem(guide().steps, 6, step)  # type: ignore[arg-type]

    page = client.get("/steps/6/")

    assertContains(page, f">{step.exercise('helper').title}</a>")  # type: ignore[union-attr]
    assertRedirects(client.get("/steps/6/helper/"), "/help/", fetch_redirect_response=False)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("piece: pause", "piece: nap", "“piece” is one of: breathe, helper, pause, rough-day,"),
        (
            "piece: pause",
            "piece: pause\n    desk: them",
            "an exercise has one of “fields”, “desk” and “piece”.",
        ),
        ("piece: pause", "piece: pause\n    key: rest", "“key” is not a name that belongs here."),
        ("key: if-then", "key: pause", "two exercises have the key “pause”."),
    ],
)
def test_mistakes_are_told(folder: Path, old: str, new: str, problem: str) -> None:
    path = folder / "steps/2-stop-chasing.md"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))

    with pytest.raises(DataFileError) as caught:
        load(folder)

    assert problem in str(caught.value)
    assert "guide/en/steps/2-stop-chasing.md, line " in str(caught.value)


def test_words_of_a_piece_that_is_hidden_are_looked_at(folder: Path) -> None:
    passages = [passage.words for passage in GuideFolder(folder).passages]

    for step in guide().steps.values():
        assert {piece.title for piece in step.hidden} <= set(passages)
