"""One run from its question to its outcome: joins loop, tools and event log, and turns errors into sentences."""

import logging
import secrets
import time
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings

from agent import earlier, holds, remembered, smalltalk, store, without_model
from agent.answer import Answer
from agent.asking import Answers, RunAsking
from agent.briefing import phrases, recipes
from agent.briefing.document import frame
from agent.briefing.facts.coverage import coverage
from agent.briefing.facts.types import Window
from agent.briefing.types import Reading
from agent.budget import Budget
from agent.calls import ReadingEnded
from agent.claude import Claude
from agent.credentials import RunCredentials, refusal
from agent.errors import ContentClosedError, ModelError, SessionEndedError, ToolFailedError
from agent.event_log import EventLog
from agent.events import (
    AnswerRestarted,
    LoopEvent,
    RunFailed,
    RunFinished,
    RunStarted,
    RunStopped,
    RunWindow,
    StepFailed,
    TextDelta,
    TurnAdded,
)
from agent.history import begin_anew
from agent.loop import run_loop
from agent.opening import Opening, tell
from agent.prompts import system_prompt
from agent.spending import PaidModel
from agent.tally import Tally
from agent.tool import ReadContext, ServiceFact
from agent.toolkit import Toolkit
from agent.tools import TOOLS
from agent.types import RunRequest, RunStatus, RunTicket
from audit import group_commit
from audit.errors import AuditUnavailableError
from audit.events import Entry, Event
from permissions import connections, questions
from vault.client import Asker, VaultError, is_grant

logger = logging.getLogger(__name__)

