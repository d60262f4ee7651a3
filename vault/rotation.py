"""Moves every sealed record to the key that seals now, while the vault goes on serving. Reads no secret.

What is left to do is seen from the records themselves, so a run that was cut off is simply started again.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from audit.events import Entry, Event
from vault import keyring, ledger
from vault.errors import VaultUnavailableError
from vault.keyring import Keyring
from vault.store import fingerprints, sealed
from vault.store.sealed import Broken

# SQLite's waiting writers look again after up to 100 ms; between two batches they get their turn.
_PAUSE_SECONDS = 0.02
# Each pass but the last finds what other processes sealed with an older key meanwhile.
_MAX_PASSES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a rotation did.

    Attributes:
        version: The key version that records were moved to.
        rewrapped: How many were moved.
        broken: Those that do not open: altered, moved, below the minimum, or without their key.
        left: How many more are to be moved: another process seals with an older key still.
    """

    version: int
    rewrapped: int
    broken: tuple[Broken, ...]
    left: int

    @property
    def is_complete(self) -> bool:
        """Whether no record needs an older key any more."""
        return not self.broken and not self.left


def count_unsettled() -> int:
    """Return how many records are to be moved: of an older version than the one that seals now, or of none we know.

    Raises:
        django.core.exceptions.ImproperlyConfigured: There is no key to seal with.
    """
    settled = _settled(keyring.current())
    return sum(count for version, count in sealed.count_by_version().items() if version not in settled)


def rotate(*, show: Callable[[int], None]) -> Report:
    """Rewrap the data keys of all records that are of an older or unknown version; tell `show` how many are done.

    Raises:
        django.core.exceptions.ImproperlyConfigured: There is no key to seal with.
        VaultUnavailableError: The audit does not take the event, or the installation has no tables.
    """
    keys = keyring.current()
    version, settled = keys.sealing_version(), _settled(keys)
    ledger.require(_entry(Event.VAULT_ROTATION_STARTED, version=version))
    # One that does not open is reported with the other records.
    with contextlib.suppress(VaultUnavailableError):
        fingerprints.ensure()
    rewrapped = 0
    broken: tuple[Broken, ...] = ()
    for _ in range(_MAX_PASSES):
        moved, broken = _pass(settled, done=rewrapped, show=show)
        rewrapped += moved
        if not moved:
            break
    report = Report(version=version, rewrapped=rewrapped, broken=broken, left=max(0, count_unsettled() - len(broken)))
    event = Event.VAULT_ROTATION_SUCCEEDED if report.is_complete else Event.VAULT_ROTATION_FAILED
    ledger.note(_entry(event, version=version))
    ledger.drain()
    return report


def _pass(settled: Sequence[int], *, done: int, show: Callable[[int], None]) -> tuple[int, tuple[Broken, ...]]:
    moved = 0
    broken: tuple[Broken, ...] = ()
    for column in sealed.COLUMNS:
        after = None
        while (batch := sealed.rewrap_batch(column, settled=settled, after=after)) is not None:
            moved, broken, after = moved + batch.rewrapped, broken + batch.broken, batch.last
            show(done + moved + len(broken))
            time.sleep(_PAUSE_SECONDS)
    return moved, broken


def _settled(keys: Keyring) -> tuple[int, ...]:
    """Return the versions whose records stay: a version that only waits to become the one that seals is not undone."""
    return tuple(version for version in keys.provider.versions() if version >= keys.sealing_version())


def _entry(event: Event, *, version: int) -> Entry:
    return Entry(event=event, user="", reason=f"key_version_{version}")
