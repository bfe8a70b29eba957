"""The same places on every page, and in the same order."""

import re

import pytest

from tests.support.client import Client

SIGNED_IN = ["/today/", "/steps/", "/journal/", "/help/", "/you/"]
VISITOR = ["/", "/steps/", "/help/", "/accounts/login/"]
FOR_ANYONE = ["/", "/steps/", "/steps/1/", "/learn/", "/learn/signs/", "/help/", "/help/gb/"]
FOR_ALICE = ["/today/", "/progress/", "/journal/", "/journal/write/them/", "/you/", "/accounts/"]


def _places(client: Client, address: str) -> list[str]:
    [nav] = re.findall('(?s)<ul class="places">.*?</ul>', client.get(address).content.decode())
    return re.findall('href="([^"]*)"', nav)


@pytest.mark.parametrize("address", [*FOR_ANYONE, "/safety/", "/privacy/", "/nowhere/", *FOR_ALICE])
def test_signed_in_person_has_the_same_five_places(as_alice: Client, address: str) -> None:
    as_alice.get("/today/")

    assert _places(as_alice, address) == SIGNED_IN


@pytest.mark.django_db
@pytest.mark.parametrize("address", [*FOR_ANYONE, "/safety/", "/nowhere/", "/accounts/login/"])
def test_visitor_has_the_same_four_places(client: Client, address: str) -> None:
    assert _places(client, address) == VISITOR
