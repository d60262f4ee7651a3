"""The decision of the gate as a pure function of all that counts. It knows no table, no vault and no clock."""

from dataclasses import dataclass
from enum import StrEnum

from permissions.errors import Cause
from vault.client import ConnectionState


class Mode(StrEnum):
    """What a user lets one tool do. `ASK` means that each call waits for their word, and is refused without it."""

    ALLOW = "allow"
    ASK = "ask"
    BLOCK = "block"


class Answer(StrEnum):
    """What the user said of one tool call whose mode is `ASK`.

    `UNASKED` they can be asked and were not yet; `NOBODY` there is no page on which they could be; `UNANSWERED` they
    said nothing in time, or there was nothing to say any more.
    """

    UNASKED = ""
    NOBODY = "nobody"
    ONCE = "once"
    CONVERSATION = "conversation"
    ALWAYS = "always"
    NO = "no"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class Question:
    """All that the answer depends on.

    `state` is the connection's now, and `is_paused` whether a pause alone makes it a revoked one; `is_attended` tells
    whether the user is there, or a grant stands for them, and `is_granted` then whether that grant holds this service
    and this tool; `is_excluded` whether the call names a place that the user left out; `answer` what they said of it.
    """

    is_known: bool
    state: ConnectionState
    is_paused: bool
    is_attended: bool
    is_away_allowed: bool
    is_granted: bool
    mode: Mode
    is_excluded: bool
    answer: Answer


_OF_STATE: dict[ConnectionState, Cause] = {
    ConnectionState.CONNECTED: "",
    ConnectionState.REVOKED: "revoked",
    ConnectionState.NOT_CONNECTED: "not_connected",
}
_OF_ANSWER: dict[Answer, Cause] = {
    Answer.UNASKED: "ask_first",
    Answer.NOBODY: "nobody_to_ask",
    Answer.ONCE: "",
    Answer.CONVERSATION: "",
    Answer.ALWAYS: "",
    Answer.NO: "answered_no",
    Answer.UNANSWERED: "not_answered",
}


def decide(question: Question) -> Cause:
    """Return why the agent may not read, or "" when it may; the widest refusal is told first."""
    if not question.is_known:
        return "policy_denied"
    if cause := _OF_STATE[question.state]:
        return "access_paused" if cause == "revoked" and question.is_paused else cause
    if cause := _of_absence(question):
        return cause
    if question.mode is Mode.BLOCK:
        return "tool_blocked"
    if question.is_excluded:
        return "excluded"
    return _of_mode(question)


def _of_absence(question: Question) -> Cause:
    if question.is_attended:
        return ""
    if not question.is_away_allowed:
        return "away"
    return "" if question.is_granted else "not_granted"


def _of_mode(question: Question) -> Cause:
    """Nobody is asked about what would be refused all the same, so that this comes last."""
    if question.mode is Mode.ALLOW:
        return ""
    # SECURITY: a grant stands for somebody who is away; no answer that was given in their presence does.
    return _OF_ANSWER[question.answer] if question.is_attended else "nobody_to_ask"