_SESSION_ENDED = "You signed out while this was being answered, so it was stopped. Sign in and ask again."
_GRANT_ENDED = "The schedule's permission to read while you are away ended, so nothing more was read. Renew it."
_AUDIT_DOWN = "The audit timeline cannot be written right now, so nothing was read. Try again in a moment."
_CLOSED = "The earlier texts of this conversation cannot be opened, so it cannot go on. Start a new one."
_STATE_WORDS = {"connected": "connected", "revoked": "revoked", "not_connected": "not connected"}


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended: its last event."""

    event: RunFinished | RunStopped | RunFailed

    @property
    def status(self) -> RunStatus:
        """The status that goes with the event."""
        statuses: dict[type, RunStatus] = {
            RunFinished: RunStatus.FINISHED,
            RunStopped: RunStatus.STOPPED,
            RunFailed: RunStatus.FAILED,
        }
        return statuses[type(self.event)]

    @property
    def audit_event(self) -> Event:
        """The audit event that goes with the event."""
        events: dict[type, Event] = {
            RunFinished: Event.AGENT_RUN_FINISHED,
            RunStopped: Event.AGENT_RUN_STOPPED,
            RunFailed: Event.AGENT_RUN_FAILED,
        }
        return events[type(self.event)]


class Run:
    """One run; `answer` is called once."""

    def __init__(self, *, ticket: RunTicket, request: RunRequest, log: EventLog, answers: Answers) -> None:
        self._ticket = ticket
        self._request = request
        self._log = log
        asking = RunAsking(user=request.subject, run=ticket.run, conversation=ticket.conversation, answers=answers)
        self._asking = asking if request.can_be_asked else None
        self._started = time.monotonic()
        self._model = PaidModel(Claude(), user=request.user)
        self._tally = Tally()
        self._turns: list[TurnAdded] = []
        self._begins_history = False
        self._is_small_talk = False
        self._opening: Opening | None = None
        self._readings: list[Reading] = []
        self._evidence: dict[str, Any] = {}
        self._said: set[str] = set()
        self._earlier: set[str] = set()
        self._answer = Answer(evidence=self._evidence, said=self._said, earlier=self._earlier)
        self._window: Window | None = None
        self._told_window: RunWindow | None = None
        self._model_error: ModelError | None = None

    async def answer(self) -> RunOutcome:
        """Answer the question, writing events as they happen, and return the outcome; only cancellation escapes."""
        try:
            await self._record(Event.AGENT_RUN_STARTED, reason="schedule" if is_grant(self._request.sid) else "")
            self._emit_started()
            await self._write_answer()
            self._show_rest()
        except ModelError as error:
            self._model_error = error
            return self._failed(code=error.code, message=without_model.explain(error))
        except AuditUnavailableError:
            return self._failed(code="audit_unavailable", message=_AUDIT_DOWN)
        except ContentClosedError:
            return self._failed(code="content_closed", message=_CLOSED)
        except SessionEndedError:
            return self.session_ended()
        except Exception:
            # The outer frame of a run: whatever went wrong, its pages get one sentence and the log the traceback.
            reference = secrets.token_hex(4)
            logger.exception("agent.run_failed", extra={"run": str(self._ticket.run), "reference": reference})
            return self._failed(code="internal", message=f"Something went wrong on our side (reference {reference}).")
        finally:
            # What cannot be shown must not keep the run from ending; where it matters, it failed above already.
            with suppress(Exception):
                self._show_rest()
        return self._finished()

    def session_ended(self) -> RunOutcome:
        """Return the outcome of a run whose session ended before its answer did."""
        message = _GRANT_ENDED if is_grant(self._request.sid) else _SESSION_ENDED
        return self._failed(code="session_ended", message=message)

    def _finished(self) -> RunOutcome:
        error = self._model_error
        return RunOutcome(
            event=RunFinished(
                elapsed_ms=self._elapsed_ms(),
                coverage=self._tally.coverage(self._readings),
                grounding=self._answer.grounding,
                cost_micro_usd=self._model.cost_micro_usd,
                written_by="template" if error or self._is_small_talk else "model",
                code=error.code if error else "",
            )
        )

    async def end(self, outcome: RunOutcome) -> None:
        """Write the last event with the answer, then audit it; the turns of a run that did not finish are dropped."""
        is_finished = isinstance(outcome.event, RunFinished)
        turns = self._turns if is_finished else []
        if is_finished and self._opening:
            await remembered.keep(self._request, ticket=self._ticket, opening=self._opening, readings=self._readings)
        await sync_to_async(holds.note)(self._request.user, error=self._model_error, readings=self._readings)

        def commit(seq: int, frame: str) -> bool:
            return store.end_run(
                self._ticket.run,
                status=outcome.status,
                last=(seq, frame),
                answer=self._text(),
                turns=turns,
                begins_history=self._begins_history,
            )

        await self._log.close(self._ticket.run, last=outcome.event, commit=commit)
        try:
            await self._record(outcome.audit_event, reason=getattr(outcome.event, "code", ""))
            if self._asking and self._asking.has_asked:
                await sync_to_async(questions.close_run)(self._ticket.run)
        except AuditUnavailableError:
            # Nothing more is read after this point, so the end of a run does not wait for the audit.
            logger.exception("agent.run_end_not_audited", extra={"run": str(self._ticket.run)})

    def _text(self) -> str:
        """Return the answer with our own lines on its window and on what was read; the page has them from events."""
        window = self._told_window.text if self._told_window else ""
        return frame(self._answer.text, window=window, coverage=phrases.coverage(coverage(self._readings)))

    async def _write_answer(self) -> None:
        kind = None if self._request.recipe else smalltalk.find(self._request.text)
        if kind:
            await self._chat(kind)
            return
        try:
            await self._converse()
        except ModelError as error:
            if self._window is None or not without_model.can_brief(self._readings):
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
        self._turns.append(TurnAdded(role="user", content=self._request.text))
        self._turns.append(TurnAdded(role="assistant", content=[{"type": "text", "text": text}]))

    def _write_from_facts(self, error: ModelError, *, window: Window) -> None:
        """Answer without the model, and say so: on the page, in the text and for the turns that follow."""
        previous = self._opening.previous if self._opening else None
        written = without_model.write_briefing(self._readings, window=window, previous=previous, error=error)
        self._model_error = error
        if self._told_window is None:
            self._tell(window)
        self._answer.restart()
        self._log.append(AnswerRestarted(code=error.code, message=error.message), run=self._ticket.run)
        self._said |= {*written.said}
        for block in self._answer.feed(written.text):
            self._log.append(block, run=self._ticket.run)
        # A paused turn of the model was never finished; ours takes its place.
        while self._turns[-1].role == "assistant":
            self._turns.pop()
        self._turns.append(TurnAdded(role="assistant", content=[{"type": "text", "text": written.text}]))

    def _show_rest(self) -> None:
        for block in self._answer.finish():
            self._log.append(block, run=self._ticket.run)

    def _emit_started(self) -> None:
        recipe = recipes.choose(self._request.recipe, text=self._request.text)
        event = RunStarted(
            question=self._request.text,
            model=settings.CLAUDE_MODEL,
            is_simulated=settings.IS_MODEL_SIMULATED,
            recipe=recipe.name if recipe else "",
            since=self._request.since.isoformat() if self._request.since else "",
            replaces=str(self._request.replaces or ""),
        )
        self._log.append(event, run=self._ticket.run)

    def _tell(self, window: Window) -> None:
        self._told_window = tell(window)
        self._log.append(self._told_window, run=self._ticket.run)

    async def _converse(self) -> None:
        history = await self._load_earlier()
        opening = self._opening = await remembered.open_run(self._request)
        self._window = opening.window or without_model.window_of_question(opening.now, week=opening.week)
        if opening.window:
            self._tell(opening.window)
        self._turns.append(TurnAdded(role="user", content=opening.message))
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

        Where it has grown long, it comes in a short form that this run keeps as its own.
        """
        history, evidence = await sync_to_async(earlier.load_earlier)(self._ticket.conversation)
        self._evidence |= evidence
        self._earlier.update(evidence)
        anew = begin_anew(history, max_characters=settings.HISTORY_MAX_CHARACTERS)
        if anew is None:
            return history
        self._begins_history = True
        self._turns += [TurnAdded(role=message["role"], content=message["content"]) for message in anew]
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
                self._turns.append(event)
            case ReadingEnded():
                await self._keep(event)
            case _:
                self._tally.add(event)
                self._log.append(event, run=self._ticket.run)
                if isinstance(event, StepFailed) and event.code == "session_ended":
                    # Another process ended the session, and only the vault knows: nothing more is read for it.
                    raise SessionEndedError

    async def _keep(self, ended: ReadingEnded) -> None:
        self._readings.append(ended.reading)
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
                state=_STATE_WORDS[status.state],
                account=status.account,
            )
            for status in statuses
        )

    def _asker(self) -> Asker:
        request = self._request
        return Asker(user=request.subject, sid=request.sid, auth_time=request.auth_time)

    async def _record(self, event: Event, *, reason: str = "") -> None:
        entry = Entry(event=event, user=self._request.subject, run=str(self._ticket.run), reason=reason)
        await group_commit.record(entry)

    def _failed(self, *, code: str, message: str) -> RunOutcome:
        return RunOutcome(event=RunFailed(elapsed_ms=self._elapsed_ms(), code=code, message=message))

    def _elapsed_ms(self) -> int:
        return round((time.monotonic() - self._started) * 1000)
