"""The table of audit events and the triggers that make it append-only, in one step: it is never there unguarded."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from audit import append_only


def install(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    append_only.install(schema_editor.connection)


def remove(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    append_only.remove(schema_editor.connection)


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='AuditEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('occurred_at', models.DateTimeField()),
                ('event', models.CharField(max_length=64)),
                ('outcome', models.CharField(max_length=16)),
                ('user', models.TextField()),
                ('provider', models.TextField()),
                ('reason', models.TextField()),
                ('run', models.TextField()),
                ('tool', models.TextField()),
                ('tool_call', models.TextField()),
                ('client', models.TextField()),
                ('connection', models.TextField()),
                ('account', models.TextField()),
                ('scope_asked', models.TextField()),
                ('scope_granted', models.TextField()),
                ('exchange', models.TextField()),
                ('actor_jti', models.TextField(null=True)),
                ('token_fingerprint', models.TextField()),
                ('method', models.TextField()),
                ('path', models.TextField()),
                ('status', models.PositiveSmallIntegerField(null=True)),
                ('size_bytes', models.PositiveBigIntegerField(null=True)),
                ('duration_ms', models.PositiveBigIntegerField(null=True)),
                ('provider_request_id', models.TextField()),
            ],
            options={
                'db_table': 'audit_event',
                'indexes': [models.Index(fields=['user', '-id'], name='audit_event_user'), models.Index(fields=['user', 'provider', '-id'], name='audit_event_user_provider'), models.Index(fields=['user', 'outcome', '-id'], name='audit_event_user_outcome'), models.Index(fields=['user', 'run', '-id'], name='audit_event_user_run')],
                'constraints': [models.UniqueConstraint(fields=('actor_jti',), name='audit_event_actor_jti_once')],
            },
        ),
        migrations.RunPython(install, remove),
    ]
