from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("vault", "0004_fingerprint_of_the_master_key"),
    ]

    operations = [
        migrations.AddField(
            model_name="session",
            name="entries_end_at",
            field=models.DateTimeField(null=True),
        ),
    ]
