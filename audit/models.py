"""The tables of audit events and of the tree that seals them. Rows are only ever added; triggers refuse the rest.

`audit.record` adds events, `audit.seal` leaves, nodes and checkpoints, `audit.retention` removals, for which it takes
events and leaves away.
"""

from typing import ClassVar

from django.db import models

from audit.events import Outcome

# An index is used by a query that repeats its condition.
NOT_GRANTED = ~models.Q(outcome=Outcome.GRANTED.value)
IN_A_RUN = ~models.Q(run="")
WITH_A_TOKEN = ~models.Q(token_fingerprint="")
# What a search looks for row by row stands in the indexes that lead it: else each row is fetched to be left out again.
# No reason: sealed ones are longer than an entry of PostgreSQL's may be (2704 bytes).
_LOOKED_FOR = ("event", "tool")


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

    # No column: the reason in words, where more was found out of it than its code says (`audit.turned_off`).
    because: str = ""

    class Meta:
        """Indexes for the timeline, which always asks for one user by falling id; and one use of each actor token.

        Nearly all events are granted, so what was not has indexes of its own: small ones, which a granted event does
        not have to be written to.
        """

        db_table = "audit_event"
        indexes: ClassVar = [
            models.Index(fields=["user", "-id", *_LOOKED_FOR], name="audit_event_user_looked"),
            models.Index(fields=["user", "provider", "-id", *_LOOKED_FOR], name="audit_event_provider_looked"),
            models.Index(fields=["user", "-occurred_at", "-id"], name="audit_event_user_time"),
            models.Index(fields=["user", "outcome", "-id"], name="audit_event_not_granted", condition=NOT_GRANTED),
            models.Index(
                fields=["user", "provider", "outcome", "-id"],
                name="audit_event_not_granted_at",
                condition=NOT_GRANTED,
            ),
            models.Index(fields=["user", "run", "-id"], name="audit_event_user_run", condition=IN_A_RUN),
            models.Index(fields=["token_fingerprint", "-id"], name="audit_event_token", condition=WITH_A_TOKEN),
        ]
        constraints: ClassVar = [models.UniqueConstraint(fields=["actor_jti"], name="audit_event_actor_jti_once")]


class AuditSubjectKey(models.Model):
    """The key that the personal fields of one subject's events are sealed with (`audit.personal`), itself sealed.

    The one table of the audit that is not append-only: an erased subject's row stays, with an empty key.
    """

    subject = models.TextField(primary_key=True)
    sealed_key = models.BinaryField()
    created_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    class Meta:
        """Its own words: `audit_subject_key`."""

        db_table = "audit_subject_key"


class AuditLeaf(models.Model):
    """The leaf of one event: leaves stand in the order of the events' ids, without gaps.

    `encoding` is the version of `audit.encoding`, `nonce` what the hash hides the event behind.
    """

    position = models.BigAutoField(primary_key=True)
    event_id = models.PositiveBigIntegerField(unique=True)
    encoding = models.PositiveSmallIntegerField()
    nonce = models.BinaryField()
    hash = models.BinaryField()

    class Meta:
        """Its own words: `audit_leaf`."""

        db_table = "audit_leaf"


class AuditNode(models.Model):
    """The hash of a complete subtree at every eighth level above the leaves: proofs are made of these."""

    level = models.PositiveSmallIntegerField()
    position = models.PositiveBigIntegerField()
    hash = models.BinaryField()

    class Meta:
        """A subtree has one hash."""

        db_table = "audit_node"
        constraints: ClassVar = [models.UniqueConstraint(fields=["level", "position"], name="audit_node_once")]


class AuditCheckpoint(models.Model):
    """A signed note (`audit.checkpoint`) on the tree of the first `size` leaves.

    `sealed_at` is for people: no signature covers it.
    """

    size = models.BigAutoField(primary_key=True)
    note = models.TextField()
    sealed_at = models.DateTimeField()

    class Meta:
        """Its own words: `audit_checkpoint`."""

        db_table = "audit_checkpoint"


class AuditRemoval(models.Model):
    """A segment of the log that was removed for its age: the leaves from `start` up to `size`, where a checkpoint is.

    `hashes` are those of the leaves, 32 bytes each, so that every checkpoint can still be checked and proved from;
    events and nonces are gone. `last_event` is the last event's id, and `note` says so signed (`audit.removal`).
    """

    size = models.BigAutoField(primary_key=True)
    start = models.PositiveBigIntegerField()
    last_event = models.PositiveBigIntegerField()
    removed_at = models.DateTimeField()
    note = models.TextField()
    hashes = models.BinaryField()

    class Meta:
        """Its own words: `audit_removal`."""

        db_table = "audit_removal"
