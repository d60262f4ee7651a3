"""The ORM code of conversations and runs: short sync functions, each its own transaction, and nobody else's rows.

Content goes in sealed and comes out opened; whoever hands it out raises `ContentClosedError` where it does not open.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from agent import earlier
from agent.briefing import recipes
from agent.errors import (
    ContentClosedError,
    ConversationBusyError,
    NotLastRunError,
    RunNotFoundError,
    TooManyRunsError,
)
from agent.events import TurnAdded
from agent.models import Conversation, Event, Run, Turn
from agent.sealing import Place, seal, unseal
from agent.stored_events import place_of, row_of
from agent.types import RunAnswer, RunRequest, RunRow, RunStatus, RunTicket

# Enough to tell conversations apart in the rail.
TITLE_CHARACTERS = 80
# Enough for a person with several tabs; a script that asks without end would spend the installation's money.
MAX_RUNS_AT_ONCE = 5
# A live process touches its runs every few seconds; this many missed beats mean that it is gone.
DEAD_AFTER = timedelta(seconds=30)


def create_run(request: RunRequest, *, model: str, is_simulated: bool, owner: str) -> RunTicket:
    """Start a run, in a new conversation if the request names none; the same key again gives the same run.

    Raises:
        RunNotFoundError: The conversation is not this user's.
        ConversationBusyError: Another run of this conversation is going on.
        NotLastRunError: The run to replace is not the conversation's last.
        TooManyRunsError: The user has `MAX_RUNS_AT_ONCE` runs going on.
    """
    known = Run.objects.filter(user_id=request.user, key=request.key).first()
    if known:
        return RunTicket(run=known.id, conversation=known.conversation_id, is_new=False)
    recipe = recipes.choose(request.recipe, text=request.text)
    try:
        with transaction.atomic(using="default"):
            conversation = _lock_conversation(request)
            _require_last(request.replaces, conversation=conversation)
            _require_room(request.user)
            run_id = uuid4()
            run = Run.objects.create(
                id=run_id,
                conversation=conversation,
                user_id=request.user,
                key=request.key,
                sealed_question=seal(request.text, place=Place("run.question", run_id)),
                model=model,
                is_simulated=is_simulated,
                recipe=recipe.name if recipe else "",
                recipe_version=recipe.version if recipe else 0,
                replaces_id=request.replaces,
                owner=owner,
                heartbeat_at=timezone.now(),
            )
    except IntegrityError:
        # The same message arrived twice at once; the other one made the run.
        run = Run.objects.get(user_id=request.user, key=request.key)
        return RunTicket(run=run.id, conversation=run.conversation_id, is_new=False)
    return RunTicket(run=run.id, conversation=conversation.id, is_new=True)


def _lock_conversation(request: RunRequest) -> Conversation:
    if request.conversation is None:
        title, conversation = " ".join(request.text.split())[:TITLE_CHARACTERS], uuid4()
        sealed = seal(title, place=Place("conversation.title", conversation))
        return Conversation.objects.create(id=conversation, user_id=request.user, sealed_title=sealed)
    mine = Conversation.objects.select_for_update().filter(user_id=request.user, deleted_at=None)
    found = mine.filter(id=request.conversation).first()
    if found is None:
        raise RunNotFoundError
    if found.runs.filter(status=RunStatus.RUNNING).exists():
        raise ConversationBusyError
    found.save(update_fields=["updated_at"])
    return found


def _require_last(run: UUID | None, *, conversation: Conversation) -> None:
    """Only the last run can be replaced: thinking signatures bind what came after an earlier one to it."""
    if run is None:
        return
    last = conversation.runs.filter(replacement=None).order_by("-started_at").values_list("id", flat=True).first()
    if last != run:
        raise NotLastRunError


def _require_room(user: int) -> None:
    # One after the other: two processes that count at once would each find room for the same run.
    get_user_model().objects.select_for_update(no_key=True).get(pk=user)
    alive = Run.objects.filter(status=RunStatus.RUNNING, heartbeat_at__gte=timezone.now() - DEAD_AFTER)
    if alive.filter(user_id=user).count() >= MAX_RUNS_AT_ONCE:
        raise TooManyRunsError


def end_run(
    run: UUID,
    *,
    status: RunStatus,
    last: tuple[int, str],
    answer: str,
    turns: Sequence[TurnAdded],
    begins_history: bool = False,
    prefix: str = "",
) -> bool:
    """Give the run its final status and its last `(seq, frame)` in one commit, and keep its answer and turns.

    Turns that begin the history take the place of all earlier ones; `prefix` is the mark that they stand under.
    A run that somebody else ended meanwhile, because this process seemed dead, stays as it was ended: then False.
    """
    with transaction.atomic(using="default"):
        sealed_answer = seal(answer, place=Place("run.answer", run))
        mine = Run.objects.filter(id=run, status=RunStatus.RUNNING)
        ended = {"status": status, "sealed_answer": sealed_answer, "begins_history": begins_history, "prefix": prefix}
        if not mine.update(**ended):
            return False
        row_of(run, seq=last[0], frame=last[1]).save(force_insert=True)
        Turn.objects.bulk_create(earlier.turn_rows(run, turns))
    return True


def touch_runs(runs: Iterable[UUID]) -> set[UUID]:
    """Show that this process still works on `runs`; return those that are to stop, or were ended by somebody else."""
    mine = Run.objects.filter(id__in=list(runs))
    mine.filter(status=RunStatus.RUNNING).update(heartbeat_at=timezone.now())
    return set(mine.filter(Q(is_stop_asked=True) | ~Q(status=RunStatus.RUNNING)).values_list("id", flat=True))


def ask_to_stop(run: UUID, *, user: int) -> None:
    """Leave word for the process that owns the run; a run that has ended stays as it is.

    Raises:
        RunNotFoundError: The run is not this user's.
    """
    if not Run.objects.filter(id=run, user_id=user).update(is_stop_asked=True):
        raise RunNotFoundError


def _shown(user: int) -> QuerySet[Run]:
    """Return the user's runs, without those of conversations that they deleted."""
    return Run.objects.filter(user_id=user, conversation__deleted_at=None)


