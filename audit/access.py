"""Who may see which events, as every view of this app asks: the user their own, an auditor everybody's.

Auditors are the members of one group, whom an operator appoints (`manage.py auditor`).
"""

from typing import Any

from django.http import HttpResponse

AUDITOR_GROUP = "auditor"


def subject_of(user: Any) -> str:
    """Return the subject of a signed-in user, as `permissions` names it: `audit` imports no other app."""
    return f"user:{user.pk}"


def refuse(sentence: str, *, status: int) -> HttpResponse:
    """Return a sentence of ours in the place of a page or file, as plain text."""
    return HttpResponse(sentence, status=status, content_type="text/plain; charset=utf-8")


def is_auditor(user: Any) -> bool:
    """Tell whether a signed-in user is an auditor. Sync, and asked anew each time: an end counts at once."""
    return bool(user.is_active and user.groups.filter(name=AUDITOR_GROUP).exists())
