"""People to name, and where those are led who have nobody to name yet."""

from pytest_django.asserts import assertContains, assertNotContains

from accounts.models import User
from healing.models import Answer
from tests.support.client import Client
from tests.support.returned_forms import on_a_page_of

CIRCLE = "/steps/6/circle/"
WORDS = "a helpline counts too"


def test_nobody_yet_leads_to_lines(as_alice: Client, alice: User) -> None:
    for address in (CIRCLE, "/saved/circle/"):
        page = as_alice.get(address).text
        words = page[page.index(WORDS) :]
        assert words[: words.index("</p>")].count('href="/help/"') == 1, address

    unnamed = as_alice.post(CIRCLE, on_a_page_of(alice))

    assertContains(unnamed, WORDS)
    assert not Answer.objects.exists()


def test_circle_with_somebody_in_it_says_nothing_of_nobody(as_alice: Client, alice: User) -> None:
    as_alice.post(CIRCLE, on_a_page_of(alice) | {"people-0-who": "K."})

    assertContains(as_alice.get("/saved/circle/"), "K.")
    assertNotContains(as_alice.get("/saved/circle/"), WORDS)


def test_other_exercises_say_nothing_of_nobody(as_alice: Client) -> None:
    assertNotContains(as_alice.get("/saved/wins/"), WORDS)
    assertNotContains(as_alice.get("/steps/1/filling-in/"), '/help/" target')
