"""The decision of the gate as a pure function of all that counts. It knows no table, no vault and no clock."""

from dataclasses import dataclass
from enum import StrEnum

from permissions.errors import Cause
from vault.client import ConnectionState


class Mode(StrEnum):
    """What a user lets one tool do. `ASK` is refused until somebody can be asked; no page offers it yet."""

    ALLOW = "allow"
    ASK = "ask"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Question:
    """All that the answer depends on.

    `state` is the connection's now, pauses included; `is_attended` tells whether the user is there, or a grant stands
    for them; `is_excluded` whether the call names a place that the user left out.
    """

    is_known: bool
    state: ConnectionState
    is_attended: bool
    is_away_allowed: bool
    mode: Mode
    is_excluded: bool


_OF_STATE: dict[ConnectionState, Cause] = {
    ConnectionState.CONNECTED: "",
    ConnectionState.REVOKED: "revoked",
    ConnectionState.NOT_CONNECTED: "not_connected",
}
_OF_MODE: dict[Mode, Cause] = {Mode.ALLOW: "", Mode.ASK: "ask_first", Mode.BLOCK: "tool_blocked"}


def decide(question: Question) -> Cause:
    """Return why the agent may not read, or "" when it may; the widest refusal is told first."""
    if not question.is_known:
        return "policy_denied"
    if cause := _OF_STATE[question.state]:
        return cause
    if not question.is_attended and not question.is_away_allowed:
        return "away"
    if cause := _OF_MODE[question.mode]:
        return cause
    return "excluded" if question.is_excluded else ""
