"""The accounts that somebody can sign in to at the stand-ins: the team member's own, and a second one.

The second one differs in name and ids alone; what it opens is the data of the same invented team.
"""

from collections.abc import Mapping
from dataclasses import replace

from devcontext.sandbox.types import Person

MAIN = ""
SECOND = "second"
# What the consent pages call them.
ACCOUNTS: Mapping[str, str] = {
    MAIN: "the team member's own account",
    SECOND: "a second account of the same invented team",
}
# Far from the ids of everybody invented.
_SECOND_ID = 1_000_000


def person_of(me: Person, *, account: str) -> Person:
    """Return the person whom `account` shows to the app."""
    if account == MAIN:
        return me
    return replace(
        me,
        login=f"{me.login}-second",
        email=f"second.{me.email}",
        database_id=me.database_id + _SECOND_ID,
        slack_id=f"{me.slack_id}2",
    )
