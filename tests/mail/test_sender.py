"""The sender that people see, as it is made from DISCREET_NAME."""

import json
import os
import subprocess
import sys
from datetime import datetime
from email.headerregistry import AddressHeader
from typing import cast

import pytest
from django.conf import settings as project
from pytest_django import Settings

from mail import sending
from tests.mail.conftest import Enqueue
from tests.support.smtp import Sink

NAMES = [
    "Notes",
    "Notes, quiet",
    "Notes; quiet",
    "Notes: quiet",
    "notes@home",
    'The "notes"',
    "Notes <3",
    "back\\slash",
    "O’Brien & sons (quiet)",
    "Заметки, тихо",
    "👋",
]
SENDERS = """
import json, os, runpy, sys
made = []
for name in json.loads(sys.argv[1]):
    os.environ["DISCREET_NAME"] = name
    made.append(runpy.run_module("config.settings")["DEFAULT_FROM_EMAIL"])
print(json.dumps(made))
"""


@pytest.mark.django_db
def test_mail_leaves_under_any_discreet_name(
    enqueue: Enqueue, sink: Sink, now: datetime, settings: Settings
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SENDERS, json.dumps(NAMES)],
        env={name: value for name, value in os.environ.items() if name != "DEFAULT_FROM_EMAIL"},
        cwd=project.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    senders = json.loads(done.stdout)
    for sender in senders:
        settings.DEFAULT_FROM_EMAIL = sender
        enqueue()
        assert sending.send_due(clock=lambda: now) == 1, sender

    headers = [cast(AddressHeader, mail["From"]) for mail in sink.mails]
    assert [header.addresses[0].display_name for header in headers] == NAMES
    assert {header.addresses[0].addr_spec for header in headers} == {"notes@localhost"}
    assert {len(header.addresses) for header in headers} == {1}
