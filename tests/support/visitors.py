"""What somebody saves without an account, in one browser."""

from datetime import datetime
from typing import Any
from uuid import uuid4

import time_machine

from healing.visitor_answers import VisitorAnswer, visitor_answers
from tests.support.client import Client

EXERCISE = "/steps/1/filling-in/"


def save(client: Client, happened: str, at: datetime, **more: str) -> Any:
    """Send the form of an exercise as its page does, at this moment."""
    data = {"id": str(uuid4()), "moments-0-happened": happened} | more
    with time_machine.travel(at, tick=False):
        return client.post(EXERCISE, data)


def saved(client: Client, at: datetime) -> list[VisitorAnswer]:
    return visitor_answers(client.session, now=at)


def words(client: Client, at: datetime) -> list[str]:
    """What each answer says that happened, the oldest first."""
    return [answer.fields["moments"][0]["happened"] for answer in saved(client, at)]


def page_at(client: Client, address: str, at: datetime) -> str:
    with time_machine.travel(at, tick=False):
        return client.get(address, follow=True).text
