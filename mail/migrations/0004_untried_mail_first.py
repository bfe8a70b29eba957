from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import BooleanField, ExpressionWrapper, Q


class Migration(migrations.Migration):
    # Mail goes on while the index is made.
    atomic = False

    dependencies = [
        ("mail", "0003_indexes_of_refusals"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                ExpressionWrapper(Q(("payload", b"")), output_field=BooleanField()),
                ExpressionWrapper(Q(("refused_at__isnull", False)), output_field=BooleanField()),
                models.F("due_at"),
                models.F("id"),
                condition=Q(("state", "due")),
                name="mail_message_next",
            ),
        ),
        RemoveIndexConcurrently(model_name="message", name="mail_message_due"),
    ]
