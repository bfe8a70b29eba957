"""What happens before each task."""

import psycopg
import pytest
from celery.signals import task_prerun
from django.conf import settings
from django.db import OperationalError, connection

import config.celery  # noqa: F401 it receives the signal
from mail.models import Message


@pytest.mark.django_db(transaction=True)
def test_task_starts_with_a_working_connection() -> None:
    """Django keeps a connection that broke outside a transaction until close_old_connections()."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    params = {**settings.DATABASES["default"], **connection.get_connection_params()}
    with psycopg.connect(
        host=params["HOST"],
        port=params["PORT"],
        user=params["USER"],
        password=params["PASSWORD"],
        dbname=params["dbname"],
    ) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    for _ in range(2):
        with pytest.raises(OperationalError):
            Message.objects.exists()

    task_prerun.send(sender=None)

    assert not Message.objects.exists()
