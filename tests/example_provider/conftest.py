"""Puts Tasklist into every registry, one line each, and connects it through its consent page."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.cache import cache

from agent.providers import PROVIDERS as FACTS
from agent.providers import ProviderFacts
from agent.tools import REGISTERED
from devcontext import demo
from devcontext.lifespan import shut_down
from devcontext.providers import PLACES
from devcontext.sandbox.app import create_app
from devcontext.sandbox.stand_ins import STAND_INS
from devcontext.sandbox.world import tidewater_world
from devcontext.settings import providers
from devcontext.views import load_demo_user
from permissions.services import SERVICES
from tests.example_provider.oauth import Tasklist
from tests.example_provider.place import TASKLIST as PLACE
from tests.example_provider.stand_in import TASKLIST as STAND_IN
from tests.example_provider.tool import TASKLIST_OPEN_TASKS
from tests.example_provider.words import TASKLIST as WORDS
from tests.serving import serve_app
from vault.providers.registry import PROVIDERS

OTHERS = frozenset(SERVICES)


@pytest.fixture
def tasklist(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Register Tasklist: in a fork of DevContext, each of these is a line of the registry that it names."""
    monkeypatch.setitem(PLACES, "tasklist", PLACE)
    monkeypatch.setitem(PROVIDERS, "tasklist", Tasklist())
    monkeypatch.setitem(SERVICES, "tasklist", WORDS)
    monkeypatch.setitem(FACTS, "tasklist", ProviderFacts(id="tasklist", name="Tasklist", evidence_prefix="tl"))
    monkeypatch.setitem(REGISTERED, "tasklist_open_tasks", TASKLIST_OPEN_TASKS)
    monkeypatch.setitem(STAND_INS, "tasklist", STAND_IN)
    # Its mark and its colours are files beside those of the others and need no line; here they are in a folder apart.
    settings.STATICFILES_DIRS = [*settings.STATICFILES_DIRS, Path(__file__).with_name("static")]


@pytest.fixture
def sandbox(tasklist: None, settings: Any) -> Iterator[str]:
    """The sandbox with Tasklist in it."""
    with serve_app(lambda url: create_app(data=None, world=tidewater_world(), base_url=url)) as url:
        settings.ALLOWED_HOSTS = ["localhost", "testserver"]
        settings.SANDBOX_URL = url
        settings.PROVIDERS = providers.load(sandbox_url=url, with_secrets=True)
        yield url


@pytest_asyncio.fixture
async def maya(sandbox: str, transactional_db: None) -> AsyncIterator[User]:
    """The demo user, who connected Tasklist and nothing else through its consent page."""
    cache.clear()
    user = await sync_to_async(load_demo_user)()
    await demo.connect_services(connected=OTHERS)
    yield user
    await shut_down()
    cache.clear()
