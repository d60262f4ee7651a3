"""The tables of unattended briefings: schedules, what was due of them, and who looks for what is due.

Touched by four modules of `agent.schedules` alone. Names lie sealed, as whatever a person wrote; the rest are
preferences, ids, states, times and counts. What a schedule may read lies in the vault, as a grant.
"""

import uuid

from django.conf import settings
from django.db import models


class Schedule(models.Model):
    """A briefing that its owner wants at certain times, whether they are there or not.

    `weekdays` holds a digit per day, 0 for Monday; `at` is a wall time in `time_zone`, an IANA name. `country` and
    `subdivision` say whose public holidays are skipped, "" for those of the owner's working week. It is paused while
    `is_paused` says so or until `paused_until`. `condition` says when a briefing is told; what becomes ready in the
    quiet hours is told at their end. `daily_budget_micro_usd` is 0 for no limit of its own.

    `grant` is the vault's id of its permission to read, "" for none; the vault knows what it holds; `granted_at` and
    `grant_expires_at` only repeat it, to sign its tokens and to tell an end from an expiry. `next_due_at` is the first
    due time that nothing was made of yet, None while there is none.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    sealed_name = models.BinaryField()
    recipe = models.CharField(max_length=40)
    length = models.CharField(max_length=16)
    weekdays = models.CharField(max_length=7)
    at = models.TimeField()
    time_zone = models.CharField(max_length=64)
    keeps_week = models.BooleanField()
    skips_holidays = models.BooleanField()
    country = models.CharField(max_length=2, blank=True)
    subdivision = models.CharField(max_length=32, blank=True)
    skips_out_of_office = models.BooleanField()
    condition = models.CharField(max_length=16)
    quiet_from = models.TimeField(null=True)
    quiet_until = models.TimeField(null=True)
    daily_budget_micro_usd = models.PositiveBigIntegerField(default=0)
    is_paused = models.BooleanField(default=False)
    paused_until = models.DateTimeField(null=True)
    grant = models.CharField(max_length=40, blank=True, default="")
    granted_at = models.DateTimeField(null=True)
    grant_expires_at = models.DateTimeField(null=True)
    next_due_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """What is due is asked for every minute; a person's own by their age."""

        indexes = (
            models.Index(fields=["next_due_at"], name="agent_schedule_due"),
            models.Index(fields=["user", "created_at"], name="agent_schedule_of_user"),
        )


class Occurrence(models.Model):
    """One due time of a schedule, and what became of it; `state` is an `OccurrenceState`, `reason` a code.

    It begins at `begins_at`, a little after it is due, so that not everybody's 09:00 begins at once. `missed` counts
    the due times before it of which nothing became. Who runs it holds it until `lease_until` as `claimed_by`;
    `attempts` counts the claims, of which the newest began at `started_at`. `tried_since` is when the first of them
    began that came one after the other, without a time between them in which nobody looked.

    `coverage` and `changes` are counts by name, without content; `is_told` says whether its schedule's condition was
    met, None before that is known.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="occurrences")
    due_at = models.DateTimeField()
    begins_at = models.DateTimeField()
    is_asked = models.BooleanField(default=False)
    missed = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=16)
    reason = models.CharField(max_length=40, blank=True, default="")
    claimed_by = models.CharField(max_length=64, blank=True, default="")
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    run = models.OneToOneField("agent.Run", on_delete=models.SET_NULL, null=True, related_name="+")
    started_at = models.DateTimeField(null=True)
    tried_since = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    cost_micro_usd = models.PositiveBigIntegerField(null=True)
    coverage = models.JSONField(default=list)
    changes = models.JSONField(default=dict)
    is_told = models.BooleanField(null=True)

    class Meta:
        """One for each due time, however many look for what is due."""

        constraints = (models.UniqueConstraint(fields=["schedule", "due_at"], name="one_occurrence_per_due_time"),)
        indexes = (
            models.Index(fields=["state", "begins_at"], name="agent_occurrence_to_begin"),
            models.Index(fields=["ended_at"], name="agent_occurrence_told", condition=models.Q(is_told=True)),
        )


class Leader(models.Model):
    """Which process looks for what is due: `owner` does until `until`, unless it says so again."""

    name = models.CharField(primary_key=True, max_length=40)
    owner = models.CharField(max_length=64)
    until = models.DateTimeField()