def list_frames(run: UUID, *, user: int, after: int) -> list[tuple[int, str]]:
    """Return the run's `(seq, frame)` after `after`, in order.

    Raises:
        RunNotFoundError: The run is not this user's.
        ContentClosedError: One of them does not open.
    """
    if not _shown(user).filter(id=run).exists():
        raise RunNotFoundError
    rows = Event.objects.filter(run_id=run, seq__gt=after).order_by("seq").values_list("seq", "sealed_frame")
    return [(seq, unseal(sealed, place=place_of(run, seq))) for seq, sealed in rows]


def load_last_frame(run: UUID, *, user: int) -> tuple[int, str]:
    """Return the run's last `(seq, frame)`.

    Raises:
        RunNotFoundError: The run is not this user's, or nothing has happened in it.
        ContentClosedError: It does not open.
    """
    mine = Event.objects.filter(run__in=_shown(user).filter(id=run))
    row = mine.order_by("-seq").values_list("seq", "sealed_frame").first()
    if row is None:
        raise RunNotFoundError
    return row[0], unseal(row[1], place=place_of(run, row[0]))


def load_answer(run: UUID, *, user: int) -> RunAnswer:
    """Return what the run has answered, nothing while it goes on, with what it may cite.

    Raises:
        RunNotFoundError: The run is not this user's.
        ContentClosedError: It does not open.
    """
    row = _shown(user).filter(id=run).first()
    if row is None:
        raise RunNotFoundError
    return RunAnswer(
        run=row.id,
        conversation=row.conversation_id,
        text=unseal(row.sealed_answer, place=Place("run.answer", run)) if row.sealed_answer else "",
        evidence=earlier.list_evidence(row.conversation_id),
        model=row.model,
        is_simulated=row.is_simulated,
        question=unseal(row.sealed_question, place=Place("run.question", run)),
        started_at=row.started_at,
    )


def find_question(run: str, *, user: int) -> str:
    """Return what the user's run of this id was asked, "" where there is no such run, or it does not open any more."""
    try:
        return load_answer(UUID(run), user=user).question
    except (ValueError, RunNotFoundError, ContentClosedError):
        return ""


def load_run(run: UUID, *, user: int) -> RunRow:
    """Return the run as its own page heads it.

    Raises:
        RunNotFoundError: The run is not this user's.
    """
    row = _shown(user).filter(id=run).select_related("replacement").first()
    if row is None:
        raise RunNotFoundError
    replacement = getattr(row, "replacement", None)
    return RunRow(
        id=row.id,
        conversation=row.conversation_id,
        started_at=row.started_at,
        replacement=replacement.id if replacement else None,
        has_expired=row.expired_at is not None,
    )


def is_running(run: UUID) -> bool:
    """Tell whether the run has no final status yet."""
    return Run.objects.filter(id=run, status=RunStatus.RUNNING).exists()


def list_dead_runs(*, now: datetime) -> list[tuple[UUID, int]]:
    """Return `(run, last seq)` of runs whose process has not been seen for `DEAD_AFTER`."""
    dead = Run.objects.filter(status=RunStatus.RUNNING, heartbeat_at__lt=now - DEAD_AFTER)
    rows = dead.annotate(last_seq=Max("events__seq")).values_list("id", "last_seq")
    return [(run, last_seq or 0) for run, last_seq in rows]


def fail_dead_run(run: UUID, *, seq: int, frame: str) -> bool:
    """End a dead run with its last event; False when somebody else ended it first."""
    try:
        with transaction.atomic(using="default"):
            is_mine = Run.objects.filter(id=run, status=RunStatus.RUNNING).update(status=RunStatus.FAILED)
            if is_mine:
                row_of(run, seq=seq, frame=frame).save(force_insert=True)
            return bool(is_mine)
    except IntegrityError:
        return False


def list_expired_runs(*, before: datetime, limit: int) -> list[UUID]:
    """Return at most `limit` ended runs that started before `before` and still have what was read for them."""
    ended = Run.objects.filter(started_at__lt=before, expired_at=None).exclude(status=RunStatus.RUNNING)
    return list(ended.values_list("id", flat=True)[:limit])


def expire_run(run: UUID, *, lasting: Callable[[str], bool]) -> None:
    """Delete the run's turns, and its events but those whose frame is `lasting`; question and answer stay.

    A frame that does not open stays too: its key may come back, and until then nobody reads it.
    """
    with transaction.atomic(using="default"):
        Turn.objects.filter(run_id=run).delete()
        rows = Event.objects.filter(run_id=run).values_list("id", "seq", "sealed_frame")
        passing = [row for row, seq, sealed in rows if not _is_kept(sealed, place=place_of(run, seq), lasting=lasting)]
        Event.objects.filter(id__in=passing).delete()
        Run.objects.filter(id=run).update(expired_at=timezone.now())


def _is_kept(sealed: bytes | memoryview, *, place: Place, lasting: Callable[[str], bool]) -> bool:
    try:
        return lasting(unseal(sealed, place=place))
    except ContentClosedError:
        return True
