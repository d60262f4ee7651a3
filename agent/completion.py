"""Names to complete in a question: what a tool's list holds for this user, read as any other read, and remembered.

Each look passes the permission gate, which puts it on record; the list itself is read once in some minutes. What is
remembered, in this process alone, are names and addresses: never a token, and never for another connection than the
one that was read.
"""

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.utils import timezone

from agent.briefing.working_week import WorkingWeek
from agent.credentials import RunCredentials
from agent.errors import ToolFailedError
from agent.events import LoopEvent
from agent.exclusions import Exclusions
from agent.tool import ReadContext, ServiceFact, Tool, ToolResult
from agent.tools import TOOLS
from agent.untrusted import clean_text
from permissions import connections
from vault.client import Asker, VaultError

# As long as a person writes on one question; a new repository or channel is there after that.
KEPT_SECONDS = 300.0
# Of people and lists; a list has a hundred names at most, so all of them take a few megabytes.
_MAX_KEPT = 1000
# Somebody waits for it while they type. A provider that is slower is left alone.
_MAX_SECONDS = 10.0
_TOO_SLOW = "The names could not be read in time. Write on without them."
# Longer than any name that a provider allows: GitHub's have at most 140 characters, Slack's 80.
_MAX_NAME_CHARACTERS = 160

SIGNS = {tool.completion.sign: tool for tool in TOOLS.values() if tool.completion}


@dataclass(frozen=True, slots=True)
class Names:
    """What can be completed after a sign; `message` is our sentence on why there is nothing."""

    names: tuple[str, ...] = ()
    is_cut: bool = False
    message: str = ""


@dataclass(frozen=True, slots=True)
class _Key:
    user: str
    tool: str
    connection: str


_kept: OrderedDict[_Key, tuple[float, ToolResult]] = OrderedDict()


async def list_names(sign: str, *, asker: Asker) -> Names:
    """Return the names that `asker` may complete after `sign`, a key of `SIGNS`.

    Raises:
        KeyError: Nothing is completed after this sign.
    """
    tool = SIGNS[sign]
    try:
        async with asyncio.timeout(_MAX_SECONDS):
            result, exclusions = await _look(tool, asker=asker)
    except ToolFailedError as error:
        return Names(message=error.message)
    except TimeoutError:
        return Names(message=_TOO_SLOW)
    return Names(tuple(_shown(result, exclusions=exclusions)), is_cut=result.is_truncated)


async def _look(tool: Tool, *, asker: Asker) -> tuple[ToolResult, Exclusions]:
    # Every actor token names a run; a look is one of its own, so that the timeline shows together what it did.
    call = f"completion-{secrets.token_hex(8)}"
    credentials = RunCredentials(**asker, run=call, look="completion")
    key = _Key(asker["user"], tool.name, await _find_connection(tool, asker=asker))
    if result := _find(key):
        # SECURITY: what is remembered is shown only to whom the gate lets read it now.
        return result, await credentials.require_permission(tool=tool, tool_call=call, emit=_ignore, places=())
    assert tool.completion
    arguments = tool.arguments.model_validate(tool.completion.arguments)
    opening = credentials.open(tool=tool.asking(arguments), tool_call=call, emit=_ignore, places=())
    async with opening as opened:
        result = await tool.run(arguments, opened.http, _context())
    _keep(key, result)
    return result, opened.exclusions


async def _find_connection(tool: Tool, *, asker: Asker) -> str:
    try:
        return (await connections.load_status(**asker, provider=tool.provider)).connection
    except VaultError:
        # The gate is asked next, and says what is wrong.
        return ""


def _find(key: _Key) -> ToolResult | None:
    read_at, result = _kept.get(key, (0.0, None))
    return result if time.monotonic() - read_at < KEPT_SECONDS else None


def _keep(key: _Key, result: ToolResult) -> None:
    if not key.connection:
        return
    _kept[key] = (time.monotonic(), result)
    _kept.move_to_end(key)
    # In order of time: what is too old to be told is not kept either.
    oldest_at = time.monotonic() - KEPT_SECONDS
    while _kept and (len(_kept) > _MAX_KEPT or next(iter(_kept.values()))[0] < oldest_at):
        _kept.popitem(last=False)


def forget() -> None:
    """Forget all names."""
    _kept.clear()


def _shown(result: ToolResult, *, exclusions: Exclusions) -> Iterable[str]:
    for item in result.items:
        if not exclusions.hides(title=item.title, places=item.places, fields=item.fields):
            yield clean_text(item.title, max_characters=_MAX_NAME_CHARACTERS)


def _context() -> ReadContext:
    """Return what a list needs, which asks for no time: the user's week does not matter to it."""
    zone = ZoneInfo("UTC")
    return ReadContext(
        now=timezone.now().astimezone(zone),
        week=WorkingWeek(time_zone=zone),
        report_progress=lambda _done, _total: None,
        list_services=_list_no_services,
    )


async def _list_no_services() -> tuple[ServiceFact, ...]:
    return ()


def _ignore(_event: LoopEvent) -> None:
    """There is no page that shows the steps of a look; the audit has them."""
