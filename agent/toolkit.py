"""The dispatcher of tools: one result for every call, whatever happens.

It knows no database, socket, vault or model SDK: whoever starts a run passes `Credentials` in.
"""

import asyncio
import hashlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from pydantic import ValidationError

from agent import results
from agent.calls import ENDLESS, Call, Clock, Dispatched, Emit, NoProvider, Waiting
from agent.errors import ArgumentsError, ToolErrorCode, ToolFailedError
from agent.events import Evidence, StepStarted
from agent.exclusions import Exclusions
from agent.providers import PROVIDERS
from agent.schemas import strict_schema
from agent.tool import Arguments, Item, ProviderHTTP, ReadContext, Tool, ToolResult
from agent.untrusted import Noticed, clean_text, noticing

logger = logging.getLogger(__name__)

HIDDEN_WORDS = "Hidden characters were removed from what was read: somebody hid words there."


@dataclass(frozen=True, slots=True)
class Opened:
    """A provider's client for one tool call, and what the user leaves out of whatever it reads."""

    http: ProviderHTTP
    exclusions: Exclusions


class Credentials(Protocol):
    """Opens a provider for one tool call: permission gate, exchange, and a client that holds the token until closed."""

    def open(
        self,
        *,
        tool: Tool,
        tool_call: str,
        emit: Emit,
        places: tuple[str, ...],
        waiting: Waiting,
    ) -> AbstractAsyncContextManager[Opened]:
        """Return a context that yields the provider's client, emitting `StepPermission` and `StepExchanged`.

        `places` are what the call names; one that the user leaves out is refused before any exchange. `waiting` stops
        the call's clock while the user is asked.

        Raises:
            agent.errors.ToolFailedError: The user or the vault says no, with the sentence for model and user.
        """
        ...


def evidence_id(*, provider: str, url: str) -> str:
    """Return the stable id of the item at `url`: a two-letter prefix and eight hex digits, such as `gh-3f9a1c2e`."""
    return f"{PROVIDERS[provider].evidence_prefix}-{hashlib.sha256(url.encode()).hexdigest()[:8]}"


def evidence_of(*, provider: str, item: Item) -> Evidence:
    """Return what an answer can cite of `item`."""
    return Evidence(id=evidence_id(provider=provider, url=item.url), provider=provider, title=item.title, url=item.url)


def describe(tools: Mapping[str, Tool]) -> list[dict[str, Any]]:
    """Return the tools as the Messages API wants them, in the registry's order.

    Thinking signatures bind this list, so a permission never changes it: a refused tool answers the call instead.
    """
    return [
        {
            "name": tool.name,
            "description": tool.description,
            "input_schema": strict_schema(tool.arguments),
            "strict": True,
        }
        for tool in tools.values()
    ]


