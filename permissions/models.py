"""The tables of policy: what a user lets each tool do, what they leave out, what they were asked and what they said.

And the searches that they keep. Touched by `permissions.store`, `.questions` and `.searches` alone.

They are preferences, in the open; the switch that must hold whatever else is wrong is the vault's.
"""

import uuid

from django.conf import settings
from django.db import models


class ToolMode(models.Model):
    """What a user lets one tool do, where it is not what everybody begins with; `mode` is a `policy.Mode`."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    tool = models.CharField(max_length=64)
    mode = models.CharField(max_length=8)

    class Meta:
        """One row per user and tool."""

        constraints = (models.UniqueConstraint(fields=["user", "tool"], name="one_mode_per_tool"),)


class Exclusion(models.Model):
    """One thing that a user leaves out; `kind` is an `ExclusionKind`, and `value` is as they wrote it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16)
    value = models.CharField(max_length=200, blank=True)

    class Meta:
        """Nothing is left out twice."""

        constraints = (models.UniqueConstraint(fields=["user", "kind", "value"], name="one_exclusion_per_value"),)


class ReadQuestion(models.Model):
    """One tool call that waited for its user's word; `answer` is a `policy.Answer`, "" while nobody gave one.

    It can be answered until `ends_at`, which its user may put off until `latest_at`.
    Run and conversation are the agent's, by id. What would be read stands in the run's sealed events, not here.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    run = models.UUIDField(db_index=True)
    conversation = models.UUIDField()
    provider = models.CharField(max_length=32)
    tool = models.CharField(max_length=64)
    tool_call = models.TextField()
    connection = models.CharField(max_length=64)
    ends_at = models.DateTimeField(db_index=True)
    latest_at = models.DateTimeField()
    answer = models.CharField(max_length=16, blank=True, default="")


class ConversationAllowance(models.Model):
    """What a user lets one tool read of one account in one conversation, although they want to be asked."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    conversation = models.UUIDField()
    provider = models.CharField(max_length=32)
    tool = models.CharField(max_length=64)
    connection = models.CharField(max_length=64)
    given_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Nothing is allowed twice."""

        constraints = (
            models.UniqueConstraint(
                fields=["user", "conversation", "tool", "connection"], name="one_allowance_per_conversation"
            ),
        )


class ToldBroken(models.Model):
    """A connection, by the vault's id, of which its user was told that it broke; gone once it is made again."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    connection = models.CharField(max_length=64)

    class Meta:
        """Nothing is told twice."""

        constraints = (models.UniqueConstraint(fields=["user", "connection"], name="one_notice_per_break"),)


class TimelineSearch(models.Model):
    """A search of the audit timeline that a user keeps: `text` is what they typed, and holds nothing of a provider's.

    Touched by `permissions.searches` alone.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=60)
    # As long as a search may be typed, and its short forms written out.
    text = models.CharField(max_length=500)

    class Meta:
        """A name stands for one search."""

        constraints = (models.UniqueConstraint(fields=["user", "name"], name="one_timeline_search_per_name"),)
