"""The floor does what a bare Django does: one session, one user, one plain template."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from config import settings as product
from local.folder import ROOT

# In a process and a database of its own: it has other settings and other tables.
SCRIPT = """
import json
import django
django.setup()
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, setup_databases, teardown_databases
name = connection.settings_dict["NAME"]
connection.settings_dict["TEST"]["NAME"] = f"test_floor_{name}"
databases = setup_databases(verbosity=0, interactive=False)
try:
    from bench.floor.fill import fill_database
    from bench.floor.models import Letter
    filled = fill_database(people=3)
    client = Client(SERVER_NAME="localhost", enforce_csrf_checks=True)
    client.cookies.load(filled['person'])
    with CaptureQueriesContext(connection) as log:
        page = client.get("/page/")
    # Read now: the next request empties it.
    tables = [query["sql"].partition(" FROM ")[2].split()[:1] for query in log.captured_queries]
    form = {"csrfmiddlewaretoken": filled['token'], "body": "words"}
    print(json.dumps({
        "anonymous": Client(SERVER_NAME="localhost").get("/page/").status_code,
        "bare": client.get("/bare/").status_code,
        "page": page.status_code,
        "bytes": len(page.content),
        "named": b"Noor, person@example.org" in page.content,
        "tables": tables,
        "saved": client.post("/save/", form).status_code,
        "letters": list(Letter.objects.values_list("body", flat=True)),
        "unsigned": client.post("/save/", {"body": "no token"}).status_code,
        "age": settings.DATABASES["default"]["CONN_MAX_AGE"],
        "atomic": settings.DATABASES["default"]["ATOMIC_REQUESTS"],
    }))
finally:
    connection.close()
    teardown_databases(databases, verbosity=0)
"""


@pytest.fixture(scope="module")
def floor() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "bench.floor.settings"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_page_reads_a_session_and_a_user(floor: dict[str, Any]) -> None:
    assert (floor["page"], floor["named"]) == (200, True)
    assert floor["tables"] == [['"django_session"'], ['"auth_user"']]
    assert floor["anonymous"] == 302


def test_page_weighs_twelve_kilobytes(floor: dict[str, Any]) -> None:
    assert 11_500 < floor["bytes"] < 12_500


def test_form_is_saved_with_a_csrf_token(floor: dict[str, Any]) -> None:
    assert (floor["saved"], floor["letters"]) == (302, ["words"])
    assert floor["unsigned"] == 403
    assert floor["bare"] == 200


def test_floor_connects_to_its_database_as_the_product_does(floor: dict[str, Any]) -> None:
    database = product.DATABASES["default"]

    assert floor["age"] == database["CONN_MAX_AGE"]
    assert floor["atomic"] == database["ATOMIC_REQUESTS"]
