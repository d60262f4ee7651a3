"""The tables of policy: what a user lets each tool do, and what they leave out. Touched by `permissions.store` alone.

They are preferences, in the open; the switch that must hold whatever else is wrong is the vault's.
"""

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
