"""A real browser on the run page, under the real Content Security Policy; a test plays the run socket's server."""

import shutil
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from urllib.parse import urlsplit
from uuid import UUID

import pytest
import pytest_asyncio
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.test import RequestFactory
from playwright.async_api import Browser, Page, Route, async_playwright

from agent.beginning import Beginning
from agent.completion import SIGNS
from devcontext.middleware import content_security_policy
from permissions.dots import Dot, Dots
from permissions.services import SERVICES
from tests.e2e.installation import Installation, running
from tests.e2e.journey import ARGS
from tests.e2e.run_socket_peer import CHAT, RUN, Ask, Peer

ORIGIN = "http://devcontext.test"
TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def request_of_maya() -> HttpRequest:
    """Return a request for a page by somebody who is signed in."""
    request = RequestFactory().get("/")
    request.user = User(pk=1, username="maya", email="maya@tidewater.example")
    return request


def chat_page(*, run_ids: list[str], words: str = "") -> str:
    """Render the chat as its view does; `words` are those of its scripts in another language, as JSON."""
    context = {
        "conversation": SimpleNamespace(id=CHAT, title="Brief me for standup") if run_ids else None,
        "run_ids": run_ids,
        "service_dots": Dots(
            tuple(Dot(slug, service.name, "connected", "Connected") for slug, service in SERVICES.items())
        ),
        "recent": [],
        "unread": 0,
        "recipes": [
            ("standup", "Brief me for standup", "Blockers first", "Brief me for standup."),
            ("catch-up", "Catch me up", "Who needs you", "Catch me up on what I missed."),
        ],
        "beginning": None if run_ids else Beginning("catch-up", "2026-11-20T00:00", "Europe/Berlin", 92),
        "completions": [tool.completion for tool in SIGNS.values()],
        "catalogue": words,
    }
    return render_to_string("agent/chat.html", context, request=request_of_maya())


async def answer(route: Route) -> None:
    """Serve the page and its static files from their sources."""
    url = urlsplit(route.request.url)
    if url.path.startswith(settings.STATIC_URL):
        path = finders.find(url.path.removeprefix(settings.STATIC_URL))
        await route.fulfill(path=path, content_type=TYPES[url.path.rpartition(".")[2]])
        return
    count = 45 if "long" in url.query else 1
    runs = [str(RUN), *(str(UUID(int=number)) for number in range(1, count))]
    body = chat_page(run_ids=runs[::-1] if "old" in url.query or "long" in url.query else [])
    await route.fulfill(
        body=body, content_type="text/html", headers={"Content-Security-Policy": content_security_policy()}
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser for a module: the system's if there is one, else the one that `playwright install` brought."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGS)
        yield browser
        await browser.close()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A whole installation for a module, as `./dev up` starts it."""
    with running(tmp_path_factory.mktemp("installation")) as found:
        yield found


@pytest.fixture(scope="module")
def connected_installation(installation: Installation) -> Installation:
    """The same, whose demo user has connected all three services."""
    installation.connect_demo_user()
    return installation


@pytest.fixture
def peer() -> Peer:
    """The other end of the page's socket."""
    return Peer()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, peer: Peer) -> AsyncIterator[Page]:
    """The run page, new at `/`, with one run at `/?old` and 45 at `/?long`; no test ends with a browser's complaint."""
    context = await browser.new_context(reduced_motion="reduce", base_url=ORIGIN)
    page = await context.new_page()
    complaints: list[str] = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.route("**/*", answer)
    await page.route_web_socket("**/ws/runs/", peer.connect)
    yield page
    await context.close()
    assert complaints == []


@pytest.fixture
def ask(page: Page) -> Ask:
    """Type a question and press Enter."""

    async def type_and_send(text: str) -> None:
        await page.get_by_label("Your question").fill(text)
        await page.keyboard.press("Enter")

    return type_and_send
