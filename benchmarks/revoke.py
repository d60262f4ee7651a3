"""How long a revoke takes, from the press of the switch to the first refused exchange: `./dev bench revoke`.

Two processes of one installation on SQLite: the web process, whose page is asked over HTTP, and a caller that exchanges
without a pause meanwhile. README.md beside this file says what is in the figure.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

import httpx

from benchmarks.installation import prepared, run_code, start
from benchmarks.processes import ROOT
from tests.e2e.installation import Installation
from tests.faults.pages import sign_in

# As `devcontext.views` makes them, which only a process with Django's settings can import.
_DEMO_USER = "maya@tidewater.example"
# Exchanges that were granted before the switch is pressed, so that nothing of it is a first time.
_LEAD_SECONDS = 0.05
_CONNECT = """
from asgiref.sync import async_to_sync
from devcontext import demo
async_to_sync(demo.connect_services)(connected=set())
"""


@dataclass(frozen=True, slots=True)
class Revoked:
    """One revoke, in ms from the moment the form was sent: until the first refusal, and until the page answered."""

    denied_ms: float
    answered_ms: float


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--revokes", type=int, default=200)
    options = parser.parse_args()
    load_before = os.getloadavg()[0]
    with _installation() as (found, session):
        measured = list(_measure(found, session=session, count=options.revokes))
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors, load {load_before:.1f} before")
    for name, values in (
        ("switch pressed to first refused exchange", [one.denied_ms for one in measured]),
        ("switch pressed to the page's answer", [one.answered_ms for one in measured]),
    ):
        percentiles = quantiles(values, n=100, method="inclusive")
        print(
            f"{name}: p50 {median(values):.1f}, p99 {percentiles[98]:.1f}, most {max(values):.1f} ms of {len(values)}"
        )


def _measure(found: Installation, *, session: str, count: int) -> Iterator[Revoked]:
    environment = found.programs["app"].environment
    command = [sys.executable, "-m", "benchmarks.revoke_caller", session]
    caller = subprocess.Popen(
        command, cwd=ROOT, env=dict(environment), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        with httpx.Client(base_url=found.app_url, cookies={"session": session}, trust_env=False, timeout=60) as browser:
            form = _form(browser)
            for _ in range(count):
                yield _revoke_once(browser, form=form, caller=caller)
                _press(browser, "restore", form=form)
    finally:
        caller.terminate()
        caller.wait()


def _revoke_once(browser: httpx.Client, *, form: dict[str, str], caller: subprocess.Popen[str]) -> Revoked:
    assert caller.stdin is not None
    caller.stdin.write("go\n")
    caller.stdin.flush()
    _hear(caller)
    time.sleep(_LEAD_SECONDS)
    pressed_at = time.monotonic()
    _press(browser, "revoke", form=form)
    answered_at = time.monotonic()
    refused = _hear(caller)
    if refused["cause"] != "revoked" or not refused["granted"] or refused["refused_at"] < pressed_at:
        raise SystemExit(f"The caller was refused for another reason: {refused}")
    return Revoked(1000 * (refused["refused_at"] - pressed_at), 1000 * (answered_at - pressed_at))


def _form(browser: httpx.Client) -> dict[str, str]:
    """Return what the switch's form holds besides its button."""
    page = browser.get("/settings/permissions/")
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    if found is None:
        raise SystemExit("The permissions page has no form.")
    return {"csrfmiddlewaretoken": found[1]}


def _press(browser: httpx.Client, action: str, *, form: dict[str, str]) -> None:
    answer = browser.post(f"/settings/permissions/slack/{action}", data=form)
    if answer.status_code != httpx.codes.SEE_OTHER:
        raise SystemExit(f"The switch answered {answer.status_code}.")


def _hear(caller: subprocess.Popen[str]) -> dict[str, Any]:
    assert caller.stdout is not None
    line = caller.stdout.readline()
    if not line:
        raise SystemExit("The caller ended; its reason stands above.")
    told: dict[str, Any] = json.loads(line)
    return told


@contextmanager
def _installation() -> Iterator[tuple[Installation, str]]:
    """Yield an installation whose web process runs, and a session of its demo user, who is connected."""
    with prepared() as found:
        run_code(found, _CONNECT)
        (session,) = sign_in(found, _DEMO_USER)
        start(found, "app")
        yield found, session


if __name__ == "__main__":
    main()
