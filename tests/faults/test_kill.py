"""`kill -9` at five points of a refresh: whatever was not used is not lost, and what was lost is said to be."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.faults.conftest import size
from tests.faults.processes import Installation, Process
from tests.faults.proxy import Proxy
from tests.vault.upstream import Grant

# How long a process is given to run into a lock that it then waits for.
PAUSE_SECONDS = 0.3


@dataclass
class Scene:
    """What a kill needs: who watches, who is killed, and whose connection is refreshed."""

    installation: Installation
    proxy: Proxy
    observer: Process
    victim: Process
    user: str
    provider: str

    def begin(self) -> None:
        self.victim.begin("exchange", asked=[(self.user, self.provider)])

    @contextmanager
    def locked(self, what: str) -> Iterator[None]:
        self.observer.ask("lock", what=what, user=self.user)
        yield
        self.victim.kill()
        self.observer.ask("unlock")


def before_the_lease(scene: Scene) -> None:
    """A shared lock lets a decision read and a lease wait; on SQLite the decision waits already."""
    with scene.locked("row shared"):
        scene.begin()
        time.sleep(PAUSE_SECONDS)


def before_the_call(scene: Scene) -> None:
    """The request has left the process and never arrives."""
    scene.proxy.hold("requests")
    scene.begin()
    scene.proxy.wait_held()
    scene.victim.kill()
    scene.proxy.release()


def during_the_call(scene: Scene) -> None:
    upstream = scene.installation.upstream
    upstream.delay_seconds, upstream.was_asked_to_refresh = PAUSE_SECONDS, threading.Event()
    scene.begin()
    assert upstream.was_asked_to_refresh.wait(60)
    scene.victim.kill()
    upstream.delay_seconds = 0


def before_the_commit(scene: Scene) -> None:
    """The provider has answered; the row is locked until the process is dead."""
    scene.proxy.hold("answers")
    scene.begin()
    scene.proxy.wait_held()
    with scene.locked("row"):
        scene.proxy.release()
        time.sleep(PAUSE_SECONDS)


def before_the_answer(scene: Scene) -> None:
    """The new tokens are stored; what tells of them waits for the audit."""
    with scene.locked("audit"):
        scene.begin()
        while scene.observer.ask("row", user=scene.user)["generation"] == 1:
            time.sleep(0.02)


@dataclass(frozen=True)
class Case:
    """One point, and what must come of it: how often the provider is asked in all, and how the refresh is recorded."""

    kill: Callable[[Scene], None]
    calls: int
    refresh: tuple[str, str]
    provider: str = "github"
    is_token_left: bool = True
    left_seconds: float = 0


SUCCEEDED, IN_DOUBT = ("vault:refresh:succeeded", ""), ("vault:refresh:failed", "refresh_in_doubt")
CASES = (
    Case(before_the_lease, calls=1, refresh=SUCCEEDED),
    Case(before_the_call, calls=1, refresh=SUCCEEDED),
    Case(during_the_call, calls=2, refresh=IN_DOUBT, is_token_left=False),
    Case(before_the_commit, calls=2, refresh=IN_DOUBT, is_token_left=False),
    Case(before_the_answer, calls=1, refresh=SUCCEEDED),
    # Google's refresh token stays; Slack's does not, but its old access token does, to its end.
    Case(during_the_call, calls=2, refresh=SUCCEEDED, provider="google-calendar"),
    Case(during_the_call, calls=2, refresh=IN_DOUBT, provider="slack", left_seconds=3000),
)
KILLS = size(1, 20)


def test_a_process_that_is_killed_loses_nothing_silently(installation: Installation, proxy: Proxy) -> None:
    (observer,) = installation.start()
    victims = {f"user:{number}": case for number, case in enumerate(CASES * KILLS)}
    for user, case in victims.items():
        installation.connect(observer, user=user, provider=case.provider)
        observer.ask("expire", users=[user], left_seconds=case.left_seconds)
    grants = dict(zip(victims, installation.upstream.grants, strict=True))
    for user, case in victims.items():
        (victim,) = installation.start()
        case.kill(Scene(installation, proxy, observer, victim, user, case.provider))
    # As a supervisor starts the killed process again.
    (survivor,) = installation.start()
    asked = [(user, case.provider) for user, case in victims.items()]
    # An exchange waits for the lease of the dead, or gives a token that is left; once that lease is over, it refreshes.
    while any(survivor.ask("row", user=user, provider=provider)["lease_until"] for user, provider in asked):
        survivor.ask("exchange", asked=asked)
        survivor.ask("settle")
    answers = survivor.ask("exchange", asked=asked)
    for (user, case), answer in zip(victims.items(), answers, strict=True):
        found = (
            survivor.ask("row", user=user, provider=case.provider),
            survivor.ask("events", user=user, kind="vault:refresh"),
        )
        _judge(case, answer=answer, found=found, grant=grants[user])
    calls = sum(number for name, number in installation.upstream.calls.items() if name.endswith("refresh_token"))
    assert calls == KILLS * sum(case.calls for case in CASES)
    _see_the_end(survivor, users=[user for user, case in victims.items() if case.provider == "slack"])


def _judge(case: Case, *, answer: dict[str, Any], found: tuple[dict[str, Any], list[Any]], grant: Grant) -> None:
    row, events = found
    name = f"{case.kill.__name__} {case.provider}"
    # At least once: a process that is killed between telling the audit and noting that it did leaves it told twice.
    assert {tuple(event) for event in events} == {case.refresh}, name
    assert row["lease_until"] is None, name
    assert (row["generation"], row["reconnect_reason"]) == (
        (2, "") if case.refresh == SUCCEEDED else (1, "refresh_in_doubt")
    ), name
    if case.refresh == SUCCEEDED:
        assert grant.is_alive, name
        assert answer["token"] in grant.access, name
    elif case.is_token_left:
        assert answer["token"], name
    else:
        assert answer["error"] == "ReconnectRequiredError", name


def _see_the_end(survivor: Process, *, users: list[str]) -> None:
    """A token that was left over is not given past its end."""
    survivor.ask("expire", users=users)
    answers = survivor.ask("exchange", asked=[(user, "slack") for user in users])
    assert {answer.get("error") for answer in answers} == {"ReconnectRequiredError"}
