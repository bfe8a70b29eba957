from celery import shared_task
from django.utils import timezone

from journal import expired_letters, ready_mails

# Queued messages and the schedule of beat name tasks by these strings: they outlive renames.


@shared_task(name="journal.tasks.let_go_for_good")  # type: ignore[untyped-decorator]
def delete_expired() -> None:
    expired_letters.delete_expired(now=timezone.now())


@shared_task(name="journal.tasks.tell")  # type: ignore[untyped-decorator]
def queue_ready_mails() -> None:
    ready_mails.queue_ready_mails(now=timezone.now())
