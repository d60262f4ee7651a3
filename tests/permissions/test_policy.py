"""The decision over its whole state space, against a table that says when there is a yes."""

from itertools import product

from permissions.policy import Mode, Question, decide
from vault.client import ConnectionState

# (connection, the user is there or may be away, tool) and what it is refused for; the first line that fits counts.
# None fits everything.
TABLE = (
    ((False, None, None, None, None, None), "policy_denied"),
    ((True, "not_connected", None, None, None, None), "not_connected"),
    ((True, "revoked", None, None, None, None), "revoked"),
    ((True, "connected", False, False, None, None), "away"),
    ((True, "connected", None, None, "block", None), "tool_blocked"),
    ((True, "connected", None, None, "ask", None), "ask_first"),
    ((True, "connected", None, None, "allow", True), "excluded"),
    ((True, "connected", None, None, "allow", False), ""),
)
BOTH = (False, True)
SPACE = [Question(*values) for values in product(BOTH, ConnectionState, BOTH, BOTH, Mode, BOTH)]


def told(question: Question) -> str:
    """Return what the table says."""
    asked = (
        question.is_known,
        question.state.value,
        question.is_attended,
        question.is_away_allowed,
        question.mode.value,
        question.is_excluded,
    )
    return next(
        cause for line, cause in TABLE if all(want in (None, is_) for want, is_ in zip(line, asked, strict=True))
    )


def test_every_question_is_answered_as_the_table_says() -> None:
    assert len(SPACE) == 2 * 3 * 2 * 2 * 3 * 2
    assert [decide(question) for question in SPACE] == [told(question) for question in SPACE]


def test_a_yes_needs_everything() -> None:
    """Of 144 states, three say yes: all else allowed, and there or allowed to be away."""
    allowed = [question for question in SPACE if not decide(question)]
    assert len(allowed) == 3
    assert all(
        question.is_known
        and question.state is ConnectionState.CONNECTED
        and question.mode is Mode.ALLOW
        and not question.is_excluded
        and (question.is_attended or question.is_away_allowed)
        for question in allowed
    )
