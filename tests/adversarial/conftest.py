"""The sandbox over a hostile world, with everything that is asked of it on record, and a user with all services."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from starlette.types import ASGIApp, Receive, Scope, Send

from devcontext import demo
from devcontext.lifespan import shut_down
from devcontext.sandbox.app import create_app
from devcontext.settings import providers
from devcontext.views import load_demo_user
from tests.adversarial.worlds import hostile_world
from tests.vault.upstream import serve_app

Asked = list[tuple[str, str]]


@pytest.fixture
def asked() -> Asked:
    """Each request that the sandbox got, as (method, path)."""
    return []


@pytest.fixture
def sandbox(settings: Any, asked: Asked) -> Iterator[str]:
    """The stand-ins of the providers over the hostile world."""

    def recorded(app: ASGIApp) -> ASGIApp:
        async def record(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                asked.append((scope["method"], scope["path"]))
            await app(scope, receive, send)

        return record

    with serve_app(lambda url: recorded(create_app(data=None, world=hostile_world(), base_url=url))) as url:
        settings.ALLOWED_HOSTS = ["localhost"]
        settings.SANDBOX_URL = url
        settings.PROVIDERS = providers.load(sandbox_url=url, with_secrets=True)
        settings.ANTHROPIC_BASE_URL = f"{url}/claude"
        yield url


@pytest_asyncio.fixture
async def maya(sandbox: str, asked: Asked, transactional_db: None) -> AsyncIterator[User]:
    """The demo user, with all services connected; what is asked of the sandbox counts from here on."""
    user = await sync_to_async(load_demo_user)()
    await demo.connect_services(connected=set())
    asked.clear()
    yield user
    await shut_down()
