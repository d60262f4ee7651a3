"""Every sealed column of the vault's tables, as rotation sees it: counted by key version and moved to another key.

Only data keys are opened here, never a secret.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import BinaryField, Count, Model, QuerySet
from django.db.models.functions import Substr

from vault import keyring, sealing
from vault.database import ALIAS
from vault.errors import SealBrokenError
from vault.models import Installation, OAuthState, Revocation, SealedToken
from vault.sealing import Binding
from vault.store import fingerprints, secrets

# So few records hold the write lock of SQLite for a few milliseconds.
BATCH_SIZE = 100


@dataclass(frozen=True, slots=True)
class Column:
    """One sealed column: where it is, and the place each of its records is bound to."""

    name: str
    model: type[Model]
    field: str
    place_of: Callable[[Any], Binding]
    joins: tuple[str, ...] = ()


COLUMNS = (
    Column("fingerprint key", Installation, "sealed_fingerprint_key", lambda _row: fingerprints.place()),
    Column(
        "token",
        SealedToken,
        "sealed",
        lambda row: secrets.place_of_token(row.connection, field=row.field),
        ("connection",),
    ),
    Column(
        "verifier",
        OAuthState,
        "sealed_verifier",
        lambda row: secrets.place_of_verifier(user=row.subject, provider=row.provider, state_hash=row.state_hash),
    ),
    Column(
        "revocation",
        Revocation,
        "sealed",
        lambda row: secrets.place_of_revocation(row.id, user=row.subject, provider=row.provider),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A record that does not open, as an operator finds it: ids and names, nothing of the record."""

    column: str
    row: str
    connection: str
    provider: str
    field: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of some records of a column; `last` is where the next batch begins."""

    rewrapped: int
    broken: tuple[Broken, ...]
    last: Any


def count_by_version() -> Mapping[int, int]:
    """Return how many records each key version sealed, of all columns; garbage counts as what it seems to say."""
    counts: dict[int, int] = {}
    for column in COLUMNS:
        found = _records(column).values_list("version").annotate(Count("pk"))
        for version, count in found:
            number = int.from_bytes(bytes(version), "big")
            counts[number] = counts.get(number, 0) + count
    return dict(sorted(counts.items()))


def rewrap_batch(column: Column, *, settled: Iterable[int], after: Any = None) -> Batch | None:
    """Move some records of another version than `settled` to the key that seals now; None when there are no more.

    A record that changed meanwhile, by a refresh or a disconnect, is left as it is then.

    Raises:
        django.core.exceptions.ImproperlyConfigured: There is no key to seal with.
    """
    settled_bytes = [version.to_bytes(4, "big") for version in settled]
    rows = _records(column).exclude(version__in=settled_bytes).select_related(*column.joins).order_by("pk")
    batch = list(rows.filter(pk__gt=after)[:BATCH_SIZE] if after is not None else rows[:BATCH_SIZE])
    if not batch:
        return None
    keys, broken, changes = keyring.current(), [], []
    for row in batch:
        old, place = bytes(getattr(row, column.field)), column.place_of(row)
        try:
            changes.append((row.pk, old, sealing.rewrap(old, binding=place, keyring=keys)))
        except SealBrokenError:
            broken.append(_broken(column, row=row, place=place))
    return Batch(_write(column, changes), tuple(broken), batch[-1].pk)


def _write(column: Column, changes: list[tuple[Any, bytes, bytes]]) -> int:
    """Write each record over exactly the one it was made from: that decides every race with a refresh."""
    rows = _rows(column)
    with transaction.atomic(using=ALIAS):
        return sum(
            rows.filter(**{"pk": row, column.field: old}).update(**{column.field: new}) for row, old, new in changes
        )


def _records(column: Column) -> QuerySet[Any]:
    offset, length = sealing.VERSION_SLICE
    version = Substr(column.field, offset + 1, length, output_field=BinaryField())
    rows: QuerySet[Any] = _rows(column).filter(**{f"{column.field}__isnull": False}).annotate(version=version)
    return rows


def _rows(column: Column) -> QuerySet[Any]:
    return QuerySet(column.model, using=ALIAS)


def _broken(column: Column, *, row: Any, place: Binding) -> Broken:
    return Broken(
        column=column.name, row=str(row.pk), connection=place.connection, provider=place.provider, field=place.field
    )
