"""The floor keeps to what a bare Django does: one session, one person, one thin template."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from config import settings as ours
from local.folder import ROOT

# In a process and a database of its own: it has other settings and other tables.
ASK = """
import json
import django
django.setup()
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, setup_databases, teardown_databases
name = connection.settings_dict["NAME"]
connection.settings_dict["TEST"]["NAME"] = f"test_floor_{name}"
made = setup_databases(verbosity=0, interactive=False)
try:
    from bench.floor.fill import fill
    from bench.floor.models import Letter
    filled = fill(people=3)
    client = Client(SERVER_NAME="localhost", enforce_csrf_checks=True)
    client.cookies.load(filled['person'])
    with CaptureQueriesContext(connection) as asked:
        page = client.get("/page/")
    # Before the next request, which empties it.
    asked = [query["sql"].partition(" FROM ")[2].split()[:1] for query in asked.captured_queries]
    form = {"csrfmiddlewaretoken": filled['token'], "body": "words"}
    print(json.dumps({
        "stranger": Client(SERVER_NAME="localhost").get("/page/").status_code,
        "bare": client.get("/bare/").status_code,
        "page": page.status_code,
        "bytes": len(page.content),
        "named": b"Noor, person@example.org" in page.content,
        "asked": asked,
        "saved": client.post("/save/", form).status_code,
        "letters": list(Letter.objects.values_list("body", flat=True)),
        "unsigned": client.post("/save/", {"body": "no token"}).status_code,
        "age": settings.DATABASES["default"]["CONN_MAX_AGE"],
        "atomic": settings.DATABASES["default"]["ATOMIC_REQUESTS"],
    }))
finally:
    connection.close()
    teardown_databases(made, verbosity=0)
"""


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "bench.floor.settings"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_floors_page_takes_a_session_and_a_person(told: dict[str, Any]) -> None:
    assert (told["page"], told["named"]) == (200, True)
    assert told["asked"] == [['"django_session"'], ['"auth_user"']]
    assert told["stranger"] == 302


def test_floors_page_weighs_twelve_thousand_bytes(told: dict[str, Any]) -> None:
    assert 11_500 < told["bytes"] < 12_500


def test_floor_keeps_what_is_sent(told: dict[str, Any]) -> None:
    assert (told["saved"], told["letters"]) == (302, ["words"])
    assert told["unsigned"] == 403
    assert told["bare"] == 200


def test_floor_uses_its_database_as_the_product_does(told: dict[str, Any]) -> None:
    database = ours.DATABASES["default"]

    assert told["age"] == database["CONN_MAX_AGE"]
    assert told["atomic"] == database["ATOMIC_REQUESTS"]
