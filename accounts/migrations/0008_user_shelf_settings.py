from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_activity_in_plain_words"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="shelf_settings",
            field=models.BinaryField(editable=False, null=True),
        ),
    ]
