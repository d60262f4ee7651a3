"""From what was measured to what is printed: ratios inside the run first, milliseconds after them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from benchmarks.race import CALLERS, PROCESSES, Races


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One line in one round: each call's duration in ms, and what the whole took."""

    ms: list[float]
    wall_seconds: float
    client_cpu_seconds: float
    server_cpu_seconds: float


Results = dict[str, list[Measured]]

_TITLES = {
    "exchange": "exchange, in process",
    "answer": "  of it the vault's part (tokens minted before)",
    "http": "exchange over HTTP",
    "http8": "exchange over HTTP, 8 at once",
    "encrypted_column": "encrypted column (ORM, Fernet), audited",
    "raw_encrypted_column": "encrypted column (bare driver, Fernet), bare row",
    "secrets_manager": "Secrets Manager (boto3, moto), audited",
    "verify_and_insert": "floor: one JWT verified and one bare row",
    "insert": "floor: one bare durable row",
    "hello": "floor: Django's hello",
    "bare_hello": "floor: hello without Django",
}
# (goal, measured, compared with, at most); performance goals P1 and P2.
_GOALS = [
    ("P1", "exchange", "verify_and_insert", 2.5),
    ("P1", "exchange", "encrypted_column", 1.0),
    ("P1", "exchange", "secrets_manager", 0.2),
    ("P2", "http", "hello", 2.5),
    ("P2", "http", "secrets_manager", 0.5),
]
# Comparisons without a goal, for the reader.
_ALSO = [
    ("answer", "verify_and_insert"),
    ("exchange", "raw_encrypted_column"),
    ("http", "bare_hello"),
    ("http", "encrypted_column"),
    ("http", "exchange"),
]
_RATE_GOALS = {"a view": 300, "a route": 700}
_RACE_GOAL = 1.15


def write(results: Results, *, races: dict[str, Races], about: dict[str, Any]) -> str:
    """Return the report as text."""
    databases = list(races)
    parts = [
        _about(about),
        "",
        "Ratios inside this run: median over the rounds, lowest to highest round in brackets.",
        *(line for database in databases for line in _ratio_lines(results, database=database)),
        *(line for database in databases for line in _rate_lines(results, database=database)),
        *(line for database in databases for line in _race_lines(races[database], database=database)),
        "",
        f"{'Milliseconds':54}  p50    p99    rounds' p50     CPU per call",
        *(line for database in databases for line in _absolute_lines(results, database=database)),
    ]
    return "\n".join(parts)


def _about(about: dict[str, Any]) -> str:
    return (
        f"{about['date']}, Python {about['python']}, {about['processors']} processors, "
        f"load average {about['load_before'][0]} before, {about['load_after'][0]} after; "
        f"{about['rounds']} rounds of {about['calls']} calls in random order, {about['warm_up']} to warm up."
    )


def to_json(results: Results, *, races: dict[str, Races], about: dict[str, Any]) -> dict[str, Any]:
    """Return the same as values, per line and round."""
    return {
        "about": about,
        "ratios": {
            f"{database}: {name} / {base}": _ratio(results, f"{name} {database}", f"{base} {database}")
            for database in races
            for _, name, base, _ in [*_GOALS, *(("", name, base, 0.0) for name, base in _ALSO)]
        },
        "lines": {name: [_summary(measured) for measured in rounds] for name, rounds in results.items()},
        "races": {
            database: {
                "lone_ms": race.lone,
                "first_ms": race.first,
                "last_ms": race.last,
                "refreshes": race.refreshes,
                "failures": race.failures,
            }
            for database, race in races.items()
        },
    }


def _summary(measured: Measured) -> dict[str, float]:
    return {
        "p50_ms": median(measured.ms),
        "max_ms": max(measured.ms),
        "calls_per_second": len(measured.ms) / measured.wall_seconds,
        "client_cpu_ms": 1000 * measured.client_cpu_seconds / len(measured.ms),
        "server_cpu_ms": 1000 * measured.server_cpu_seconds / len(measured.ms),
    }


def _ratio(results: Results, name: str, base: str) -> tuple[float, float, float]:
    """Return median, lowest and highest of the rounds' ratios: what slows one round slows both of its lines."""
    pairs = zip(results[name], results[base], strict=True)
    ratios = sorted(median(measured.ms) / median(floor.ms) for measured, floor in pairs)
    return median(ratios), ratios[0], ratios[-1]


def _ratio_lines(results: Results, *, database: str) -> Iterable[str]:
    for goal, name, base, limit in _GOALS:
        middle, low, high = _ratio(results, f"{name} {database}", f"{base} {database}")
        verdict = "met" if middle <= limit else "MISSED"
        yield f"  {goal} {database:10} {name} / {base}: {middle:.2f} ({low:.2f} to {high:.2f}), goal {limit}: {verdict}"
    for name, base in _ALSO:
        middle, low, high = _ratio(results, f"{name} {database}", f"{base} {database}")
        yield f"     {database:10} {name} / {base}: {middle:.2f} ({low:.2f} to {high:.2f})"


def _rate_lines(results: Results, *, database: str) -> Iterable[str]:
    rounds = results[f"http8 {database}"]
    per_core = sum(len(measured.ms) for measured in rounds) / sum(measured.server_cpu_seconds for measured in rounds)
    at_once = median(len(measured.ms) / measured.wall_seconds for measured in rounds)
    reached = ", ".join(
        f"{limit}/s through {path}: {'met' if per_core >= limit else 'MISSED'}" for path, limit in _RATE_GOALS.items()
    )
    yield f"  P2 {database:10} {per_core:.0f} exchanges per second of the vault's processor ({reached})"
    yield f"     {database:10} {at_once:.0f} per second with one client process, 8 at once"


def _race_lines(races: Races, *, database: str) -> Iterable[str]:
    is_met = races.ratio() <= _RACE_GOAL and not races.failures and set(races.refreshes) == {1}
    yield (
        f"  P3 {database:10} {CALLERS} callers, {PROCESSES} processes, {len(races.last)} times: last / lone "
        f"{races.ratio():.2f}, goal {_RACE_GOAL}; refreshes each {sorted(set(races.refreshes))}, "
        f"failures {races.failures}: {'met' if is_met else 'MISSED'}"
    )
    yield (
        f"     {database:10} lone {median(races.lone):.0f} ms, first {median(races.first):.0f}, "
        f"last {median(races.last):.0f} (at most {max(races.last):.0f})"
    )


def _absolute_lines(results: Results, *, database: str) -> Iterable[str]:
    for name, title in _TITLES.items():
        rounds = results[f"{name} {database}"]
        pooled = [duration for measured in rounds for duration in measured.ms]
        middles = [median(measured.ms) for measured in rounds]
        cpu = f"{_per_call(rounds, lambda measured: measured.client_cpu_seconds):.2f}"
        served = _per_call(rounds, lambda measured: measured.server_cpu_seconds)
        yield (
            f"{database:10} {title:50} {median(pooled):6.2f} {quantiles(pooled, n=100)[98]:6.2f}  "
            f"{min(middles):6.2f}-{max(middles):6.2f}  {cpu}" + (f" + {served:.2f}" if served else "")
        )


def _per_call(rounds: list[Measured], seconds: Callable[[Measured], float]) -> float:
    """Return milliseconds of processor per call."""
    return 1000 * sum(map(seconds, rounds)) / sum(len(measured.ms) for measured in rounds)
