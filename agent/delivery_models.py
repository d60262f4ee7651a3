"""The tables of delivery: where a schedule's briefings go besides the inbox, and what became of each delivery.

Touched by `agent.delivery.store` alone. Addresses and secrets lie sealed; the rest are ids, states, times and codes.
"""

import uuid

from django.db import models


class Channel(models.Model):
    """A way by which the briefings of a schedule leave; `kind` is an `agent.delivery.types.Kind`.

    `sealed_address` is where a webhook or Slack listens, empty for mail, which goes to the account's address.
    `sealed_secret` signs a webhook's messages. `tested_at` is when its owner last sent a test.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    schedule = models.ForeignKey("agent.Schedule", on_delete=models.CASCADE, related_name="channels")
    kind = models.CharField(max_length=16)
    sealed_address = models.BinaryField(default=bytes)
    sealed_secret = models.BinaryField(default=bytes)
    tested_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """One of each kind for a schedule."""

        constraints = (models.UniqueConstraint(fields=["schedule", "kind"], name="one_channel_of_a_kind"),)


class Delivery(models.Model):
    """One briefing on its way by one channel; `state` is a `DeliveryState`, `error` the code of the last failure.

    It is tried from `next_try_at` on. Who sends it holds it until `lease_until` as `claimed_by`; `attempts` counts the
    claims. In the inbox, `seen_at` is None while it is unread.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    occurrence = models.ForeignKey("agent.Occurrence", on_delete=models.CASCADE, related_name="deliveries")
    kind = models.CharField(max_length=16)
    state = models.CharField(max_length=16)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField()
    claimed_by = models.CharField(max_length=64, blank=True, default="")
    lease_until = models.DateTimeField(null=True)
    error = models.CharField(max_length=40, blank=True, default="")
    ended_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """One for each briefing and channel, however many look for what is to be told."""

        constraints = (models.UniqueConstraint(fields=["occurrence", "kind"], name="one_delivery_by_each_channel"),)
        indexes = (models.Index(fields=["state", "next_try_at"], name="agent_delivery_to_try"),)
