from celery import shared_task
from django.utils import timezone

from accounts import actions


@shared_task(name="accounts.tasks.tidy")  # type: ignore[untyped-decorator]
def tidy() -> None:
    actions.tidy(now=timezone.now())
