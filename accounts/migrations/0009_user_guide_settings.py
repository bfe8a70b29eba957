from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_user_shelf_settings"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="guide_settings",
            field=models.BinaryField(editable=False, null=True),
        ),
    ]
