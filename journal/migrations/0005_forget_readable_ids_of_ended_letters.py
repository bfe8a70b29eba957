from typing import Any

from django.db import migrations


def forget(apps: Any, schema_editor: Any) -> None:
    """Delete rows that name a deleted letter by its own id: anybody could compare them with one.

    No owner is stored, so they cannot be converted. They would expire within 90 days anyway.
    """
    apps.get_model("journal", "Ended").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("journal", "0004_letters_that_are_gone")]

    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
