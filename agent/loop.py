"""Claude's tool loop: asks, runs the tools it calls and hands the results back until there is an answer.

It shows no text before something was read for it, and knows no database, socket or SDK. It never changes the system
prompt, the tools or an earlier message: thinking signatures bind all three, and the API refuses an edited past.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Literal

from agent.briefing.types import Read, Reading
from agent.budget import Budget, Meter, budget_spent
from agent.calls import Call, Dispatched, ReadingEnded
from agent.errors import ModelError, ToolFailedError
from agent.events import AnswerRestarted, LoopEvent, TextDelta, TurnAdded
from agent.model import AssistantMessage, Model, ToolChoice
from agent.reads import default_reads
from agent.toolkit import Toolkit

_STOPS = {
    None: ("cut_short", "Claude's answer broke off. Try again."),
    "refusal": ("refusal", "Claude declined to answer this."),
    "max_tokens": ("max_tokens", "Claude's answer was longer than one run allows. Ask for less at once."),
    "model_context_window_exceeded": ("context_full", "This conversation is too long for Claude. Start a new one."),
}
_ASKED_AGAIN = "Claude's answer broke off, so it was asked again."


async def run_loop(
    *,
    model: Model,
    system: str,
    messages: list[dict[str, Any]],
    toolkit: Toolkit,
    budget: Budget,
    first_reads: Sequence[Read] = (),
    after_reads: Callable[[Sequence[Reading]], str] = lambda _: "",
) -> AsyncGenerator[LoopEvent | ReadingEnded, None]:
    """Yield what happens until the question at the end of `messages` is answered; `messages` itself stays as it is.

    Text is held back until a service was read in this run. A `TurnAdded` pair of tool calls and their results comes
    only when all results are there, so what the caller keeps is a valid conversation at any moment.

    Args:
        model: Whom to ask.
        system: The system prompt, the same for all runs.
        messages: The conversation, the question last.
        toolkit: The tools of this run.
        budget: What the run may use.
        first_reads: Tool calls made before the model is asked for the first time, at once; tools that the run lacks
            are left out.
        after_reads: Given the readings of `first_reads` in their order, returns what the model is told besides their
            results, or "". It is our own word to the model, so it must hold no text that came from a provider.

    Raises:
        agent.errors.ModelError: There is no answer, with the reason; text yielded before it is not the whole answer.
    """
    happened: asyncio.Queue[LoopEvent | ReadingEnded | None] = asyncio.Queue()
    run = _Run(model, system, [*messages], toolkit, Meter(budget), happened.put_nowait)
    # A task of its own lets parallel tools and timeouts be plain coroutines: a generator must not yield inside either.
    answering = asyncio.create_task(run.answer(first_reads=first_reads, after_reads=after_reads))
    answering.add_done_callback(lambda _: happened.put_nowait(None))
    try:
        while (event := await happened.get()) is not None:
            yield event
        await answering
    finally:
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)


@dataclass(slots=True)
class _Run:
    """The state of one run; everything it does is told through `emit`."""

    model: Model
    system: str
    messages: list[dict[str, Any]]
    toolkit: Toolkit
    meter: Meter
    emit: Callable[[LoopEvent | ReadingEnded], None]
    has_read: bool = False
    has_asked_again: bool = False
    has_urged: bool = False
    shown: str = ""
    tools: list[dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.tools = self.toolkit.specs()

    async def answer(self, *, first_reads: Sequence[Read], after_reads: Callable[[Sequence[Reading]], str]) -> None:
        """Make the first reads, then go step by step until the answer is given, or time is up."""
        try:
            async with asyncio.timeout(self.meter.budget.max_seconds) as limit:
                self.meter.limit = limit
                await self._make(first_reads, after_reads=after_reads)
                while not await self._step():
                    pass
        except TimeoutError:
            if not limit.expired():
                raise
            raise budget_spent() from None

    async def _step(self) -> bool:
        """Ask once and do what the answer wants; return whether it was the final one."""
        may_read = self.meter.may_read
        if not self.has_read and not may_read:
            await self._read_by_default()
        message = await self._ask_again_if_cut_short(may_read=may_read)
        calls = [block for block in message.content if block["type"] == "tool_use"]
        if calls and may_read:
            await self._run_calls(message.content)
        elif message.stop_reason == "pause_turn" and message.content:
            self._join("assistant", message.content)
        elif not self.has_read:
            # The answer is dropped unseen. It never joined the conversation, so no later signature depends on it.
            await self._read_by_default()
        elif not message.content and not self.has_urged:
            self._urge()
        elif calls or not _has_text(message.content):
            # Told to answer, it called tools all the same, or said nothing: neither can be shown or sent back.
            raise ModelError(*_STOPS[None])
        else:
            self._join("assistant", message.content)
            return True
        return False

    def _urge(self) -> None:
        """Ask once for the answer that did not come.

        After tool results, and more so after a text beside them, the API now and then ends a turn with nothing. Source:
        https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons.
        """
        self.has_urged = True
        self._join("user", [{"type": "text", "text": "Answer now, from what was read."}])

    async def _ask_again_if_cut_short(self, *, may_read: bool) -> AssistantMessage:
        """Ask, and once more if the answer broke off: it joined nothing, and what was shown of it is taken back."""
        shown_before = self.shown
        try:
            return await self._ask(may_read=may_read)
        except ModelError as error:
            if error.code != "cut_short" or self.has_asked_again or not self.meter.may_ask:
                raise
        self.has_asked_again = True
        if self.shown != shown_before:
            self.emit(AnswerRestarted(code="cut_short", message=_ASKED_AGAIN))
            self.emit(TextDelta(shown_before))
            self.shown = shown_before
        return await self._ask(may_read=may_read)

    async def _ask(self, *, may_read: bool) -> AssistantMessage:
        max_tokens = self.meter.begin_step()
        is_first = True
        question = self.model.ask(
            system=self.system,
            messages=[*self.messages],
            tools=self.tools,
            tool_choice=self._tool_choice(may_read=may_read),
            max_tokens=max_tokens,
            max_seconds=self.meter.seconds_left,
        )
        async with aclosing(question) as pieces:
            async for piece in pieces:
                if isinstance(piece, AssistantMessage):
                    return self._finish(piece)
                self._show(piece, is_first=is_first)
                is_first = False
        raise ModelError(*_STOPS[None])

    def _tool_choice(self, *, may_read: bool) -> ToolChoice:
        if not may_read:
            return "none"
        # Asked for, never relied on: an answer without a read is dropped, whatever the model can be made to.
        return "auto" if self.has_read else "any"

    def _show(self, text: str, *, is_first: bool) -> None:
        if not self.has_read:
            return
        piece = f"\n\n{text}" if is_first and self.shown else text
        self.emit(TextDelta(piece))
        self.shown += piece

    def _finish(self, message: AssistantMessage) -> AssistantMessage:
        # One that broke off is not counted, as one whose connection dropped cannot be: the very same is asked again.
        if message.stop_reason is not None:
            self.emit(self.meter.count(message))
        if message.stop_reason in _STOPS:
            raise ModelError(*_STOPS[message.stop_reason])
        return message

    async def _read_by_default(self) -> None:
        await self._make([Read(tool=name, arguments=arguments) for name, arguments in default_reads(self.toolkit)])
        if not self.has_read:
            raise ModelError("no_reading", "Nothing could be read, so there is nothing to answer from.")

    async def _make(
        self, reads: Sequence[Read], *, after_reads: Callable[[Sequence[Reading]], str] = lambda _: ""
    ) -> None:
        """Make `reads` as an assistant turn of our own.

        Such a turn carries no thinking block and needs none. Source:
        https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking#turn-validation.
        """
        calls = [
            {
                "type": "tool_use",
                "id": f"toolu_{secrets.token_hex(12)}",
                "name": read.tool,
                "input": dict(read.arguments),
            }
            for read in reads
            if read.tool in self.toolkit.names
        ]
        if calls:
            await self._run_calls(calls, after_reads=after_reads)

    async def _run_calls(
        self, content: list[dict[str, Any]], *, after_reads: Callable[[Sequence[Reading]], str] = lambda _: ""
    ) -> None:
        """Run all calls of one assistant turn at once; the turn and its results join the conversation together."""
        calls = [block for block in content if block["type"] == "tool_use"]
        granted = self.meter.take_calls(len(calls))
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._run_call(call, is_granted=position < granted))
                for position, call in enumerate(calls)
            ]
        ended = [task.result() for task in tasks]
        self.has_read = self.has_read or any(one.is_reading for one in ended)
        note = after_reads([one.reading for one in ended if one.reading])
        # A text may only follow the results: the API refuses a turn in which it comes before one.
        texts = [{"type": "text", "text": note}] if note else []
        self._join("assistant", content)
        self._join("user", [_result(call["id"], one) for call, one in zip(calls, ended, strict=True)] + texts)

    async def _run_call(self, block: dict[str, Any], *, is_granted: bool) -> Dispatched:
        if not is_granted:
            return Call(id=block["id"], name=block["name"], emit=self.emit).fail(
                ToolFailedError("budget_spent", "This run has no tool calls left. Answer from what is read.")
            )
        ended = await self.toolkit.dispatch(
            call_id=block["id"],
            name=block["name"],
            arguments=block["input"],
            emit=self.emit,
            clock=self.meter,
        )
        if ended.reading:
            self.emit(ReadingEnded(block["id"], ended.reading, ended.evidence))
        return ended

    def _join(self, role: Literal["user", "assistant"], content: list[dict[str, Any]]) -> None:
        self.messages.append({"role": role, "content": content})
        self.emit(TurnAdded(role=role, content=content))


def _result(call_id: str, ended: Dispatched) -> dict[str, Any]:
    result = {"type": "tool_result", "tool_use_id": call_id, "content": ended.content}
    return result | {"is_error": True} if ended.is_error else result


def _has_text(content: list[dict[str, Any]]) -> bool:
    return any(block["type"] == "text" and block["text"].strip() for block in content)
