"""On a terminal an answer is text: addresses by number, nothing that a terminal obeys."""

from agent.briefing.document import parse
from agent.briefing.renderings import text
from agent.events import Evidence

PULL = Evidence("gh-00000001", "github", "Fix", "https://github.example/1")
ASK = Evidence("sl-00000002", "slack", "Ask", "https://slack.example/2")
EVIDENCE = {item.id: item for item in (PULL, ASK)}


def test_an_answer_as_text() -> None:
    answer = (
        "Hello.\n\n## Needs you\n\n- [Fix](evidence:gh-00000001) **waits**\n  - for [Ask](evidence:sl-00000002)\n"
        "- [Fix](evidence:gh-00000001) again\n\n> said\n\n```\nx = 1\n```\n\n**Coverage:** GitHub 1 item"
    )
    assert text.render(parse(answer, evidence=EVIDENCE)).split("\n") == [
        "Hello.",
        "",
        "NEEDS YOU",
        "- Fix [1] waits",
        "  - for Ask [2]",
        "- Fix [1] again",
        "> said",
        "    x = 1",
        "",
        "Coverage: GitHub 1 item",
        "",
        "[1] https://github.example/1",
        "[2] https://slack.example/2",
    ]


def test_no_escape_sequence_reaches_the_terminal() -> None:
    written = text.render(parse("a \x1b[2J \x1b]8;;https://evil.example\x07b\x9b", evidence={}))
    assert not set(written) & {"\x1b", "\x07", "\x9b"}
    assert "evil" not in written
