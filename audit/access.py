"""Who may see everybody's events: members of one group, whom an operator appoints (`manage.py auditor`)."""

from typing import Any

AUDITOR_GROUP = "auditor"


def is_auditor(user: Any) -> bool:
    """Tell whether a signed-in user is an auditor. Sync, and asked anew each time: an end counts at once."""
    return bool(user.is_active and user.groups.filter(name=AUDITOR_GROUP).exists())
