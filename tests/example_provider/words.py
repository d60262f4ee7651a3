"""Tasklist in the user's words: the example's `permissions/services/tasklist.py`."""

from permissions.types import Service

TASKLIST = Service(
    slug="tasklist",
    name="Tasklist",
    can_read=("Your open tasks and when they are due",),
    cannot=("Add, change or finish a task",),
    revocation="Tasklist ends this connection's tokens and no others.",
    reducing="Tasklist knows one permission, which cannot be made less.",
    scope_words={"tasks:read": "See your tasks"},
)
