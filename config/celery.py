"""The Celery app and its schedule. Postgres knows what is due; Redis is only the broker (ADR 3)."""

import os
from datetime import timedelta
from typing import Any

from celery import Celery
from celery.signals import setup_logging, task_prerun
from django.conf import settings
from django.db import close_old_connections

from config import logs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("paper-boat", set_as_current=True)
app.conf.update(
    broker_url=settings.REDIS_URL,
    broker_connection_retry_on_startup=True,
    # The default gives up after 100 retries: mail would stop after an hour without the broker.
    broker_connection_max_retries=None,
    broker_transport_options={
        # Kombu would keep each message in Redis until it is acknowledged. Nobody needs that: beat
        # sends each task again. And where Redis ends first, that ends the worker (Kombu 5.7.0:
        # AttributeError in `restore_unacked`).
        "ack_emulation": False,
        "socket_keepalive": True,
        "health_check_interval": 30,
    },
    task_default_queue="mail",
    task_ignore_result=True,
    task_acks_late=False,
    task_serializer="json",
    accept_content=["json"],
    task_soft_time_limit=120,
    task_time_limit=135,
    worker_prefetch_multiplier=1,
    worker_max_tasks_per_child=500,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    worker_soft_shutdown_timeout=20,
    worker_enable_soft_shutdown_on_idle=True,
    timezone="UTC",
    # Or Celery closes the database connection after every task.
    CELERY_DB_REUSE_MAX=100_000,
    beat_schedule={
        "send due mail": {
            "task": "mail.tasks.send_due",
            "schedule": timedelta(seconds=2),
            "options": {"expires": 10},
        },
        "plan reminders": {
            "task": "reminders.tasks.plan",
            "schedule": timedelta(seconds=60),
            "options": {"expires": 60},
        },
        "let go for good": {
            "task": "journal.tasks.let_go_for_good",
            "schedule": timedelta(seconds=60),
            "options": {"expires": 60},
        },
        "tell of days that have come": {
            "task": "journal.tasks.tell",
            "schedule": timedelta(seconds=60),
            "options": {"expires": 60},
        },
        "delete old pauses": {
            "task": "pause.tasks.delete_old",
            "schedule": timedelta(hours=1),
            "options": {"expires": 3600},
        },
        "drop what sessions store for a while": {
            "task": "accounts.tasks.drop_expired_entries",
            "schedule": timedelta(seconds=60),
            "options": {"expires": 60},
        },
        "tidy mail": {
            "task": "mail.tasks.tidy",
            "schedule": timedelta(hours=1),
            "options": {"expires": 3600},
        },
        "tidy accounts": {
            "task": "accounts.tasks.tidy",
            "schedule": timedelta(hours=1),
            "options": {"expires": 3600},
        },
    },
)
app.autodiscover_tasks(["mail", "reminders", "pause", "journal", "accounts"])


@setup_logging.connect  # type: ignore[untyped-decorator]
def configure_logging(**kwargs: Any) -> None:
    """Log as the web server does. Without a receiver Celery configures its own logging."""
    logs.unbuffer_output()
    logs.configure(settings.LOGGING)
    logs.log_uncaught_errors()


@task_prerun.connect  # type: ignore[untyped-decorator]
def close_broken_connections(**kwargs: Any) -> None:
    """Close connections that Postgres has ended, as Django does at the start of a request.

    A connection that broke outside a transaction would otherwise fail every later task.
    """
    close_old_connections()
