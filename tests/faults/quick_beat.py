"""Beat with its usual tasks, but twice a second: `celery -A tests.faults.quick_beat beat`."""

from datetime import timedelta

from config.celery import app

for entry in app.conf.beat_schedule.values():
    if entry["task"] in {"mail.tasks.send_due", "reminders.tasks.plan"}:
        entry["schedule"] = timedelta(seconds=0.5)
