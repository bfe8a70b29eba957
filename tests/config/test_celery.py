"""What every task begins with."""

import psycopg
import pytest
from celery.signals import task_prerun
from django.conf import settings
from django.db import OperationalError, connection

import config.celery  # noqa: F401 it listens to what is sent here
from mail.models import Message


@pytest.mark.django_db(transaction=True)
def test_task_begins_with_a_session_that_works() -> None:
    """One that broke outside a transaction is kept by Django until somebody looks at it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (session,) = cursor.fetchone()
    given = {**settings.DATABASES["default"], **connection.get_connection_params()}
    with psycopg.connect(
        host=given["HOST"],
        port=given["PORT"],
        user=given["USER"],
        password=given["PASSWORD"],
        dbname=given["dbname"],
    ) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [session])
    for _ in range(2):
        with pytest.raises(OperationalError):
            Message.objects.exists()

    task_prerun.send(sender=None)

    assert not Message.objects.exists()
