"""One run from its question to its outcome: its first and last event, and a sentence for whatever went wrong."""

import logging
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass

from asgiref.sync import sync_to_async
from django.conf import settings

from agent import holds, remembered, store, without_model
from agent.answering import Answering
from agent.asking import Answers, RunAsking
from agent.briefing import recipes
from agent.errors import ContentClosedError, ModelError, SessionEndedError
from agent.event_log import EventLog
from agent.events import RunFailed, RunFinished, RunStarted, RunStopped
from agent.types import RunRequest, RunStatus, RunTicket
from audit import group_commit
from audit.errors import AuditUnavailableError
from audit.events import Entry, Event
from permissions import questions
from vault.client import is_grant

logger = logging.getLogger(__name__)

_SESSION_ENDED = "You signed out while this was being answered, so it was stopped. Sign in and ask again."
_GRANT_ENDED = "The schedule's permission to read while you are away ended, so nothing more was read. Renew it."
_AUDIT_DOWN = "The audit timeline cannot be written right now, so nothing was read. Try again in a moment."
_CLOSED = "The earlier texts of this conversation cannot be opened, so it cannot go on. Start a new one."


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
        self._answering = Answering(ticket=ticket, request=request, log=log, asking=self._asking)

    async def answer(self) -> RunOutcome:
        """Answer the question, writing events as they happen, and return the outcome; only cancellation escapes."""
        try:
            await self._record_start()
            self._emit_started()
            await self._answering.write()
            self._answering.show_rest()
        except ModelError as error:
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
                self._answering.show_rest()
        return self._finished()

    def session_ended(self) -> RunOutcome:
        """Return the outcome of a run whose session ended before its answer did."""
        message = _GRANT_ENDED if is_grant(self._request.sid) else _SESSION_ENDED
        return self._failed(code="session_ended", message=message)

    def _finished(self) -> RunOutcome:
        answering = self._answering
        return RunOutcome(
            event=RunFinished(
                elapsed_ms=self._elapsed_ms(),
                coverage=answering.coverage,
                grounding=answering.grounding,
                cost_micro_usd=answering.cost_micro_usd,
                written_by=answering.written_by,
                code=answering.model_error.code if answering.model_error else "",
                ignored=answering.ignored,
            )
        )

    async def end(self, outcome: RunOutcome) -> None:
        """Write the last event with the answer, then audit it; the turns of a run that did not finish are dropped."""
        is_finished = isinstance(outcome.event, RunFinished)
        answering = self._answering
        turns = answering.turns if is_finished else []
        if is_finished and answering.opening:
            await remembered.keep(
                self._request, ticket=self._ticket, opening=answering.opening, readings=answering.readings
            )
        await sync_to_async(holds.note)(self._request.user, error=answering.model_error, readings=answering.readings)

        def commit(seq: int, frame: str) -> bool:
            return store.end_run(
                self._ticket.run,
                status=outcome.status,
                last=(seq, frame),
                answer=answering.text,
                turns=turns,
                begins_history=answering.begins_history,
                prefix=answering.prefix,
            )

        await self._log.close(self._ticket.run, last=outcome.event, commit=commit)
        try:
            await self._record(outcome.audit_event, reason=getattr(outcome.event, "code", ""))
            if self._asking and self._asking.has_asked:
                await sync_to_async(questions.close_run)(self._ticket.run)
        except AuditUnavailableError:
            # Nothing more is read after this point, so the end of a run does not wait for the audit.
            logger.exception("agent.run_end_not_audited", extra={"run": str(self._ticket.run)})

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

    async def _record_start(self) -> None:
        if is_grant(self._request.sid):
            # Which schedule asked stands here alone: the run's other events are found by the run.
            await self._record(Event.AGENT_RUN_STARTED, reason="schedule", client=self._request.agent)
        else:
            await self._record(Event.AGENT_RUN_STARTED)

    async def _record(self, event: Event, *, reason: str = "", client: str = "") -> None:
        run = str(self._ticket.run)
        await group_commit.record(Entry(event=event, user=self._request.subject, run=run, reason=reason, client=client))

    def _failed(self, *, code: str, message: str) -> RunOutcome:
        return RunOutcome(event=RunFailed(elapsed_ms=self._elapsed_ms(), code=code, message=message))

    def _elapsed_ms(self) -> int:
        return round((time.monotonic() - self._started) * 1000)
