"""A process that exchanges Slack's token again and again until it is refused; `benchmarks.revoke` starts and asks it.

It goes on at each line of its standard input, and answers with lines of JSON; its clock is the machine's.
"""

import asyncio
import json
import sys
import time
from typing import Any

import django
import uvloop


def asker_of(session_key: str) -> dict[str, Any]:
    """Return how the vault knows a session."""
    from django.contrib.auth import SESSION_KEY  # noqa: PLC0415  (Django is set up by then, as for all below)
    from django.contrib.sessions.backends.db import SessionStore  # noqa: PLC0415

    from permissions.subjects import auth_time_of, sid_of, subject_of  # noqa: PLC0415

    session = SessionStore(session_key)
    return {"user": subject_of(int(session[SESSION_KEY])), "sid": sid_of(session), "auth_time": auth_time_of(session)}


async def call(asker: dict[str, Any]) -> None:
    """For each line, exchange until the vault refuses, and tell of the first yes and of the no; ends with its input."""
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await _call_until_refused(asker)), flush=True)


async def _call_until_refused(asker: dict[str, Any]) -> dict[str, Any]:
    from vault.client import VaultError  # noqa: PLC0415
    from vault.client.tokens import Actor, exchange  # noqa: PLC0415

    actor = Actor(agent="agent:devcontext", run="bench", tool="slack_mentions", tool_call="bench")
    granted = 0
    while True:
        try:
            await exchange(**asker, provider="slack", scope="channels:history", actor=actor)
        except VaultError as error:
            return {"refused_at": time.monotonic(), "granted": granted, "cause": error.cause}
        granted += 1
        if granted == 1:
            print(json.dumps({"is_ready": True}), flush=True)


if __name__ == "__main__":
    django.setup()
    uvloop.run(call(asker_of(sys.argv[1])))
