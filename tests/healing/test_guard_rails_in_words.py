"""What the guide's own words have to say, or may never say: its guard rails that are no code."""

import re
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from pytest_django.asserts import assertContains

from accounts.models import User
from healing.gathering_kinds import GATHERINGS
from healing.guide import guide
from healing.guide_types import STEPS, Exercise
from healing.models import Answer
from journal.letter_kinds import KINDS
from tests.support.client import Client
from tests.support.returned_forms import on_a_page_of

pytest_plugins = ["tests.support.every_page"]

EXERCISES = {each.key: each for step in guide().steps.values() for each in step.exercises}
ADDRESSES = [
    f"/steps/{number}/{exercise.key}/"
    for number, step in guide().steps.items()
    for exercise in step.exercises
    if not exercise.desk and not exercise.piece
]
# What an address would give away to somebody who reads the browser's history.
TELLING = re.compile(
    r"silen|reject|ghost|abuse|afraid|leav|\bex\b|hurt|break|lonel|suic|die|dying|harm|danger|therap"
    r"|depress|grief|partner|love"
)
COUNTS = re.compile(
    r"\d ?%|per ?cent|streak|(?:days|nights) in a row|\bscores?\b|\b\d+ of 8 (?:steps|done)"
    r"|\b\d+ (?:days|nights|weeks) (?:so far|since|without)",
    re.IGNORECASE,
)


def words_of(exercise: Exercise) -> str:
    """Everything that its page says."""
    fields = [text for each in exercise.fields for text in (each.label, each.hint)]
    return " ".join([exercise.title, exercise.intro, exercise.care, exercise.kept, *fields])


def text_of(page: str) -> str:
    """What is read on a page, without what was written there by a person."""
    without_code = re.sub("(?s)<(script|style|head).*?</\\1>", "", page)
    return " ".join(unescape(re.sub("<[^>]*>", " ", without_code)).split())


# --- Before something heavy -----------------------------------------------------------------


@pytest.mark.parametrize(
    "address", [*(f"/steps/{n}/" for n in STEPS), *(f"/learn/{slug}/" for slug in guide().readings)]
)
def test_heavy_pages_begin_with_a_line_of_warning(client: Client, db: None, address: str) -> None:
    main = client.get(address).text.partition("<main")[2]

    warning = main.index("Before you start")
    assert warning < main.index("<article"), "it stands before what it warns of"


@pytest.mark.parametrize("address", ["/steps/5/", "/steps/7/", "/learn/when-to-walk-away/"])
def test_fear_comes_before_a_line_or_another_view(client: Client, db: None, address: str) -> None:
    warning = text_of(client.get(address).text).partition("Before you start")[2][:400]

    assert re.search("frighten|afraid", warning)
    assert re.search("help page|first part is for you", warning)


@pytest.mark.parametrize(
    ("address", "proof"),
    [
        ("/learn/signs/", "no proof of abuse by itself"),
        ("/steps/5/", "taken alone, does not prove abuse"),
        ("/safety/", "Silence alone does not prove"),
    ],
)
def test_silence_alone_proves_nothing_and_silence_with_fear_is_said(
    client: Client, db: None, address: str, proof: str
) -> None:
    said = text_of(client.get(address).text)

    after = said[said.index(proof) :][:900]
    for sign in ("fear|afraid", "[Tt]hreat", "watch", "money", "friends|people|others", "sex"):
        assert re.search(sign, after), sign
    assert re.search("punish", after)
    assert re.search("different (?:matter|kind)|something else", after)


# --- Exercises --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("both-true", "It asks nothing of you: not to stay, not to go."),
        ("asking", "not to the one who went quiet"),
        (
            "boundary",
            "Nobody has to hear it, and please do not say it to someone who may hurt you.",
        ),
        ("fairer", "If no fairer sentence comes, “not yet” is an answer."),
        ("kind-letter", "If the words sting, do one kind thing for yourself instead."),
        ("looking", "Nothing is forbidden here."),
        ("one-message", "Nothing is ever sent from here."),
        ("going-round", "It gives no advice, and nothing has to follow from it."),
        ("mine", "Not doing it is fine too."),
        ("helper", "neither saved nor sent"),
    ],
)
def test_exercise_says_what_it_does_not_ask(key: str, words: str) -> None:
    everything = {each.key: each for step in guide().steps.values() for each in step.all_exercises}

    assert words in words_of(everything[key])


