"""Runs tools as a run does, with the sandbox's tokens: what the model gets is what a test looks at."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from agent.api.http import authorized
from agent.calls import Dispatched
from agent.exclusions import NOTHING_EXCLUDED
from agent.tool import ReadContext, Tool
from agent.toolkit import Emit, Opened, Toolkit, Waiting
from agent.tools import TOOLS
from devcontext.sandbox.store import Store
from tests.agent.api.fixtures import Calls
from tests.contracts.sandbox import granted, issue_token


@dataclass(frozen=True, slots=True)
class Dispatching:
    """The registry's tools, reading for one user of the sandbox."""

    store: Store
    calls: Calls
    context: ReadContext

    async def dispatch(self, name: str, *, arguments: dict[str, Any]) -> Dispatched:
        """Run one tool call as a run does; whatever goes wrong becomes its result."""

        async def refuse(name: str, reason: str, _: str) -> None:
            raise AssertionError(f"{name}: {reason}")

        toolkit = Toolkit(tools=TOOLS, credentials=self, context=self.context, on_refused=refuse)
        return await toolkit.dispatch(call_id="toolu_1", name=name, arguments=arguments, emit=lambda _: None)

    @asynccontextmanager
    async def open(
        self, *, tool: Tool, tool_call: str, emit: Emit, places: tuple[str, ...], waiting: Waiting
    ) -> AsyncIterator[Opened]:
        """Open the provider as its user; implements `agent.toolkit.Credentials`."""
        _ = tool_call, emit, places
        token = issue_token(self.store, provider=tool.provider, scope=granted(tool))
        with authorized(provider=tool.provider, endpoints=tool.endpoints, token=token, on_call=self.calls) as http:
            yield Opened(http, NOTHING_EXCLUDED)
