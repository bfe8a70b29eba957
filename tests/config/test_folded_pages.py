"""Every page reads the same with the loader that folds constants and with Django's own."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import datetime
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.http import HttpResponse
from django.test import override_settings
from pytest_django import Settings

from accounts.models import User
from tests.support.client import Client

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TOKEN = re.compile(r'(?:csrfmiddlewaretoken" value=|"csrf": )"\w+"')


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
