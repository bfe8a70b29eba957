from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_begun_anew"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="checks_spelling",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
    ]
