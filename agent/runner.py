"""Owns the runs of this process: starts them, writes their events, stops them, and ends those whose process died.

A run is a task of the process, not of a socket: closing a page does not end it, and any page can follow it.
"""

import asyncio
import logging
import secrets
import time
from typing import Literal
from uuid import UUID
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from agent import page_socket, store
from agent.asking import Answers
from agent.control import Control
from agent.event_log import EventLog, encode
from agent.events import RunFailed, RunStopped
from agent.recalls import recall
from agent.run import Run, RunOutcome
from agent.types import RunRequest, RunTicket
from audit.errors import AuditUnavailableError
from permissions import connections, policy, questions
from permissions.changes import Change, Ends

logger = logging.getLogger(__name__)

# Ten beats within `store.DEAD_AFTER`: a busy process misses some and is still alive.
_HEARTBEAT_SECONDS = 3.0
_ENDS: dict[str, Ends] = {
    "": "",
    "access_paused": "access_paused",
    "revoked": "revoked",
    "not_connected": "not_connected",
}
_Why = Literal["stopped", "session_ended", "not_stored", "interrupted"]
_NOT_STORED = "What was read could not be stored, so the answer was given up. Ask again in a moment."
_INTERRUPTED = "The server stopped before the answer was complete. Ask again."


class Runner:
    """The runs of one process and event loop."""

    def __init__(self) -> None:
        self._answers = Answers()
        self._control = Control(
            {
                "stop": lambda run: self._cancel(UUID(run)),
                "watch": lambda run: self.log.watch(UUID(run)),
                "news": lambda run: self.log.wake(UUID(run)),
                "answered": lambda run: self._answers.wake(UUID(run)),
                "change": self._hear_change,
                "session": self._hear_session,
            }
        )
        self.log = EventLog(
            on_lost=lambda run: self._cancel(run, why="not_stored"),
            on_news=lambda run: self._control.say("news", about=str(run)),
            on_follow=self._say_watch,
        )
        self._owner = secrets.token_hex(16)
        # What answers is apart from what owns the run: cancelling the one leaves the other to write the last event.
        self._owning: dict[UUID, asyncio.Task[None]] = {}
        self._answering: dict[UUID, asyncio.Task[RunOutcome]] = {}
        self._requests: dict[UUID, RunRequest] = {}
        self._reasons: dict[UUID, _Why] = {}
        self._heart: asyncio.Task[None] | None = None

    async def start(self, request: RunRequest) -> RunTicket:
        """Start a run and return at once; the same key again gives the run it started.

        Raises:
            RunNotFoundError: The conversation is not this user's.
            ConversationBusyError: Another run of the conversation is going on.
            NotLastRunError: The run to replace is not the conversation's last.
            TooManyRunsError: The user has as many runs going on as one person may.
        """
        ticket = await sync_to_async(store.create_run)(
            request, model=settings.CLAUDE_MODEL, is_simulated=settings.IS_MODEL_SIMULATED, owner=self._owner
        )
        if ticket.is_new:
            self._begin(ticket, request)
        return ticket

    def _begin(self, ticket: RunTicket, request: RunRequest) -> None:
        self._control.listen()
        self.log.open(ticket.run)
        run, loop = Run(ticket=ticket, request=request, log=self.log, answers=self._answers), asyncio.get_running_loop()
        answering = loop.create_task(run.answer())
        owning = loop.create_task(self._own(ticket.run, run, answering))
        self._answering[ticket.run], self._owning[ticket.run] = answering, owning
        self._requests[ticket.run] = request
        owning.add_done_callback(lambda _task: self._forget(ticket.run))
        if self._heart is None or self._heart.done():
            self._heart = loop.create_task(self._beat())

    async def stop(self, run: UUID, *, user: int) -> None:
        """Stop a run of this user, in whichever process it is; one that has ended stays as it is.

        Raises:
            RunNotFoundError: The run is not this user's.
        """
        await sync_to_async(store.ask_to_stop)(run, user=user)
        if run in self._owning:
            self._cancel(run)
        else:
            self._control.say("stop", about=str(run))

    async def answer(self, question: UUID, *, run: UUID, user: str, answer: policy.Answer) -> None:
        """Take the answer of a user, a subject, to a question of their run, in whichever process that is.

        Raises:
            permissions.errors.QuestionNotFoundError: Nobody asked this user that in this run.
            permissions.errors.QuestionClosedError: It was answered before, or it is too late.
            audit.errors.AuditUnavailableError: The answer could not be recorded, and does not count.
        """
        await sync_to_async(questions.answer)(question, run=run, user=user, answer=answer)
        self._say_answered(run)

    async def extend(self, question: UUID, *, run: UUID, user: str) -> None:
        """Give a user, a subject, as much time again for a question of their run, in whichever process that is.

        Raises:
            permissions.errors.QuestionNotFoundError: Nobody asked this user that in this run.
            permissions.errors.QuestionClosedError: It was answered, it is too late, or there is no more time.
        """
        seconds = settings.RUN_ASK_SECONDS
        await sync_to_async(questions.extend)(question, run=run, user=user, seconds=seconds)
        self._say_answered(run)

    def _say_answered(self, run: UUID) -> None:
        if run in self._owning:
            self._answers.wake(run)
        else:
            self._control.say("answered", about=str(run))

    def end_session(self, *, user: str, sid: str, signed_in_through: float) -> None:
        """Close the pages of a session and end the runs it asked for, with the sentence that says so, in all processes.

        Args:
            user: The subject, `user:<id>`.
            sid: The session, or "" for each that the user began by `signed_in_through`.
            signed_in_through: Seconds since the epoch; used only without `sid`.
        """
        self._end_session_here(user, sid=sid, signed_in_through=signed_in_through)
        self._control.say("session", about=f"{user} {signed_in_through} {sid}")

    def _hear_session(self, about: str) -> None:
        user, signed_in_through, sid = about.split(" ")
        self._end_session_here(user, sid=sid, signed_in_through=float(signed_in_through))

    def _end_session_here(self, user: str, *, sid: str, signed_in_through: float) -> None:
        page_socket.end_session(user=user, sid=sid, signed_in_through=signed_in_through)
        for run, request in self._requests.items():
            is_it = request.sid == sid if sid else request.auth_time <= signed_in_through
            if request.subject == user and is_it:
                self._cancel(run, why="session_ended")

    def _cancel(self, run: UUID, *, why: _Why = "stopped") -> None:
        if task := self._answering.get(run):
            self._reasons.setdefault(run, why)
            task.cancel()

    def _say_watch(self, run: UUID) -> None:
        self._control.listen()
        self._control.say("watch", about=str(run))

    def listen(self) -> None:
        """Hear what other processes say, also before there is a run here."""
        self._control.listen()

    def heed(self, change: Change) -> None:
        """End the reads of this process that a user's change forbids, and tell their pages and other processes."""
        _heed_here(change)
        self._control.say("change", about=f"{change.user} {change.provider} {change.ends}")

    def _hear_change(self, about: str) -> None:
        user, provider, ends = about.split(" ")
        connections.forget(user=user)
        # What another version of this program says besides is no leave to read on.
        _heed_here(Change(user, provider, _ENDS.get(ends, "revoked")))

    def _forget(self, run: UUID) -> None:
        for known in (self._owning, self._answering, self._requests, self._reasons):
            known.pop(run, None)
        self._answers.wake(run)

    async def _own(self, run_id: UUID, run: Run, answering: asyncio.Task[RunOutcome]) -> None:
        started = time.monotonic()
        try:
            outcome = await answering
        except asyncio.CancelledError:
            outcome = None
        elapsed_ms = round((time.monotonic() - started) * 1000)
        why = self._reasons.get(run_id, "interrupted")
        if why == "not_stored" or outcome is None:
            outcome = _outcome(why, run=run, elapsed_ms=elapsed_ms)
        await run.end(outcome)

    async def _beat(self) -> None:
        while self._owning:
            await asyncio.sleep(_HEARTBEAT_SECONDS)
            try:
                to_end = await sync_to_async(store.touch_runs)(list(self._owning))
            except DatabaseError:
                # A heart that stops for one missed beat would have every later run of this process found dead.
                logger.exception("agent.heartbeat_missed")
                await sync_to_async(close_old_connections)()
                continue
            for run in to_end:
                self._cancel(run)

    async def aclose(self) -> None:
        """End every run of this process with its reason, as when the server stops."""
        for run in list(self._answering):
            self._cancel(run, why="interrupted")
        if self._owning:
            await asyncio.wait(list(self._owning.values()))
        if self._heart:
            self._heart.cancel()
        await self.log.aclose()
        await self._control.aclose()


