"""The demo workspace: finds or starts the sandbox, and connects the demo user through the real OAuth flow.

It clicks through the pages as a browser would; no token is ever in its hands.
"""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx
from django.conf import settings

from permissions.services import SERVICES

# A sandbox with a large repository reads its history first; the largest tried took 6 s.
_START_SECONDS = 60.0


class DemoError(Exception):
    """The demo workspace cannot be had; the sentence says why."""


@dataclass(frozen=True, slots=True)
class World:
    """What a sandbox says of its data: in words, whether some are somebody's own, and what the demo user is called."""

    label: str
    is_own: bool
    me: str


def find_world(url: str) -> World | None:
    """Return what the sandbox at `url` holds, or None when none answers."""
    try:
        health = httpx.get(f"{url}/health", timeout=2.0, trust_env=False).json()
    except (httpx.HTTPError, ValueError):
        return None
    if not isinstance(health, dict) or health.get("sandbox") is not True:
        return None
    return World(str(health.get("world", "")), health.get("is_own") is True, str(health.get("me", "")))


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def started_sandbox(*, port: int, arguments: Sequence[str] = ()) -> Iterator[str]:
    """Start a sandbox of our own and yield its address; it ends with the context.

    Args:
        port: Where it listens.
        arguments: What fills it with somebody's own data, see `own_data.sandbox_arguments`.

    Raises:
        DemoError: It did not start; the sentence is its own.
    """
    command = [sys.executable, "-m", "devcontext.sandbox", "--port", str(port)]
    command += ["--data", str(settings.DATA_DIR / "sandbox.sqlite3"), *arguments]
    process = subprocess.Popen(  # noqa: S603  (our own module; the arguments are passed as a list)
        command, cwd=settings.BASE_DIR, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        _wait_until_up(process, f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate()


def _wait_until_up(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            assert process.stderr is not None
            lines = process.stderr.read().decode(errors="replace").strip().splitlines()
            raise DemoError(lines[-1] if lines else "The sandbox ended at once.")
        if find_world(url):
            return
        time.sleep(0.1)
    raise DemoError("The sandbox did not start in time.")


async def connect_services(*, connected: set[str]) -> None:
    """Sign in as the demo user and connect every service that is not in `connected`, page by page.

    Raises:
        DemoError: A page did not lead on.
    """
    from devcontext.asgi import application  # noqa: PLC0415  (sets Django's pages up, which commands may not need)

    transport = httpx.ASGITransport(app=application)
    async with (
        httpx.AsyncClient(transport=transport, base_url=settings.APP_URL) as app,
        httpx.AsyncClient(trust_env=False) as outside,
    ):
        await _submit(app, "/accounts/login/", form_path="/accounts/demo/")
        for slug in SERVICES:
            if slug not in connected:
                await _connect(app, outside, slug)


async def _connect(app: httpx.AsyncClient, outside: httpx.AsyncClient, provider: str) -> None:
    authorize = await _submit(app, f"/auth/connect/{provider}")
    callback = await _submit(outside, authorize)
    try:
        returned = await (app if settings.IS_VAULT_EMBEDDED else outside).get(callback)
    except httpx.TransportError as error:
        raise DemoError("The token vault does not answer any more.") from error
    finished = await app.get(returned.headers.get("location", "/"))
    if finished.status_code not in {httpx.codes.FOUND, httpx.codes.SEE_OTHER}:
        raise DemoError(f"Connecting {provider} in the sandbox did not work.")


async def _submit(client: httpx.AsyncClient, url: str, *, form_path: str = "") -> str:
    """Open the page at `url`, send its form (the one to `form_path`, or to itself) and return where it leads."""
    try:
        page = await client.get(url)
    except httpx.TransportError as error:
        raise DemoError("The sandbox does not answer any more.") from error
    forms = _Forms()
    forms.feed(page.text)
    wanted = form_path or page.url.path
    targets = {urlsplit(urljoin(str(page.url), form.action)).path: form for form in forms.found}
    form = targets.get(wanted)
    if form is None:
        raise DemoError(f"The page {urlsplit(url).path} has no form to go on with.")
    target = urljoin(str(page.url), form.action)
    answer = await client.post(target, data=form.fields, headers={"Referer": str(page.url)})
    location = answer.headers.get("location")
    if not location:
        raise DemoError(f"The page {urlsplit(url).path} did not lead on.")
    return str(location)


@dataclass(slots=True)
class _Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    """Collects a page's forms: hidden fields, checked boxes, and the first submit button of each."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[_Form] = []
        self._is_open = False
        self._has_button = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(_Form(action=values.get("action", "")))
            self._is_open, self._has_button = True, False
        elif self._is_open and tag in ("input", "button"):
            self._add(tag, values)

    def _add(self, tag: str, values: dict[str, str]) -> None:
        is_button = tag == "button" or values.get("type") == "submit"
        is_unchecked = values.get("type") in ("checkbox", "radio") and "checked" not in values
        if "name" not in values or is_unchecked or (is_button and self._has_button):
            return
        self._has_button = self._has_button or is_button
        self.found[-1].fields[values["name"]] = values.get("value", "on" if values.get("type") == "checkbox" else "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_open = False
