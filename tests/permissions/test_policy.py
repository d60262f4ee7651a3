"""The decision over its whole state space, against a table that says when there is a yes."""

from dataclasses import replace
from itertools import product

from permissions.policy import Answer, Mode, Question, decide
from vault.client import ConnectionState

# (known, connection, paused, the user is there, may be away, granted it, tool, place left out, answer) and what it is
# refused for; the first line that fits counts. None fits everything.
TABLE = (
    ((False, None, None, None, None, None, None, None, None), "policy_denied"),
    ((True, "not_connected", None, None, None, None, None, None, None), "not_connected"),
    ((True, "revoked", True, None, None, None, None, None, None), "access_paused"),
    ((True, "revoked", None, None, None, None, None, None, None), "revoked"),
    ((True, "connected", None, False, False, None, None, None, None), "away"),
    ((True, "connected", None, False, True, False, None, None, None), "not_granted"),
    ((True, "connected", None, None, None, None, "block", None, None), "tool_blocked"),
    ((True, "connected", None, None, None, None, None, True, None), "excluded"),
    ((True, "connected", None, False, True, None, "ask", False, None), "nobody_to_ask"),
    ((True, "connected", None, True, None, None, "ask", False, ""), "ask_first"),
    ((True, "connected", None, True, None, None, "ask", False, "nobody"), "nobody_to_ask"),
    ((True, "connected", None, True, None, None, "ask", False, "no"), "answered_no"),
    ((True, "connected", None, True, None, None, "ask", False, "unanswered"), "not_answered"),
    ((True, "connected", None, True, None, None, "ask", False, "once"), ""),
    ((True, "connected", None, True, None, None, "ask", False, "conversation"), ""),
    ((True, "connected", None, True, None, None, "ask", False, "always"), ""),
    ((True, "connected", None, None, None, None, "allow", False, None), ""),
)
BOTH = (False, True)
SPACE = [Question(*values) for values in product(BOTH, ConnectionState, BOTH, BOTH, BOTH, BOTH, Mode, BOTH, Answer)]
YES = {Answer.ONCE, Answer.CONVERSATION, Answer.ALWAYS}


def told(question: Question) -> str:
    """Return what the table says."""
    asked = (
        question.is_known,
        question.state.value,
        question.is_paused,
        question.is_attended,
        question.is_away_allowed,
        question.is_granted,
        question.mode.value,
        question.is_excluded,
        question.answer.value,
    )
    return next(
        cause for line, cause in TABLE if all(want in (None, is_) for want, is_ in zip(line, asked, strict=True))
    )


def test_every_question_is_answered_as_the_table_says() -> None:
    assert len(SPACE) == 576 * len(Answer)
    assert [decide(question) for question in SPACE] == [told(question) for question in SPACE]


def test_a_yes_needs_everything() -> None:
    """Of 576 states, ten say yes whatever was answered; eight more do with a yes of a user who is there."""
    allowed = [question for question in SPACE if not decide(question)]
    assert len(allowed) == 10 * len(Answer) + 8 * len(YES)
    assert all(
        question.is_known
        and question.state is ConnectionState.CONNECTED
        and not question.is_excluded
        and (question.is_attended or (question.is_away_allowed and question.is_granted))
        for question in allowed
    )
    asked = [question for question in allowed if question.mode is not Mode.ALLOW]
    assert all(one.mode is Mode.ASK and one.is_attended and one.answer in YES for one in asked)


def test_a_user_is_asked_only_where_a_yes_would_let_read() -> None:
    asked = [question for question in SPACE if decide(question) == "ask_first"]
    assert len(asked) == 8
    assert all(decide(replace(question, answer=answer)) == "" for question in asked for answer in YES)


def test_no_answer_widens_what_is_refused_for_another_reason() -> None:
    """The answer counts for a tool that asks first and for nothing else."""
    for question in SPACE:
        if question.mode is not Mode.ASK:
            assert decide(question) == decide(replace(question, answer=Answer.NO))
