"""Owns the runs of this process: starts them, writes their events, stops them, and ends those whose process died.

A run is a task of the process, not of a socket: closing a page does not end it, and any page can follow it.
"""

import asyncio
import logging
import secrets
import time
from uuid import UUID
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone

from agent import store
from agent.event_log import EventLog, encode
from agent.events import RunFailed, RunStopped
from agent.run import Run, RunOutcome
from agent.types import RunRequest, RunTicket

logger = logging.getLogger(__name__)

# Ten beats within `store.DEAD_AFTER`: a busy process misses some and is still alive.
_HEARTBEAT_SECONDS = 3.0
_INTERRUPTED = "The server stopped before the answer was complete. Ask again."


class Runner:
    """The runs of one process and event loop."""

    def __init__(self) -> None:
        self.log = EventLog()
        self._owner = secrets.token_hex(16)
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._requests: dict[UUID, RunRequest] = {}
        self._asked_to_stop: set[UUID] = set()
        self._session_ended: set[UUID] = set()
        self._heart: asyncio.Task[None] | None = None

    async def start(self, request: RunRequest) -> RunTicket:
        """Start a run and return at once; the same key again gives the run it started.

        Raises:
            RunNotFoundError: The conversation is not this user's.
            ConversationBusyError: Another run of the conversation is going on.
            TooManyRunsError: The user has as many runs going on as one person may.
        """
        ticket = await sync_to_async(store.create_run)(
            request, model=settings.CLAUDE_MODEL, is_simulated=settings.IS_MODEL_SIMULATED, owner=self._owner
        )
        if ticket.is_new:
            self.log.open(ticket.run)
            task = asyncio.get_running_loop().create_task(self._own(ticket, request))
            self._tasks[ticket.run], self._requests[ticket.run] = task, request
            task.add_done_callback(lambda _task: self._forget(ticket.run))
            if self._heart is None or self._heart.done():
                self._heart = asyncio.get_running_loop().create_task(self._beat())
        return ticket

    async def stop(self, run: UUID, *, user: int) -> None:
        """Stop a run of this user, in whichever process it is; one that has ended stays as it is.

        Raises:
            RunNotFoundError: The run is not this user's.
        """
        await sync_to_async(store.ask_to_stop)(run, user=user)
        self._cancel(run)

    def end_session(self, *, user: str, sid: str, signed_in_through: float) -> None:
        """End the runs of this process that a session asked for, with the sentence that says so.

        Args:
            user: The subject, `user:<id>`.
            sid: The session, or "" for each that the user began by `signed_in_through`.
            signed_in_through: Seconds since the epoch; used only without `sid`.
        """
        for run, request in self._requests.items():
            is_it = request.sid == sid if sid else request.auth_time <= signed_in_through
            if request.subject == user and is_it:
                self._session_ended.add(run)
                self._tasks[run].cancel()

    def _cancel(self, run: UUID) -> None:
        if task := self._tasks.get(run):
            self._asked_to_stop.add(run)
            task.cancel()

    def _forget(self, run: UUID) -> None:
        self._tasks.pop(run, None)
        self._requests.pop(run, None)
        self._asked_to_stop.discard(run)
        self._session_ended.discard(run)

    async def _own(self, ticket: RunTicket, request: RunRequest) -> None:
        run = Run(ticket=ticket, request=request, log=self.log)
        started = time.monotonic()
        try:
            outcome = await run.answer()
        except asyncio.CancelledError:
            elapsed_ms = round((time.monotonic() - started) * 1000)
            if ticket.run in self._session_ended:
                outcome = run.session_ended()
            elif ticket.run in self._asked_to_stop:
                outcome = RunOutcome(event=RunStopped(elapsed_ms=elapsed_ms))
            else:
                outcome = RunOutcome(event=RunFailed(elapsed_ms=elapsed_ms, code="interrupted", message=_INTERRUPTED))
        # Shielded: a second cancellation must not leave a run without its last event.
        await asyncio.shield(asyncio.ensure_future(run.end(outcome)))

    async def _beat(self) -> None:
        while self._tasks:
            await asyncio.sleep(_HEARTBEAT_SECONDS)
            for run in await sync_to_async(store.touch_runs)(list(self._tasks)):
                self._cancel(run)

    async def aclose(self) -> None:
        """End every run of this process with its reason, as when the server stops."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._heart:
            self._heart.cancel()
        await self.log.aclose()


def end_dead_runs() -> int:
    """End the runs whose process is gone, each with its last event; return how many. Sync, for pages and tasks."""
    ended = 0
    for run, last_seq in store.list_dead_runs(now=timezone.now()):
        event = RunFailed(elapsed_ms=0, code="interrupted", message=_INTERRUPTED)
        ended += store.fail_dead_run(run, seq=last_seq + 1, frame=encode(event, run=run, seq=last_seq + 1))
    return ended


_runners: WeakKeyDictionary[asyncio.AbstractEventLoop, Runner] = WeakKeyDictionary()


def current_runner() -> Runner:
    """Return the runner of this process and event loop, made on first use."""
    return _runners.setdefault(asyncio.get_running_loop(), Runner())
