from celery import shared_task
from django.utils import timezone

from accounts import tidying


@shared_task(name="accounts.tasks.tidy")  # type: ignore[untyped-decorator]
def tidy() -> None:
    tidying.tidy(now=timezone.now())


@shared_task(name="accounts.tasks.drop_expired_entries")  # type: ignore[untyped-decorator]
def drop_expired_entries() -> None:
    tidying.drop_expired_entries(now=timezone.now())
