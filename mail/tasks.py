from celery import shared_task
from django.utils import timezone

from mail import actions, sending


@shared_task(name="mail.tasks.send_due")  # type: ignore[untyped-decorator]
def send_due() -> None:
    sending.send_due(clock=timezone.now)


@shared_task(name="mail.tasks.tidy")  # type: ignore[untyped-decorator]
def tidy() -> None:
    actions.tidy(now=timezone.now())
