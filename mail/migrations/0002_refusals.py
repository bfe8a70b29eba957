from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mail", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="refused_at",
            field=models.DateTimeField(null=True),
        ),
        # With a default in the database: the version before this one does not name the columns.
        migrations.AddField(
            model_name="message",
            name="refusal",
            field=models.CharField(blank=True, db_default="", default="", max_length=40),
        ),
        migrations.AddField(
            model_name="message",
            name="reply",
            field=models.CharField(blank=True, db_default="", default="", max_length=40),
        ),
    ]
