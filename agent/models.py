"""Conversations, runs, their numbered events and what they may cite.

Touched by `agent.store`, `agent.earlier`, `agent.conversations`, `agent.forks`, `agent.holds`, `agent.memory`,
`agent.spending` and `agent.stored_events` alone.

What a person wrote, a provider sent or the model answered lies in `sealed_…` columns, see `agent.sealing`. In the open
are ids, roles, states, times, working weeks and the names of providers, models and recipes.
"""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

# Where Django looks for an app's tables.
from agent.delivery_models import Channel, Delivery
from agent.schedule_models import Leader, Occurrence, Schedule
from agent.types import RunStatus

__all__ = [
    "Channel",
    "Conversation",
    "DailySpending",
    "Delivery",
    "Event",
    "Evidence",
    "FactSet",
    "Hold",
    "Leader",
    "Occurrence",
    "Run",
    "Schedule",
    "Turn",
    "WorkingWeek",
]


class Conversation(models.Model):
    """A thread of questions and answers of one user; its turns are what the model is sent, in order."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations")
    sealed_title = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    pinned_at = models.DateTimeField(null=True)
    # From here on it is shown to nobody; `agent.conversations.erase_deleted` erases it once there is no way back.
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        """Newest first, per user."""

        indexes = (
            models.Index(fields=["user", "-updated_at"]),
            models.Index(fields=["deleted_at"], condition=~models.Q(deleted_at=None), name="agent_deleted_chat"),
        )


class Run(models.Model):
    """One question to one final answer. `owner` and `heartbeat_at` tell whether a process still works on it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="runs")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="runs")
    key = models.CharField(max_length=64)
    sealed_question = models.BinaryField()
    status = models.CharField(
        max_length=16, choices=[(status.value, status.value) for status in RunStatus], default=RunStatus.RUNNING
    )
    model = models.CharField(max_length=100)
    is_simulated = models.BooleanField()
    # The recipe it followed and in which version; "" and 0 for a free question.
    recipe = models.CharField(max_length=40, blank=True, default="")
    recipe_version = models.PositiveSmallIntegerField(default=0)
    sealed_answer = models.BinaryField(default=b"")
    owner = models.CharField(max_length=64)
    started_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField()
    is_stop_asked = models.BooleanField(default=False)
    # Whether its turns begin the conversation anew, without those of earlier runs; see `agent.history`.
    begins_history = models.BooleanField(default=False)
    # What its turns were signed under, see `agent.prefix`; "" for a run of before that was kept.
    prefix = models.CharField(max_length=16, blank=True, default="")
    # The run whose place it takes: that one is no part of the conversation any more, and keeps its own page.
    replaces = models.OneToOneField("self", on_delete=models.SET_NULL, null=True, related_name="replacement")
    # When `agent.retention` deleted what was read for it.
    expired_at = models.DateTimeField(null=True)

    class Meta:
        """A key starts one run only, however often its message is sent."""

        constraints = (models.UniqueConstraint(fields=["user", "key"], name="one_run_per_key"),)
        indexes = (
            models.Index(fields=["conversation", "started_at"]),
            models.Index(fields=["started_at"], condition=models.Q(expired_at=None), name="agent_run_not_expired"),
        )


class Event(models.Model):
    """One event of a run; opened, it is byte for byte as sent to its pages. `seq` counts from 1 without gaps."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveIntegerField()
    sealed_frame = models.BinaryField()

    class Meta:
        """The order of a run's events is its `seq`."""

        constraints = (models.UniqueConstraint(fields=["run", "seq"], name="one_event_per_seq"),)


class Turn(models.Model):
    """One message; opened, exactly as the Messages API has it, because the model signs what came before."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="turns")
    position = models.PositiveIntegerField()
    role = models.CharField(max_length=16)
    sealed_content = models.BinaryField()

    class Meta:
        """The order of a run's turns is their position."""

        constraints = (models.UniqueConstraint(fields=["run", "position"], name="one_turn_per_position"),)


class Evidence(models.Model):
    """An item that a tool of this conversation returned, and that its answers may cite."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="evidence")
    evidence_id = models.CharField(max_length=16)
    provider = models.CharField(max_length=32)
    sealed_item = models.BinaryField()
    seen_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        """An id stands for one item within a conversation."""

        constraints = (models.UniqueConstraint(fields=["conversation", "evidence_id"], name="one_item_per_id"),)


class DailySpending(models.Model):
    """What the model's answers to one user cost in one day, UTC; sums alone. `cost_micro_usd` is 0 without a price."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cost_micro_usd = models.PositiveBigIntegerField(default=0)

    class Meta:
        """One row per user and day; the day first, since the installation's sum is asked for by day."""

        constraints = (models.UniqueConstraint(fields=["day", "user"], name="one_spending_per_day"),)


class WorkingWeek(models.Model):
    """The days that a person works, as they chose them.

    `weekdays` holds a digit per working day, 0 for Monday. `country` and `subdivision` say whose public holidays they
    keep, and `time_zone` is an IANA name; each is "" where they did not choose. `standup_time` is a time of day there.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    weekdays = models.CharField(max_length=7)
    country = models.CharField(max_length=2, blank=True)
    subdivision = models.CharField(max_length=32, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    standup_time = models.TimeField(null=True, blank=True)


class FactSet(models.Model):
    """What a briefing said, to be compared with the next one; opened, a list of ids, rules and instants."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    # Erased with it; those that an earlier version made belong to none, and are forgotten by their age.
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="+", null=True)
    recipe = models.CharField(max_length=40)
    made_at = models.DateTimeField()
    sealed_facts = models.BinaryField()

    class Meta:
        """The newest of a user's recipe is asked for."""

        indexes = (models.Index(fields=["user", "recipe", "-made_at"], name="newest_facts_of_a_recipe"),)


class Hold(models.Model):
    """Until when nothing that can wait is asked of somebody who said that they are busy.

    `name` is the model or a provider; a provider limits each `user` alone, the model everybody, so that it has none.
    """

    name = models.CharField(max_length=32)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    until = models.DateTimeField()

    class Meta:
        """Those that still hold are looked for before each unattended run."""

        indexes = (models.Index(fields=["until"], name="agent_hold_until"),)