def test_two_truths_never_end_in_staying() -> None:
    words = words_of(EXERCISES["both-true"]).replace("not to stay, not to go", "")

    assert not re.search(r"\b(stay|go back|give them|forgive|try again)", words)
    assert EXERCISES["both-true"].makes == ("Both are true: {one}, and {other}.",)


def test_own_sentences_come_from_no_list() -> None:
    exercise = EXERCISES["sentences"]

    assert exercise.makes == ("I care about {value}, and I showed it when I {act}.",)
    assert [field.kind for field in exercise.fields] == ["text", "text"]
    assert all(field.hint.startswith("For example: ") for field in exercise.fields)


@pytest.mark.parametrize("fairer", ["", "Not yet."])
def test_thought_without_a_fairer_sentence_is_saved(
    as_alice: Client, alice: User, fairer: str
) -> None:
    said = {"thought": "I am too much.", "speaks_for": "", "speaks_against": "", "fairer": fairer}
    saved = as_alice.post("/steps/7/fairer/", on_a_page_of(alice) | said, follow=True)

    assert Answer.objects.of(alice).count() == 1
    assertContains(saved, "with or without a fairer sentence")


def test_every_way_is_answered_by_the_same_words(as_alice: Client, alice: User) -> None:
    """Staying, changing, leaving and “not yet” get no advice: nothing on the page differs."""
    said = set()
    for choice in EXERCISES["going-round"].fields[-1].choices:
        sent = {"which-question": "way", "id": str(uuid4()), "way": choice.key}
        as_alice.post("/steps/5/going-round/4/", sent)
        as_alice.post("/steps/5/going-round/check/", {})
        page = text_of(as_alice.get("/steps/5/going-round/").text)
        said.add(page.replace(choice.label, "the choice"))
        Answer.objects.all().delete()

    assert len(said) == 1


@pytest.mark.parametrize("way", ["write", "none", "asked"])
def test_no_page_of_one_message_can_send_it(as_alice: Client, alice: User, way: str) -> None:
    address, said = (
        "/steps/2/one-message/",
        {"way": way, "message": "Is Friday still on?", "on_day": ""},
    )
    opened = as_alice.post(address, on_a_page_of(alice) | {"way": way}).content.decode()
    saved = as_alice.post(address, on_a_page_of(alice) | said, follow=True).text
    row = Answer.objects.of(alice).latest("created_at")

    pages = [as_alice.get(address).text, opened, saved, as_alice.get(f"{address}{row.pk}/").text]
    for page in pages:
        targets = re.findall(r'\b(?:action|formaction|href)="([^"]*)"', page)
        for target in targets:
            assert re.match("[/#?]", target), target
        assert not re.search(r"navigator\.share|data-copy|wa\.me", page)


# --- What no page says ------------------------------------------------------------------------


@pytest.mark.parametrize("key", [*EXERCISES, *GATHERINGS, *KINDS])
def test_addresses_reveal_nothing(key: str) -> None:
    assert not TELLING.search(key)


def test_titles_of_exercises_name_the_step_only(client: Client, db: None) -> None:
    for address in ADDRESSES:
        title = re.findall("<title>(.*?)</title>", client.get(address).text)
        assert title == [f"Step {address[7]} – Notes"], address


def test_no_page_counts_or_rates(as_alice: Client, addresses: list[str]) -> None:
    """Only how far text can be enlarged is told in per cent."""
    for address in addresses:
        if address == "/accessibility/":
            continue
        said = text_of(as_alice.get(address).text)
        assert not COUNTS.search(said), (address, COUNTS.search(said))


def test_leaving_says_its_limits_before_an_account_is_made(client: Client, db: None) -> None:
    form: Any = client.get("/accounts/signup/").text
    form = form[form.index("<main") : form.index("</main>")]

    before = form[: form.index("Make my account</button>")]
    assert "“Leave now” cannot take these pages out of the browser’s history" in unescape(before)
    assert 'href="/safety/"' in before
