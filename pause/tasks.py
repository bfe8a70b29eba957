from celery import shared_task
from django.utils import timezone

from pause import actions

# The schedule of beat names tasks by these strings: they outlive renames.


@shared_task(name="pause.tasks.delete_old")  # type: ignore[untyped-decorator]
def delete_old() -> None:
    actions.delete_old(now=timezone.now())
