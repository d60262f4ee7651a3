"""Users, conversations and runs for the agent's tests: alice owns things, mallory has no business here."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User

from agent import store
from agent.types import RunRequest, RunTicket

MakeRequest = Callable[..., RunRequest]


def request_of(user: User, *, text: str = "Brief me", key: str = "", conversation: UUID | None = None) -> RunRequest:
    """Return a question of `user` with a fresh key."""
    return RunRequest(
        user=user.pk,
        subject=f"user:{user.pk}",
        sid="a-session",
        auth_time=1.0,
        user_name="Alice",
        key=key or uuid4().hex,
        text=text,
        conversation=conversation,
        time_zone="UTC",
    )


def start(request: RunRequest, *, owner: str = "a-process") -> RunTicket:
    """Create the rows of a run without a process that works on it."""
    return store.create_run(request, model="a-model", is_simulated=True, owner=owner)


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice", "alice@example.org", "correct horse battery")


@pytest.fixture
def mallory(db: None) -> User:
    return User.objects.create_user("mallory", "mallory@example.org", "correct horse battery")
