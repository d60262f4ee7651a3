"""A question's end can be put off; one that was put before this keeps its own end as its last."""

from django.db import migrations, models
from django.utils import timezone


class Migration(migrations.Migration):

    dependencies = [
        ('permissions', '0003_told_broken'),
    ]

    operations = [
        migrations.AddField(
            model_name='readquestion',
            name='latest_at',
            field=models.DateTimeField(default=timezone.now),
            preserve_default=False,
        ),
    ]
