"""What one run writes: joins loop, tools and answer, and gathers what the run's last event and its record need.

It writes events as they happen and knows nothing of how a run ends; `agent.run` does.
"""

from contextlib import aclosing
from typing import Any, Literal

from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import translation

from agent import earlier, remembered, smalltalk, without_model
from agent.answer import Answer
from agent.asking import RunAsking
from agent.briefing import phrases
from agent.briefing.document import frame
from agent.briefing.facts.coverage import coverage as facts_coverage
from agent.briefing.facts.types import Window
from agent.briefing.types import Reading
from agent.budget import Budget
from agent.calls import ReadingEnded
from agent.claude import Claude
from agent.credentials import RunCredentials, refusal
from agent.errors import ModelError, SessionEndedError, ToolFailedError
from agent.event_log import EventLog
from agent.events import (
    AnswerRestarted,
    Coverage,
    GroundingCounts,
    Ignored,
    LoopEvent,
    RunWindow,
    StepFailed,
    TextDelta,
    TurnAdded,
)
from agent.history import begin_anew
from agent.ignored import ignored_words
from agent.loop import run_loop
from agent.opening import Opening, tell
from agent.prefix import mark
from agent.prompts import system_prompt
from agent.spending import PaidModel
from agent.tally import Tally
from agent.tool import ReadContext, ServiceFact
from agent.toolkit import Toolkit
from agent.tools import TOOLS
from agent.types import RunRequest, RunTicket
from audit import group_commit
from audit.events import Entry, Event
from permissions import connections
from vault.client import Asker, VaultError

_STATE_WORDS = {"connected": "connected", "revoked": "revoked", "not_connected": "not connected"}


