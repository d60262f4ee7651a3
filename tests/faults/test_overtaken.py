"""A process that sleeps through its lease with the provider's answer on the way: the loser must not hurt the winner."""

import signal

from tests.faults.processes import Installation
from tests.faults.proxy import Proxy

STRICT, LENIENT = "user:1", "user:2"


def test_tokens_of_a_process_that_slept_through_its_lease_are_kept_if_they_live(
    installation: Installation, proxy: Proxy
) -> None:
    """The second process spends the refresh token once more: one grant dies of it, the other does not."""
    upstream = installation.upstream
    sleeper, other = installation.start(2)
    for user in (STRICT, LENIENT):
        installation.connect(sleeper, user=user)
    sleeper.ask("expire", users=[STRICT, LENIENT])
    proxy.hold("answers")
    sleeper.begin("exchange", asked=[(STRICT, "github"), (LENIENT, "github")])
    proxy.wait_held()
    proxy.wait_held()
    sleeper.send(signal.SIGSTOP)
    proxy.pass_new()

    for user in (STRICT, LENIENT):
        upstream.kills_on_reuse = user == STRICT
        assert other.ask("exchange", asked=[(user, "github")])[0]["error"] == "ReconnectRequiredError"
        assert other.ask("row", user=user)["reconnect_reason"] == "refresh_in_doubt"

    sleeper.send(signal.SIGCONT)
    proxy.release()
    strict, lenient = sleeper.answer()
    assert [grant.is_alive for grant in upstream.grants] == [False, True]
    assert strict["error"] == "ReconnectRequiredError"
    assert other.ask("row", user=STRICT)["reconnect_reason"] == "bad_refresh_token"
    assert {lenient["token"]} == upstream.grants[1].access
    assert other.ask("exchange", asked=[(LENIENT, "github")])[0]["token"] == lenient["token"]
    assert other.ask("events", user=LENIENT, kind="vault:refresh") == [
        ["vault:refresh:failed", "refresh_in_doubt"],
        ["vault:refresh:succeeded", "overtaken"],
        ["vault:refresh:succeeded", ""],
    ]