class Toolkit:
    """The tools of one run: describes them to the model and answers every call with exactly one result.

    `on_refused(name, reason, tool_call)` is awaited for every call of an invented tool (`unknown_tool`) or with
    invented arguments (`bad_arguments`), so that the runner can put it on record.
    """

    def __init__(
        self,
        *,
        tools: Mapping[str, Tool],
        credentials: Credentials,
        context: ReadContext,
        on_refused: Callable[[str, str, str], Awaitable[None]],
    ) -> None:
        self.context = context
        self._tools = tools
        self._credentials = credentials
        self._on_refused = on_refused

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tools, in their order."""
        return tuple(self._tools)

    def specs(self) -> list[dict[str, Any]]:
        """Return the tools as `describe` does, the same for every run."""
        return describe(self._tools)

    async def dispatch(
        self, *, call_id: str, name: str, arguments: Any, emit: Emit, clock: Clock = ENDLESS
    ) -> Dispatched:
        """Run one tool call and return its result, whatever happens; only cancellation goes through.

        `clock` says when the run stops reading: a call that is not over by then is given up, with a result that says
        so.
        """
        call = Call(id=call_id, name=clean_text(name, max_characters=64), emit=emit, clock=clock)
        try:
            async with asyncio.timeout(call.seconds_left) as call.limit:
                return await self._try(call, name=name, arguments=arguments)
        except TimeoutError:
            # Only the limit above: one that a tool raises is already a result.
            return call.fail(ToolFailedError("budget_spent", "There was no time left to finish this read."))

    async def _try(self, call: Call, *, name: str, arguments: Any) -> Dispatched:
        try:
            return await self._answer(call, name=name, arguments=arguments)
        except ToolFailedError as error:
            return call.fail(error)
        # The outer frame of every tool: whatever goes wrong inside one becomes a result, never the end of the run.
        except Exception:
            correlation = secrets.token_hex(4)
            logger.exception("agent.tool.failed", extra={"tool": call.name, "correlation": correlation})
            return call.fail(ToolFailedError("internal", f"The tool failed. Reference {correlation}."))

    async def _answer(self, call: Call, *, name: str, arguments: Any) -> Dispatched:
        tool = self._tools.get(name)
        if tool is None:
            return await self._refuse(call, "unknown_tool", f"There is no such tool. Tools: {', '.join(self.names)}.")
        try:
            accepted = _parse(arguments, tool=tool)
        except ArgumentsError as error:
            return await self._refuse(call, "bad_arguments", str(error))
        args = accepted.model_dump(mode="json", exclude_none=True)
        call.begin(provider=tool.provider, arguments=args)
        call.emit(StepStarted(id=call.id, tool=tool.name, provider=tool.provider, label=tool.label, args=args))
        return await self._read(call, tool=tool, arguments=accepted)

    async def _refuse(self, call: Call, code: ToolErrorCode, message: str) -> Dispatched:
        await self._on_refused(call.name, code, call.id)
        return call.fail(ToolFailedError(code, message))

    async def _read(self, call: Call, *, tool: Tool, arguments: Arguments) -> Dispatched:
        with noticing() as noticed:
            return await self._read_noticing(call, tool=tool, arguments=arguments, noticed=noticed)

    async def _read_noticing(self, call: Call, *, tool: Tool, arguments: Arguments, noticed: Noticed) -> Dispatched:
        context = replace(self.context, report_progress=call.report_progress)
        if not tool.provider:
            began_at = time.monotonic()
            result, received_bytes = await tool.run(arguments, NoProvider(), context), 0
        else:
            opening = self._credentials.open(
                tool=tool.asking(arguments),
                tool_call=call.id,
                emit=call.emit,
                places=arguments.places(),
                waiting=call.waiting,
            )
            async with opening as opened:
                opened.http.read_until = call.clock.read_until
                began_at = time.monotonic()
                read = await tool.run(arguments, opened.http, replace(context, exclusions=opened.exclusions))
            # SECURITY: before anything is written, cited, counted or shown; what a tool forgets does not count.
            result, received_bytes = _leave_out(read, exclusions=opened.exclusions), opened.http.received_bytes
        read_ms = round((time.monotonic() - began_at) * 1000)
        written = _write(result, tool=tool, noticed=noticed)
        evidence = tuple(
            evidence_of(provider=tool.provider, item=item)
            for item in result.items[: len(written.entries)]
            if _is_citable(item, tool=tool)
        )
        return call.finish(written, evidence=evidence, received_bytes=received_bytes, read_ms=read_ms)


def _parse(arguments: Any, *, tool: Tool) -> Arguments:
    try:
        return tool.arguments.model_validate(arguments)
    except ValidationError as error:
        # Names and rules only: the values are the model's words, and it gets no echo of them.
        faults = [
            f"{clean_text('.'.join(map(str, fault['loc'])), max_characters=64) or 'arguments'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_context=False, include_input=False)
        ]
    raise ArgumentsError(clean_text(f"The arguments do not fit. {'; '.join(faults)}."))


def _write(result: ToolResult, *, tool: Tool, noticed: Noticed) -> results.Written:
    entries = [
        results.write_entry(
            evidence=evidence_id(provider=tool.provider, url=item.url) if _is_citable(item, tool=tool) else "",
            title=item.title,
            fields=item.fields,
        )
        for item in result.items
    ]
    return results.write_result(
        entries,
        service=tool.provider or tool.name,
        is_truncated=result.is_truncated,
        warnings=(*result.warnings, *((HIDDEN_WORDS,) if noticed.has_hidden_words else ())),
    )


def _leave_out(result: ToolResult, *, exclusions: Exclusions) -> ToolResult:
    kept = tuple(
        item for item in result.items if not exclusions.hides(title=item.title, places=item.places, fields=item.fields)
    )
    count = len(result.items) - len(kept)
    if not count:
        return result
    told = f"{count} {'item' if count == 1 else 'items'} left out by your exclusions."
    return replace(result, items=kept, warnings=(*result.warnings, told))


def _is_citable(item: Item, *, tool: Tool) -> bool:
    return bool(tool.provider and item.url)
