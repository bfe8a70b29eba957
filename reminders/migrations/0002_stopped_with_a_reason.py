from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("reminders", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="schedule",
            name="stopped_at",
            field=models.DateTimeField(null=True),
        ),
        # With a default in the database: the version before this one does not name the column.
        migrations.AddField(
            model_name="schedule",
            name="stop_reason",
            field=models.CharField(
                blank=True,
                choices=[("turned off", "Turned Off"), ("no such address", "No Such Address")],
                db_default="",
                default="",
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="schedule",
            constraint=models.CheckConstraint(
                condition=Q(stopped_at=None, stop_reason="")
                | Q(
                    next_due_at=None,
                    stop_reason__in=["turned off", "no such address"],
                    stopped_at__isnull=False,
                ),
                name="reminders_stopped_says_why",
            ),
        ),
    ]
