"""200 callers in 3 processes and a provider that kills a grant at the second use of its refresh token: one call."""

import pytest

from tests.faults.processes import Installation

CALLERS, PROCESSES = 200, 3


# 11 seconds are longer than a lease lives whose holder does not keep it.
@pytest.mark.parametrize("delay_seconds", [0, 0.1, 11])
def test_all_callers_of_all_processes_share_one_refresh(installation: Installation, delay_seconds: float) -> None:
    processes = installation.start(PROCESSES)
    installation.connect(processes[0], user="user:1")
    processes[0].ask("expire", users=["user:1"])
    installation.upstream.delay_seconds = delay_seconds
    for number, process in enumerate(processes):
        callers = len(range(number, CALLERS, PROCESSES))
        process.begin("exchange", asked=[("user:1", "github")] * callers)
    answers = [answer for process in processes for answer in process.answer()]
    (grant,) = installation.upstream.grants
    assert installation.upstream.calls["github refresh_token"] == 1
    assert grant.is_alive
    assert [answer for answer in answers if "error" in answer] == []
    assert {answer["token"] for answer in answers} == grant.access
    assert len(answers) == CALLERS
    assert processes[0].ask("events", user="user:1", kind="vault:refresh") == [["vault:refresh:succeeded", ""]]
