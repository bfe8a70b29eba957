from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("vault", "0003_key_comes_with_its_owner"),
    ]

    operations = [
        # Processes of the version before go on inserting rows without it: hence a default in the
        # database, which Postgres adds without rewriting the table.
        migrations.AddField(
            model_name="key",
            name="fingerprint",
            field=models.CharField(db_default="", default="", max_length=32),
        ),
    ]
