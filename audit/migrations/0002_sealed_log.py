"""The tables of the tree that seals the events, and their triggers, in one step: they are never there unguarded."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from audit import append_only


def install(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    append_only.install(schema_editor.connection)


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditCheckpoint',
            fields=[
                ('size', models.BigAutoField(primary_key=True, serialize=False)),
                ('note', models.TextField()),
                ('sealed_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'audit_checkpoint',
            },
        ),
        migrations.CreateModel(
            name='AuditLeaf',
            fields=[
                ('position', models.BigAutoField(primary_key=True, serialize=False)),
                ('event_id', models.PositiveBigIntegerField(unique=True)),
                ('encoding', models.PositiveSmallIntegerField()),
                ('nonce', models.BinaryField()),
                ('hash', models.BinaryField()),
            ],
            options={
                'db_table': 'audit_leaf',
            },
        ),
        migrations.CreateModel(
            name='AuditNode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('level', models.PositiveSmallIntegerField()),
                ('position', models.PositiveBigIntegerField()),
                ('hash', models.BinaryField()),
            ],
            options={
                'db_table': 'audit_node',
                'constraints': [models.UniqueConstraint(fields=('level', 'position'), name='audit_node_once')],
            },
        ),
        migrations.RunPython(install, migrations.RunPython.noop),
    ]