def _heed_here(change: Change) -> None:
    if change.ends:
        recall(user=change.user, provider=change.provider, ends=change.ends)
    page_socket.tell_change(user=change.user)


def _outcome(why: _Why, *, run: Run, elapsed_ms: int) -> RunOutcome:
    """Return the outcome of a run that was not let come to its own end."""
    match why:
        case "session_ended":
            return run.session_ended()
        case "stopped":
            return RunOutcome(event=RunStopped(elapsed_ms=elapsed_ms))
        case "not_stored" | "interrupted":
            message = _NOT_STORED if why == "not_stored" else _INTERRUPTED
            return RunOutcome(event=RunFailed(elapsed_ms=elapsed_ms, code=why, message=message))


def end_dead_runs() -> int:
    """End the runs whose process is gone, each with its last event; return how many. Sync, for pages and tasks."""
    ended = 0
    for run, last_seq in store.list_dead_runs(now=timezone.now()):
        event = RunFailed(elapsed_ms=0, code="interrupted", message=_INTERRUPTED)
        ended += store.fail_dead_run(run, seq=last_seq + 1, frame=encode(event, run=run, seq=last_seq + 1))
        try:
            questions.close_run(run)
        except AuditUnavailableError:
            # Nobody waits for an answer any more, and the question's own end closes it.
            logger.exception("agent.questions_not_closed", extra={"run": str(run)})
    return ended


_runners: WeakKeyDictionary[asyncio.AbstractEventLoop, Runner] = WeakKeyDictionary()


def current_runner() -> Runner:
    """Return the runner of this process and event loop, made on first use."""
    return _runners.setdefault(asyncio.get_running_loop(), Runner())
