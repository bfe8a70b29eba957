from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Mail goes on while the indexes are made.
    atomic = False

    dependencies = [
        ("mail", "0002_refusals"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                condition=models.Q(("state", "sent")), fields=["ended_at"], name="mail_message_sent"
            ),
        ),
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                condition=models.Q(("refused_at__isnull", False)),
                fields=["refused_at"],
                name="mail_message_refused",
            ),
        ),
    ]
