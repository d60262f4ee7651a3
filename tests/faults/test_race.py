"""Exchanges race revokes, and users race each other: no token after a revoke was answered, and none that crosses."""

import itertools
import random
from typing import Any

from tests.faults.conftest import size
from tests.faults.processes import Installation
from tests.vault.upstream import Grant

EXCHANGES, FLIPS = size(600, 100_000), size(8, 1_000)
INTERLEAVED = size(360, 10_000)
PROVIDERS = ("github", "google-calendar", "slack")


def test_no_exchange_that_starts_after_a_revoke_was_answered_gets_a_token(installation: Installation) -> None:
    """Three processes exchange, one flips the switch. All read one clock, the machine's, which never goes back."""
    *racers, flipper = installation.start(4)
    installation.connect(flipper, user="user:1")
    for racer in racers:
        racer.begin("race", user="user:1", provider="github", count=EXCHANGES // 3 + 1, at_once=2)
    flipper.begin("flip", user="user:1", provider="github", count=FLIPS, pause_seconds=0.15)
    closed = flipper.answer()
    raced = [racer.answer() for racer in racers]

    granted = [tuple(exchange) for found in raced for exchange in found["granted"]]
    refused = [tuple(exchange) for found in raced for exchange in found["refused"]]
    assert len(granted) + len(refused) >= EXCHANGES
    assert len(closed) == FLIPS
    assert _within(closed, granted) == []
    # Otherwise nothing was raced.
    assert _within(closed, refused)
    assert granted
    assert [error for found in raced for error in found["errors"] if error != "AccessRevokedError"] == []
    _see_the_order(flipper.ask("events", user="user:1"))


def _within(closed: list[tuple[int, int]], exchanges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the exchanges that started after a revoke was answered and ended before its restore was begun."""
    times = sorted(closed)
    found, at = [], 0
    for started, ended in sorted(exchanges):
        while at < len(times) and times[at][1] < started:
            at += 1
        if at < len(times) and times[at][0] < started and ended < times[at][1]:
            found.append((started, ended))
    return found


def _see_the_order(events: list[tuple[str, str]]) -> None:
    """The events are numbered under the connection's lock: between a revoke and its restore none is a grant."""
    is_revoked, flips = False, 0
    for event, _ in events:
        if event in ("permission:access:revoked", "permission:access:restored"):
            is_revoked, flips = event.endswith("revoked"), flips + 1
        assert not (is_revoked and event == "vault:exchange:granted")
    assert flips == 2 * FLIPS


def test_interleaved_exchanges_never_cross(installation: Installation) -> None:
    """Two users with two accounts at each of three providers, in three processes, while tokens are refreshed."""
    upstream, processes = installation.upstream, installation.start(3)
    owned: dict[str, tuple[str, Grant]] = {}
    for user, persons in (("user:1", ("alice", "alice-at-work")), ("user:2", ("bob", "bob-at-work"))):
        for upstream.person, provider in itertools.product(persons, PROVIDERS):
            connection = installation.connect(processes[0], user=user, provider=provider)
            owned[connection] = (user, upstream.grants[-1])
    assert len(owned) == 12
    own = [(user, connection) for connection, (user, _) in owned.items()]
    foreign = [("user:2" if user == "user:1" else "user:1", connection) for user, connection in own]

    answers: list[dict[str, Any]] = []
    while sum("token" in answer for answer in answers) < INTERLEAVED:
        processes[0].ask("expire", users=["user:1", "user:2"])
        for process in processes:
            process.begin("exchange", asked=random.sample((own * 10 + foreign), k=132), at_once=24)
        answers += [answer for process in processes for answer in process.answer()]

    for answer in answers:
        user, grant = owned[answer["audience"]]
        if user == answer["user"]:
            assert answer["token"] in grant.issued
        else:
            assert answer["error"] == "NotConnectedError"
    assert all(grant.is_alive for _, grant in owned.values())
