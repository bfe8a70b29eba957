from datetime import datetime

import pytest

from mail import actions
from mail.models import Message
from tests.mail.conftest import HELLO, Enqueue

pytestmark = pytest.mark.django_db


def test_mail_with_the_same_key_is_stored_once(enqueue: Enqueue, now: datetime) -> None:
    enqueue(key="welcome:alice")
    actions.enqueue(kind="a", to="a@example.org", content=HELLO, now=now, key="welcome:alice")

    assert Message.objects.count() == 1


def test_registered_kind_cannot_be_enqueued(once: str, now: datetime) -> None:
    with pytest.raises(ValueError, match="put together when it is sent"):
        actions.enqueue(kind=once, to="a@example.org", content=HELLO, now=now)
