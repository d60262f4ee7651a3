"""Users, conversations and runs for the agent's tests: alice owns things, mallory has no business here."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from agent import store
from agent.types import RunRequest, RunTicket
from devcontext import demo
from devcontext.lifespan import shut_down
from devcontext.sandbox.app import create_app
from devcontext.sandbox.world import tidewater_world
from devcontext.settings import providers
from devcontext.views import load_demo_user
from tests.vault.upstream import serve_app

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


@pytest.fixture
def sandbox(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The sandbox of the demo, on a port of its own, with a model that does not pause for breath."""
    monkeypatch.setenv("SANDBOX_CLAUDE_DELAY_MS", "0")
    with serve_app(lambda url: create_app(data=None, world=tidewater_world(), base_url=url)) as url:
        settings.ALLOWED_HOSTS = ["localhost"]
        settings.SANDBOX_URL = url
        settings.PROVIDERS = providers.load(sandbox_url=url, with_secrets=True)
        settings.ANTHROPIC_BASE_URL = f"{url}/claude"
        yield url


@pytest_asyncio.fixture
async def maya(sandbox: str, transactional_db: None) -> AsyncIterator[User]:
    """The demo user, with all three services connected through their consent pages."""
    user = await sync_to_async(load_demo_user)()
    await demo.connect_services(connected=set())
    yield user
    await shut_down()
