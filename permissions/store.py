"""The ORM calls of this app: what a user lets each tool do, and what they leave out. Sync and short.

Every change is audited before it is committed: where that fails, nothing changes.
"""

from collections.abc import Iterable, Mapping

from django.contrib.auth import get_user_model
from django.db import transaction

from audit.events import Entry, Event
from audit.record import record
from permissions.exclusions import ExclusionKind, Exclusions, normal
from permissions.models import Exclusion, ToldBroken, ToolMode
from permissions.policy import Mode
from permissions.subjects import user_id_of

# By kind, as the user wrote them. `PRIVATE_EVENTS` is there, with one empty value, when they are left out.
Written = Mapping[ExclusionKind, tuple[str, ...]]


def load_mode(user: str, *, tool: str) -> Mode:
    """Return what the user, a subject, lets `tool` do: `ALLOW` where they said nothing.

    Raises:
        ValueError: The subject names no user, or the stored mode is of another version; neither permits anything.
    """
    row = ToolMode.objects.filter(user_id=user_id_of(user), tool=tool).first()
    return Mode.ALLOW if row is None else Mode(row.mode)


def list_modes(user: str) -> dict[str, Mode]:
    """Return by tool what the user lets it do, for those of which they said something."""
    return {row.tool: Mode(row.mode) for row in ToolMode.objects.filter(user_id=user_id_of(user))}


def set_modes(user: str, *, provider: str, modes: Mapping[str, Mode]) -> bool:
    """Keep what the user lets the tools of `provider` do, and tell whether that changed anything.

    Raises:
        audit.errors.AuditUnavailableError: The change could not be recorded, and was not made.
    """
    with transaction.atomic(using="default"):
        before = _hold(user)
        changed = {tool: mode for tool, mode in modes.items() if before.get(tool, Mode.ALLOW) != mode}
        for tool, mode in changed.items():
            ToolMode.objects.update_or_create(user_id=user_id_of(user), tool=tool, defaults={"mode": mode.value})
            reason = f"{before.get(tool, Mode.ALLOW)} → {mode}"
            entry = Entry(event=Event.PERMISSION_TOOL_CHANGED, user=user, provider=provider, tool=tool, reason=reason)
            record(entry)
    return bool(changed)


def list_exclusions(user: str) -> Written:
    """Return what the user leaves out, by kind and as they wrote it, in alphabetical order."""
    rows = list(Exclusion.objects.filter(user_id=user_id_of(user)).order_by("value"))
    return {kind: tuple(row.value for row in rows if row.kind == kind.value) for kind in ExclusionKind}


def load_exclusions(user: str, *, kinds: Iterable[ExclusionKind]) -> Exclusions:
    """Return what the user leaves out, of these kinds, ready to be compared with what was read."""
    wanted = set(kinds)
    found = {kind: values for kind, values in list_exclusions(user).items() if kind in wanted}
    compared = {kind: frozenset(normal(value).removeprefix("#") for value in values) for kind, values in found.items()}
    return Exclusions(
        repositories=compared.get(ExclusionKind.REPOSITORY, frozenset()),
        organisations=compared.get(ExclusionKind.ORGANISATION, frozenset()),
        channels=compared.get(ExclusionKind.CHANNEL, frozenset()),
        words=compared.get(ExclusionKind.WORD, frozenset()),
        hides_private_events=bool(compared.get(ExclusionKind.PRIVATE_EVENTS)),
    )


def set_exclusions(user: str, *, exclusions: Written) -> bool:
    """Leave out these and no others, and tell whether that changed anything; the audit gets kinds and counts.

    Raises:
        audit.errors.AuditUnavailableError: The change could not be recorded, and was not made.
    """
    with transaction.atomic(using="default"):
        _hold(user)
        before = list_exclusions(user)
        changed = [kind for kind in ExclusionKind if set(before[kind]) != set(exclusions.get(kind, ()))]
        for kind in changed:
            values = dict.fromkeys(exclusions.get(kind, ()))
            _replace(user, kind=kind, values=values)
            reason = f"{kind}: {len(before[kind])} → {len(values)}"
            record(Entry(event=Event.PERMISSION_EXCLUSIONS_CHANGED, user=user, reason=reason))
    return bool(changed)


def note_told(user: str, *, connection: str) -> bool:
    """Note that the user is told of a connection that broke; False if they were told already."""
    _, is_new = ToldBroken.objects.get_or_create(user_id=user_id_of(user), connection=connection)
    return is_new


def forget_told(user: str, *, connection: str) -> None:
    """Let the user be told anew, once the connection was made again."""
    ToldBroken.objects.filter(user_id=user_id_of(user), connection=connection).delete()


def _replace(user: str, *, kind: ExclusionKind, values: Iterable[str]) -> None:
    user_id = user_id_of(user)
    Exclusion.objects.filter(user_id=user_id, kind=kind.value).delete()
    Exclusion.objects.bulk_create(Exclusion(user_id=user_id, kind=kind.value, value=value) for value in values)


def _hold(user: str) -> dict[str, Mode]:
    """Lock the user, so that two tabs change their policy one after the other, and return their modes."""
    get_user_model().objects.select_for_update().get(pk=user_id_of(user))
    return list_modes(user)
