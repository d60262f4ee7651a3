"""What a tool is: its declaration, its arguments, what it may know and reach, and what it returns.

Values and protocols alone; `agent.toolkit` runs them and `agent.tools` holds the closed registry.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Protocol
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from pydantic import BaseModel, ConfigDict

from agent.briefing.working_week import WorkingWeek
from agent.endpoints import Endpoint
from agent.exclusions import NOTHING_EXCLUDED, Exclusions


class Arguments(BaseModel):
    """Base of a tool's arguments: unknown fields are refused, and its JSON Schema goes to the model."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    # All that `extra_scope` may return, space-separated: what the permission page counts as needed.
    optional_scope: ClassVar[str] = ""

    def extra_scope(self) -> str:
        """Return the scopes, space-separated, that a call with these arguments needs besides its tool's."""
        return ""

    def places(self) -> tuple[str, ...]:
        """Return the repositories (`owner/name`) or channels that a call with these arguments names."""
        return ()


class ProviderHTTP(Protocol):
    """A provider's API with the user's token already in its transport; the only way a tool can reach out.

    Paths are templates (`/conversations/{id}`) for the audit; values go in `params`, `json` or `path_values`.

    Attributes:
        read_until: When the call's reading ends, on the clock of `time.monotonic`: no wait is begun that outlasts it.
    """

    read_until: float

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

    @property
    def received_bytes(self) -> int:
        """Bytes of the answers so far, as read from the provider."""
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

    `week` tells the user's working days and their zone.
    `report_progress(done, total)` may be called while reading; `list_services` asks the permission centre.
    `exclusions` are taken out of every answer by the dispatcher; a tool needs them where it can ask for less, or tells
    of one thing in the fields of another.
    """

    now: datetime
    week: WorkingWeek
    report_progress: Callable[[int, int], None]
    list_services: Callable[[], Awaitable[tuple[ServiceFact, ...]]]
    exclusions: Exclusions = NOTHING_EXCLUDED

    @property
    def time_zone(self) -> ZoneInfo:
        """The user's zone."""
        return self.week.time_zone


@dataclass(frozen=True, slots=True)
class Item:
    """One thing a tool read: what the model gets (`fields`) and what an answer can cite (`title`, `url`).

    `places` are what exclusions go by: the repository (`owner/name`) or the channel (`#name` and id) that it is of, and
    () for what is of none. An address would not do: it has a path of its own on every server.
    """

    title: str
    url: str
    fields: Mapping[str, Any]
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool read. `warnings` are our own sentences about what is missing from it."""

    items: tuple[Item, ...]
    is_truncated: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Completion:
    """What a person may complete in a question: after `sign`, the titles that the tool returns for `arguments`.

    `what` says to them what that is, as in "a channel".
    """

    sign: str
    what: str | Promise
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tool:
    """One read-only tool. `provider` is "" for a tool that reads nothing outside, such as `connections`.

    `label` is shown while it reads; `reads` says what, after "The AI may read", for the audit.
    `scope` is what the exchange asks for, space-separated, in the provider's own words. `fallback_scope` is asked for
    where the user did not grant `scope`, if the tool can do with less: it learns from the provider what is refused.
    `endpoints` is all that the tool may ask the provider; a request beside it is refused before it leaves, and a tool
    that declares none gets no token.
    """

    name: str
    provider: str
    label: str
    reads: str
    description: str
    arguments: type[Arguments]
    scope: str
    run: Callable[[Any, ProviderHTTP, ReadContext], Awaitable[ToolResult]]
    endpoints: tuple[Endpoint, ...]
    fallback_scope: str = ""
    completion: Completion | None = None

    @property
    def scopes(self) -> frozenset[str]:
        """Every scope that some call of it may ask for."""
        return frozenset(f"{self.scope} {self.fallback_scope} {self.arguments.optional_scope}".split())

    def asking(self, arguments: Arguments) -> "Tool":
        """Return the tool with all the scopes that a call with `arguments` needs."""
        return replace(self, scope=f"{self.scope} {arguments.extra_scope()}".strip())
