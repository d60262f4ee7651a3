"""The table of audit events. Rows are only ever added, by `audit.record`; triggers in the database refuse the rest."""

from typing import ClassVar

from django.db import models


class AuditEvent(models.Model):
    """One event, with the fields of `audit.events.Entry`, the instant it was recorded and its outcome.

    `id` grows with time on one writer; `outcome` is derived from `event` and kept for the index.
    """

    occurred_at = models.DateTimeField()
    event = models.CharField(max_length=64)
    outcome = models.CharField(max_length=16)
    user = models.TextField()
    provider = models.TextField()
    reason = models.TextField()
    run = models.TextField()
    tool = models.TextField()
    tool_call = models.TextField()
    client = models.TextField()
    connection = models.TextField()
    account = models.TextField()
    scope_asked = models.TextField()
    scope_granted = models.TextField()
    exchange = models.TextField()
    actor_jti = models.TextField(null=True)  # noqa: DJ001  (several rows may have no actor, none may share one)
    token_fingerprint = models.TextField()
    method = models.TextField()
    path = models.TextField()
    status = models.PositiveSmallIntegerField(null=True)
    size_bytes = models.PositiveBigIntegerField(null=True)
    duration_ms = models.PositiveBigIntegerField(null=True)
    provider_request_id = models.TextField()

    class Meta:
        """Indexes for the timeline, which always asks for one user by falling id; and one use of each actor token."""

        db_table = "audit_event"
        indexes: ClassVar = [
            models.Index(fields=["user", "-id"], name="audit_event_user"),
            models.Index(fields=["user", "provider", "-id"], name="audit_event_user_provider"),
            models.Index(fields=["user", "outcome", "-id"], name="audit_event_user_outcome"),
            models.Index(fields=["user", "run", "-id"], name="audit_event_user_run"),
        ]
        constraints: ClassVar = [models.UniqueConstraint(fields=["actor_jti"], name="audit_event_actor_jti_once")]
