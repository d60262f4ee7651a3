"""The table of what was removed for its age, and the triggers again, which let go of that and of nothing else."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from audit import append_only


def install(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    append_only.remove(schema_editor.connection)
    append_only.install(schema_editor.connection)


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0005_token_index'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditRemoval',
            fields=[
                ('size', models.BigAutoField(primary_key=True, serialize=False)),
                ('start', models.PositiveBigIntegerField()),
                ('last_event', models.PositiveBigIntegerField()),
                ('removed_at', models.DateTimeField()),
                ('note', models.TextField()),
                ('hashes', models.BinaryField()),
            ],
            options={
                'db_table': 'audit_removal',
            },
        ),
        migrations.RunPython(install, migrations.RunPython.noop),
    ]
