"""Asks the person for whom a run reads whether a tool call may, and waits for their word, as long as they have.

A question is a row and an event before anybody waits for it, so that every page can show it and any process can take
the answer.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone

from agent.calls import Emit, Waiting
from agent.events import StepAnswered, StepAsked
from agent.tool import Tool
from permissions import questions
from permissions.policy import Answer

# An answer that another process took is learned of at its word, and this often anyway.
_POLL_SECONDS = 0.5


class Answers:
    """Waits, in one process and event loop, for the answers that its runs were promised."""

    def __init__(self) -> None:
        self._news: dict[UUID, asyncio.Event] = {}

    def wake(self, run: UUID) -> None:
        """Let the calls of `run` that wait look at once: there is an answer, or the run is over."""
        if news := self._news.pop(run, None):
            news.set()

    async def wait(
        self, asked: questions.Asked, *, run: UUID, on_extended: Callable[[questions.Asked], None]
    ) -> questions.Asked:
        """Return the question with what was said, or `UNANSWERED` once its time is over.

        `on_extended` is told of it whenever its user has asked for more time.

        Raises:
            audit.errors.AuditUnavailableError: That nobody answered could not be recorded.
        """
        while True:
            # Before looking, so that what is said meanwhile is heard.
            news = self._news.setdefault(run, asyncio.Event())
            before, asked = asked, await sync_to_async(questions.look_again)(asked)
            if asked.answer is not Answer.UNASKED:
                return asked
            if asked.ends_at != before.ends_at:
                on_extended(asked)
            seconds_left = (asked.ends_at - timezone.now()).total_seconds()
            if seconds_left <= 0:
                # What counts is seen at the next look: somebody may answer, or ask for more time, at this very moment.
                await sync_to_async(questions.lapse)(asked.id)
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), timeout=min(_POLL_SECONDS, seconds_left))


@dataclass(slots=True)
class RunAsking:
    """Puts the questions of one run.

    A person who left one unanswered until its end is not asked again by this run, so that it waits once and no longer.
    """

    user: str
    run: UUID
    conversation: UUID
    answers: Answers
    has_asked: bool = False
    has_lapsed: bool = False


@dataclass(frozen=True, slots=True)
class CallAsking:
    """Puts the question of one tool call; implements `permissions.gate.Asking`.

    `waiting` is a context in which the clocks of call and run stand still.
    """

    of: RunAsking
    tool: Tool
    tool_call: str
    emit: Emit
    waiting: Waiting

    @property
    def conversation(self) -> UUID:
        """The conversation in which the run answers."""
        return self.of.conversation

    async def ask(self, *, connection: str) -> Answer:
        """Return what the person says of this call; see `permissions.gate.Asking`."""
        run = self.of
        if run.has_lapsed:
            return Answer.UNANSWERED
        run.has_asked = True
        asked = await sync_to_async(questions.ask)(
            run.user,
            run=run.run,
            conversation=run.conversation,
            provider=self.tool.provider,
            tool=self.tool.name,
            tool_call=self.tool_call,
            connection=connection,
            seconds=settings.RUN_ASK_SECONDS,
        )
        self._show(asked)
        answer = Answer.UNANSWERED
        try:
            with self.waiting():
                asked = await run.answers.wait(asked, run=run.run, on_extended=self._show)
                answer = asked.answer
        finally:
            # Also where a revoke ends the call: no page goes on asking.
            self.emit(StepAnswered(id=self.tool_call, answer=answer.value))
        run.has_lapsed = run.has_lapsed or (answer is Answer.UNANSWERED and timezone.now() >= asked.ends_at)
        return answer

    def _show(self, asked: questions.Asked) -> None:
        self.emit(
            StepAsked(
                id=self.tool_call,
                question=str(asked.id),
                reads=self.tool.reads,
                scopes=self.tool.scope,
                ends_ms=int(asked.ends_at.timestamp() * 1000),
                is_extendable=asked.is_extendable,
            )
        )
