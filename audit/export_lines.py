"""Events as lines of CSV or of JSON, for a spreadsheet and for programs. What proves them is in `audit.export`."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from typing import Any

from audit.models import AuditEvent
from audit.wording import sentence_of

Lines = Callable[[Iterable[AuditEvent]], str]

# Each line says what it is: a file that is cut or joined can still be read. A new column at the end keeps the number.
SCHEMA = "devcontext-audit-events/1"
COLUMNS = (
    *("schema", "id", "occurred_at", "user", "event", "outcome", "sentence", "provider", "reason", "run", "tool"),
    *("tool_call", "client", "connection", "account", "scope_asked", "scope_granted", "exchange", "token_fingerprint"),
    *("method", "path", "status", "size_bytes", "duration_ms", "provider_request_id"),
)
# What makes a spreadsheet take a cell for a formula. Source: https://owasp.org/www-community/attacks/CSV_Injection.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001  (full-width forms count too)


def csv_lines(events: Iterable[AuditEvent]) -> str:
    """Return the lines of `events` as RFC 4180 has them."""
    return _csv([_cell(value) for value in _values(event).values()] for event in events)


def csv_header() -> str:
    """Return the line of the columns' names."""
    return _csv([COLUMNS])


def json_lines(events: Iterable[AuditEvent]) -> str:
    """Return one JSON object a line; what is missing is null or empty."""
    return "".join(f"{json.dumps(_values(event), ensure_ascii=False)}\n" for event in events)


# Media type (RFC 7111, and what programs that read NDJSON call it), header, and how lines are written.
FORMS: Mapping[str, tuple[str, Callable[[], str], Lines]] = {
    "csv": ("text/csv; charset=utf-8; header=present", csv_header, csv_lines),
    "ndjson": ("application/x-ndjson", str, json_lines),
}


def _values(event: AuditEvent) -> dict[str, Any]:
    own = {
        "schema": SCHEMA,
        "occurred_at": event.occurred_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "sentence": sentence_of(event),
    }
    return {name: own[name] if name in own else getattr(event, name) for name in COLUMNS}


def _cell(value: Any) -> Any:
    """SECURITY: paths, programs' ids and accounts are chosen by others; a spreadsheet is to run none of them."""
    if isinstance(value, str) and value.lstrip(" \N{NO-BREAK SPACE}").startswith(_FORMULA):
        return f"'{value}"
    return value


def _csv(rows: Iterable[Iterable[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