class Answering:
    """The answer of one run; `write` is called once.

    Attributes:
        turns: What the conversation's history gets of a run that finished.
        begins_history: Whether these turns take the place of all earlier ones.
        prefix: The mark of what the model's signatures in these turns stand under.
        opening: How the question was put to the model; None before, and where the model was not asked.
        readings: What each tool call read, or why it could not.
        model_error: Why the model did not write the answer, or not to its end.
    """

    def __init__(self, *, ticket: RunTicket, request: RunRequest, log: EventLog, asking: RunAsking | None) -> None:
        self._ticket = ticket
        self._request = request
        self._log = log
        self._asking = asking
        self._model = PaidModel(Claude(), user=request.user)
        self._tally = Tally()
        self.turns: list[TurnAdded] = []
        self.begins_history = False
        self.prefix = mark()
        self.opening: Opening | None = None
        self.readings: list[Reading] = []
        self.model_error: ModelError | None = None
        self._is_small_talk = False
        self._evidence: dict[str, Any] = {}
        self._said: set[str] = set()
        self._earlier: set[str] = set()
        self._answer = Answer(evidence=self._evidence, said=self._said, earlier=self._earlier)
        self._window: Window | None = None
        self._told_window: RunWindow | None = None

    @property
    def coverage(self) -> tuple[Coverage, ...]:
        """What was read, by service."""
        return self._tally.coverage(self.readings)

    @property
    def grounding(self) -> GroundingCounts:
        """How many statements of the answer cite what was read."""
        return self._answer.grounding

    @property
    def ignored(self) -> Ignored:
        """What the run did not follow."""
        return self._tally.ignored(self.readings)

    @property
    def cost_micro_usd(self) -> int | None:
        """What the model's answers cost, in millionths of a US dollar; None where no price is known."""
        return self._model.cost_micro_usd

    @property
    def written_by(self) -> Literal["model", "template"]:
        """Who wrote the answer: the model, or we."""
        return "template" if self.model_error or self._is_small_talk else "model"

    @property
    def text(self) -> str:
        """The answer with our own lines on its window, on what was read and ignored; the page has them from events."""
        # What a run stores is English, whatever language the page speaks that asked for it.
        with translation.override(None):
            ignored = ignored_words(self.ignored, unknown=self.grounding.unknown)
        return frame(
            self._answer.text,
            window=self._told_window.text if self._told_window else "",
            coverage=phrases.coverage(facts_coverage(self.readings)),
            ignored=ignored,
        )

    async def write(self) -> None:
        """Write the answer, by the model or from the facts of what was read.

        Raises:
            agent.errors.ModelError: The model failed, and nothing was read to write from; kept as `model_error`.
            agent.errors.ContentClosedError: What was said before does not open.
            agent.errors.SessionEndedError: The vault says that the session ended.
        """
        kind = None if self._request.recipe else smalltalk.find(self._request.text)
        if kind:
            await self._chat(kind)
            return
        try:
            await self._converse()
        except ModelError as error:
            self.model_error = error
            if self._window is None or not without_model.can_brief(self.readings):
                raise
            self._write_from_facts(error, window=self._window)

    async def _chat(self, kind: smalltalk.Kind) -> None:
        """Answer what is not about work; the model is told of it with the next question."""
        try:
            said = smalltalk.greet() if kind == "greeting" else smalltalk.tell(await self._list_services())
        except ToolFailedError as error:
            said = (error.message,)
        text = " ".join(said)
        self._said |= {*said}
        self._is_small_talk = True
        for block in self._answer.feed(text):
            self._log.append(block, run=self._ticket.run)
        self.turns.append(TurnAdded(role="user", content=self._request.text))
        self.turns.append(TurnAdded(role="assistant", content=[{"type": "text", "text": text}]))

    def _write_from_facts(self, error: ModelError, *, window: Window) -> None:
        """Answer without the model, and say so: on the page, in the text and for the turns that follow."""
        previous = self.opening.previous if self.opening else None
        written = without_model.write_briefing(self.readings, window=window, previous=previous, error=error)
        if self._told_window is None:
            self._tell(window)
        self._answer.restart()
        self._log.append(AnswerRestarted(code=error.code, message=error.message), run=self._ticket.run)
        self._said |= {*written.said}
        for block in self._answer.feed(written.text):
            self._log.append(block, run=self._ticket.run)
        # A paused turn of the model was never finished; ours takes its place.
        while self.turns[-1].role == "assistant":
            self.turns.pop()
        self.turns.append(TurnAdded(role="assistant", content=[{"type": "text", "text": written.text}]))

    def show_rest(self) -> None:
        """Show what the answer still holds back."""
        for block in self._answer.finish():
            self._log.append(block, run=self._ticket.run)

    def _tell(self, window: Window) -> None:
        self._told_window = tell(window)
        self._log.append(self._told_window, run=self._ticket.run)

    async def _converse(self) -> None:
        history = await self._load_earlier()
        opening = self.opening = await remembered.open_run(self._request)
        self._window = opening.window or without_model.window_of_question(opening.now, week=opening.week)
        if opening.window:
            self._tell(opening.window)
        self.turns.append(TurnAdded(role="user", content=opening.message))
        events = run_loop(
            model=self._model,
            system=system_prompt(),
            messages=[*history, {"role": "user", "content": opening.message}],
            toolkit=self._toolkit(
                ReadContext(
                    now=opening.now,
                    week=opening.week,
                    report_progress=lambda _done, _total: None,
                    list_services=self._list_services,
                )
            ),
            first_reads=opening.reads,
            after_reads=opening.note,
            budget=Budget(
                max_steps=settings.RUN_MAX_STEPS,
                max_tool_calls=settings.RUN_MAX_TOOL_CALLS,
                max_seconds=settings.RUN_MAX_SECONDS,
                max_output_tokens=settings.RUN_MAX_OUTPUT_TOKENS,
            ),
        )
        # Closed by name: a loop that is left to the garbage collector goes on reading after its run has ended.
        async with aclosing(events):
            async for event in events:
                await self._take(event)

    async def _load_earlier(self) -> list[dict[str, Any]]:
        """Return what was said before, and let the answer cite what was read for it.

        Where it has grown long, or was signed under another prompt, other tools or another model, it comes in a short
        form that this run keeps as its own.
        """
        before = await sync_to_async(earlier.load_earlier)(self._ticket.conversation)
        self._evidence |= before.evidence
        self._earlier.update(before.evidence)
        anew = begin_anew(
            before.messages,
            max_characters=settings.HISTORY_MAX_CHARACTERS,
            is_signed=before.prefixes <= {self.prefix},
        )
        if anew is None:
            return before.messages
        self.begins_history = True
        self.turns += [TurnAdded(role=message["role"], content=message["content"]) for message in anew]
        return anew

    async def _take(self, event: LoopEvent | ReadingEnded) -> None:
        match event:
            case TextDelta():
                for block in self._answer.feed(event.text):
                    self._log.append(block, run=self._ticket.run)
            case AnswerRestarted():
                self._answer.restart()
                self._log.append(event, run=self._ticket.run)
            case TurnAdded():
                self.turns.append(event)
            case ReadingEnded():
                await self._keep(event)
            case _:
                self._tally.add(event)
                self._log.append(event, run=self._ticket.run)
                if isinstance(event, StepFailed) and event.code == "session_ended":
                    # Another process ended the session, and only the vault knows: nothing more is read for it.
                    raise SessionEndedError

    async def _keep(self, ended: ReadingEnded) -> None:
        self.readings.append(ended.reading)
        self._said |= {*ended.reading.warnings, ended.reading.message}
        self._evidence |= {item.id: item for item in ended.evidence}
        self._earlier.difference_update(item.id for item in ended.evidence)
        if ended.evidence:
            await sync_to_async(earlier.keep_evidence)(self._ticket.conversation, ended.evidence)

    def _toolkit(self, context: ReadContext) -> Toolkit:
        credentials = RunCredentials(
            **self._asker(), run=str(self._ticket.run), agent=self._request.agent, asking=self._asking
        )
        return Toolkit(tools=TOOLS, credentials=credentials, context=context, on_refused=self._record_refused)

    async def _record_refused(self, name: str, reason: str, tool_call: str) -> None:
        known_name = name if name in TOOLS else ""
        entry = Entry(
            event=Event.AGENT_TOOL_REFUSED,
            user=self._request.subject,
            run=str(self._ticket.run),
            tool=known_name,
            tool_call=tool_call,
            reason=reason,
        )
        await group_commit.record(entry)

    async def _list_services(self) -> tuple[ServiceFact, ...]:
        try:
            statuses = await connections.list_statuses(**self._asker())
        except VaultError as error:
            raise refusal(provider="", cause=error.cause) from error
        return tuple(
            ServiceFact(
                provider=status.service.slug,
                name=status.service.name,
                state="paused" if status.paused_until else _STATE_WORDS[status.state],
                account=status.account,
            )
            for status in statuses
        )

    def _asker(self) -> Asker:
        request = self._request
        return Asker(user=request.subject, sid=request.sid, auth_time=request.auth_time)
