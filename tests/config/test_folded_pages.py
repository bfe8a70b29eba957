"""Every page reads the same with the loader that folds constants and with Django's own."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.cache import cache
from django.http import HttpResponse
from django.test import override_settings
from pytest_django import Settings

from accounts.actions import choose_name
from accounts.models import User
from healing.actions import mark_step, save_answer
from healing.guide import guide
from healing.models import StepMark
from journal.first_line_actions import add_opening
from journal.models import Opening, Revision, Words
from reminders.actions import turn_on
from tests.support.addresses import OBJECT, PRIVATE, PUBLIC, examples
from tests.support.client import Client
from tests.support.letters import a_draft, a_letter

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TOKEN = re.compile(r'(?:csrfmiddlewaretoken" value=|"csrf": )"\w+"')
# It locks the pages, which would make the later ones all the same.
LEAVES = "/leave/"


@pytest.fixture
def addresses(alice: User, now: datetime) -> list[str]:
    """One of each address, with something of Alice's in every room."""
    letter = a_letter(alice, "words", to="M.", now=now)
    draft = a_draft(alice, now=now)
    day = now.date() + timedelta(days=1)
    sealed = a_letter(alice, now=now, state="sealed", opens_on=day)
    ready = a_letter(alice, now=now, state="sealed", opens_on=now.date())
    let_go = a_letter(alice, now=now, state="let_go", let_go_at=now, let_go_from="kept")
    hour_ago = now - timedelta(hours=1)
    gone = a_letter(alice, now=now, state="let_go", let_go_at=hour_ago, leaves_line=True)
    revision = Revision.add(alice, letter, Words("M.", "earlier"), late=True, now=now)
    add_opening(person=alice, kind="them", text="I still", now=now)
    choose_name(person=alice, name="<Noor & Bo>", now=now)
    step = guide().steps[1]
    words = {"moments": [{"happened": "a", "filled_in": "b"}], "stands_out": "c"}
    answer = save_answer(
        person=alice, id=uuid4(), step=step, exercise=step.exercises[0], answer=words, now=now
    )
    mark_step(person=alice, step=guide().steps[2], state=StepMark.State.ASIDE, now=now)
    mark_step(person=alice, step=guide().steps[3], state=StepMark.State.SETTLED, now=now)
    turn_on(person=alice, hour=18, zone="Europe/Dublin", now=now)
    line = Opening.objects.get()
    rows = {"letter": letter, "gone": gone, "answer": answer, "revision": revision, "line": line}
    of_each = [
        each.format(**{name: row.pk for name, row in rows.items()})
        for each in examples(PUBLIC, PRIVATE, OBJECT)
        if each != LEAVES
    ]
    states = [f"/journal/{each.pk}/" for each in (sealed, ready, let_go)]
    ends = [f"/journal/{draft.pk}/{end}/" for end in ("edit", "close", "throw-away", "settle")]
    steps = [f"/steps/{number}/" for number in range(2, 9)]
    return [*of_each, *states, *ends, *steps, "/journal/?show=kept&kind=them", "/no/such/page/"]


@contextmanager
def plain_loader(settings: Settings) -> Iterator[None]:
    templates: list[dict[str, Any]] = deepcopy(settings.TEMPLATES)
    options = templates[0]["OPTIONS"]
    options["loaders"] = [
        ("django.template.loaders.cached.Loader", loaders) for _ours, loaders in options["loaders"]
    ]
    with override_settings(TEMPLATES=templates):
        yield


def seen(response: HttpResponse, known: str) -> tuple[int, str]:
    """The page, without tokens and fresh ids, which differ each time."""
    text = TOKEN.sub("token", response.content.decode())
    return response.status_code, UUID.sub(lambda id: id[0] if id[0] in known else "id", text)


@pytest.mark.parametrize("is_signed_in", [True, False])
def test_page_reads_the_same_with_either_loader(
    alice: User, addresses: list[str], is_signed_in: bool, now: datetime, settings: Settings
) -> None:
    cache.clear()
    known, pages = " ".join(addresses), dict[str, tuple[int, str]]()
    with time_machine.travel(now, tick=False):
        client = Client(raise_request_exception=False)
        if is_signed_in:
            client.force_login(alice)
        with plain_loader(settings):
            for address in addresses:
                pages[address] = seen(client.get(address), known)
        # Once to fold, once folded.
        for address in addresses * 2:
            assert (address, seen(client.get(address), known)) == (address, pages[address])

    assert sum(status == 200 for status, _text in pages.values()) > (55 if is_signed_in else 25)
