"""What a tool is, the closed registry of them, and the dispatcher: one result for every call, whatever happens.

It knows no database, socket, vault or model SDK: whoever starts a run passes `Credentials` in.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from agent.events import Evidence, LoopEvent


class Arguments(BaseModel):
    """Base of a tool's arguments: unknown fields are refused, and its JSON Schema goes to the model."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ProviderHTTP(Protocol):
    """A provider's API with the user's token already in its transport; the only way a tool can reach out.

    Paths are templates (`/conversations/{id}`) for the audit; values go in `params`, `json` or `path_values`.
    """

    async def get(
        self, path: str, *, params: Mapping[str, Any] | None = None, path_values: Mapping[str, str] | None = None
    ) -> Any:
        """Return the parsed JSON answer of a GET.

        Raises:
            agent.errors.ToolFailedError: Refused, limited, unreachable or unusable answers.
        """
        ...

    async def post(self, path: str, *, json: Any = None, form: Mapping[str, str] | None = None) -> Any:
        """Return the parsed JSON answer of a POST; raises as `get` does."""
        ...


@dataclass(frozen=True, slots=True)
class ServiceFact:
    """The state of one service as the `connections` tool tells it; `state` is the user's word for it."""

    provider: str
    name: str
    state: str
    account: str


@dataclass(frozen=True, slots=True)
class ReadContext:
    """What a tool may know besides its arguments.

    `report_progress(done, total)` may be called while reading; `list_services` asks the permission centre.
    """

    now: datetime
    time_zone: ZoneInfo
    report_progress: Callable[[int, int], None]
    list_services: Callable[[], Awaitable[tuple[ServiceFact, ...]]]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing a tool read: what the model gets (`fields`) and what an answer can cite (`title`, `url`)."""

    title: str
    url: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool read. `warnings` are our own sentences about what is missing from it."""

    items: tuple[Item, ...]
    is_truncated: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tool:
    """One read-only tool. `provider` is "" for a tool that reads nothing outside, such as `connections`.

    `scope` is what the exchange asks for, space-separated, in the provider's own words.
    """

    name: str
    provider: str
    label: str
    description: str
    arguments: type[Arguments]
    scope: str
    run: Callable[[Any, ProviderHTTP, ReadContext], Awaitable[ToolResult]]


class Credentials(Protocol):
    """Opens a provider for one tool call: permission gate, exchange, and a client that holds the token until closed."""

    def open(
        self, *, tool: Tool, tool_call: str, emit: Callable[[LoopEvent], None]
    ) -> AbstractAsyncContextManager[ProviderHTTP]:
        """Return a context that yields the provider's client, emitting `StepPermission` and `StepExchanged`.

        Raises:
            agent.errors.ToolFailedError: The user or the vault says no, with the sentence for model and user.
        """
        ...


def evidence_id(*, provider: str, url: str) -> str:
    """Return the stable id of the item at `url`: a two-letter prefix and eight hex digits, such as `gh-3f9a1c2e`."""
    prefix = {"github": "gh", "google-calendar": "gc", "slack": "sl"}[provider]
    return f"{prefix}-{hashlib.sha256(url.encode()).hexdigest()[:8]}"


def evidence_of(*, provider: str, item: Item) -> Evidence:
    """Return what an answer can cite of `item`."""
    return Evidence(id=evidence_id(provider=provider, url=item.url), provider=provider, title=item.title, url=item.url)
