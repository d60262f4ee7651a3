"""How soon a key shows in a long chat: from the key to the frame that is painted after it, in Chromium.

`./dev bench typing`. The page, its styles and scripts are the real ones; a stand-in plays the run socket and sends
every turn whole. All earlier turns are shown before the first key, which is more than a page shows by itself. The
conversations are measured one after the other in the same browser; the last lines compare them with the first. A frame
takes up to 17 ms, and that much is in each figure; the load average stands in the first line.
"""
# ruff: noqa: E402  (the settings are read where Django is set up)

import argparse
import asyncio
import os
import shutil
import time
from dataclasses import dataclass
from statistics import median, quantiles
from uuid import UUID

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "devcontext.settings.test")

import django

django.setup()

from django.conf import settings
from django.contrib.staticfiles import finders
from playwright.async_api import Browser, Page, async_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from agent import events
from devcontext.middleware import content_security_policy
from tests.e2e.conftest import ARGS, chat_page
from tests.e2e.run_socket_peer import Peer
from tests.serving import serve_app

# The first keys compile the page's scripts and draw the caret for the first time; all that come after them count.
_WARM_UP_KEYS = 20
_KEYS = 200
# Ten keys a second is faster than people write.
_PAUSE_MS = 100
_BUDGET_MS = 50
_PULL = events.Evidence("gh-00000001", "github", "#412 Retry uploads", "https://github.com/o/r/pull/412")
_LINE = (
    f'<li><a class="evidence" data-provider="github" href="{_PULL.url}">{_PULL.title}</a> waits for your review since '
    "Friday. Next: read what changed after your last comment, and answer it.</li>"
)
_BLOCK = f"<h2>Needs you</h2><ul>{_LINE * 6}</ul>"
_TURN: tuple[events.RunEvent, ...] = (
    events.RunStarted(question="Brief me for standup", model="m", is_simulated=True),
    *(
        event
        for call in "abcde"
        for event in (
            events.StepStarted(id=call, tool="a_tool", provider="github", label="Fetching…", args={"limit": 30}),
            events.StepPermission(id=call, state="allowed"),
            events.StepExchanged(id=call, ms=12, scopes="repo", exchange="ex-1"),
            events.StepFinished(id=call, ms=812, items=3, bytes=900, evidence=(_PULL.id,), titles=(_PULL.title,)),
        )
    ),
    *(events.BlockFinal(block=number, html=_BLOCK, evidence=(_PULL,)) for number in range(4)),
    events.RunFinished(
        elapsed_ms=2100, coverage=(events.Coverage("github", "read", 15, 5),), grounding=events.GroundingCounts(cited=1)
    ),
)
_IS_SHOWN = "(turns) => document.querySelectorAll('.turn[data-phase=finished]').length >= turns"
_WATCH = """() => {
  globalThis.waits = [];
  globalThis.tasks = [];
  new PerformanceObserver((list) => list.getEntries().forEach((task) => globalThis.tasks.push(task.duration)))
    .observe({ type: "longtask" });
  const painted = new MessageChannel();
  const began = [];
  painted.port1.onmessage = () => globalThis.waits.push(performance.now() - began.shift());
  document.querySelector("textarea").addEventListener("keydown", ({ timeStamp }) => {
    began.push(timeStamp);
    requestAnimationFrame(() => painted.port2.postMessage(null));
  }, { capture: true });
}"""


@dataclass(frozen=True, slots=True)
class _Typed:
    """Milliseconds from each key to the paint after it, and of each task that kept the page for 50 ms or longer."""

    messages: int
    elements: int
    waits: list[float]
    tasks: list[float]

    @property
    def p99(self) -> float:
        return quantiles(self.waits, n=100)[98]

    def __str__(self) -> str:
        verdict = "within" if self.p99 < _BUDGET_MS else "misses"
        return (
            f"{self.messages} messages, {self.elements:,} elements: key to paint median {median(self.waits):.0f} ms, "
            f"p95 {quantiles(self.waits, n=20)[18]:.0f}, p99 {self.p99:.0f}, slowest {max(self.waits):.0f} over "
            f"{len(self.waits)} keys; {len(self.tasks)} long tasks; p99 {verdict} {_BUDGET_MS} ms"
        )


async def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, nargs="+", default=[10, 300], help="questions and answers")
    options = parser.parse_args()
    print(f"{time.strftime('%Y-%m-%d')}, load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors")
    typed = []
    with serve_app(_site) as url:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGS)
            for messages in options.messages:
                typed.append(await _measure(browser, url, turns=messages // 2))
                print(typed[-1], flush=True)
            await browser.close()
    first, *others = typed
    for other in others:
        ratio = median(other.waits) / median(first.waits)
        print(
            f"{other.messages} messages to {first.messages}: median {ratio:.2f} times, p99 {other.p99 / first.p99:.2f}"
        )


async def _measure(browser: Browser, url: str, *, turns: int) -> _Typed:
    context = await browser.new_context()
    page = await context.new_page()
    await _open(page, url, turns=turns)
    # By its element: Playwright's search by label names every element of the page first, which takes longer than 30 s.
    await page.locator("textarea").focus()
    text = "what did I merge " * (_WARM_UP_KEYS + _KEYS)
    await page.keyboard.type(text[:_WARM_UP_KEYS], delay=_PAUSE_MS)
    await page.evaluate(_WATCH)
    await page.keyboard.type(text[_WARM_UP_KEYS:][:_KEYS], delay=_PAUSE_MS)
    await page.wait_for_timeout(1000)
    waits, tasks = await page.evaluate("[globalThis.waits, globalThis.tasks]")
    elements = await page.evaluate("document.querySelectorAll('*').length")
    await context.close()
    assert len(waits) == _KEYS
    return _Typed(messages=2 * turns, elements=elements, waits=waits, tasks=tasks)


def _site(_url: str) -> Starlette:
    """Serve the page and its static files over HTTP, with the headers of a deployment.

    Where Playwright answers a page's requests in its place, Chromium keeps no file: each `<use>` of the sprite is then
    a document of its own, hundreds of them in a long chat, and they are what a key waits for.
    """
    return Starlette(routes=[Route("/", _page), Route(f"{settings.STATIC_URL}{{path:path}}", _static)])


async def _page(request: Request) -> Response:
    turns = int(request.query_params["turns"])
    body = chat_page(run_ids=[str(UUID(int=number)) for number in range(1, turns + 1)])
    return HTMLResponse(body, headers={"Content-Security-Policy": content_security_policy()})


async def _static(request: Request) -> Response:
    path = finders.find(request.path_params["path"])
    return FileResponse(path, headers={"Cache-Control": "max-age=315360000, public, immutable"})


async def _open(page: Page, url: str, *, turns: int) -> None:
    peer = Peer()
    peer.on_frame = lambda frame: peer.replay(UUID(frame["run"]), *_TURN) if frame["type"] == "attach" else None
    await page.route_web_socket("**/ws/runs/", peer.connect)
    await page.goto(f"{url}/?turns={turns}")
    # Page by page, as a person would; the next is shown once the last one is whole.
    for shown in range(20, turns + 20, 20):
        await page.wait_for_function(_IS_SHOWN, arg=min(shown, turns), timeout=60_000)
        await page.evaluate("document.querySelector('[data-earlier-runs]').click()")


if __name__ == "__main__":
    asyncio.run(main())  # noqa: TID251  (a program of its own, outside of Django)
