from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Pages go on while the index is made.
    atomic = False

    dependencies = [
        ("vault", "0006_names_that_master_keys_have_used"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="session",
            index=models.Index(
                condition=models.Q(("entries_end_at__isnull", False)),
                fields=["entries_end_at"],
                name="vault_session_entries_end",
            ),
        ),
    ]
