from celery import shared_task
from django.utils import timezone

from reminders import actions


@shared_task(name="reminders.tasks.plan")  # type: ignore[untyped-decorator]
def plan() -> None:
    actions.plan(clock=timezone.now)
