from celery import shared_task
from django.utils import timezone

from journal import actions


@shared_task(name="journal.tasks.let_go_for_good")  # type: ignore[untyped-decorator]
def let_go_for_good() -> None:
    actions.let_go_for_good(now=timezone.now())


@shared_task(name="journal.tasks.tell")  # type: ignore[untyped-decorator]
def tell() -> None:
    actions.queue_ready_mails(now=timezone.now())
