"""A document holds what an answer says and cites, without markup, hidden characters or addresses of strangers."""

import pytest

from agent.briefing.document import Document, Line, Section, Span, parse
from agent.events import Evidence

PULL = Evidence("gh-00000001", "github", "Fix upload", "https://github.com/tidewater/harbor/pull/412")
ODD = Evidence("sl-00000002", "slack", "A (b)", "https://tidewater.slack.com/archives/C1/p1?x=(1)")
EVIDENCE = {item.id: item for item in (PULL, ODD)}


def test_sections_lines_and_citations_are_told_apart() -> None:
    text = f"Hello.\n\n## Needs you\n\n- **Now:** [Fix upload](evidence:{PULL.id}) waits\n  - since Friday\n\n> said\n"
    assert parse(text, evidence=EVIDENCE) == Document(
        sections=(
            Section("", (Line((Span("Hello.", is_grounded=False),)),)),
            Section(
                "Needs you",
                (
                    Line((Span("Now:", is_strong=True), Span(" "), Span("Fix upload", PULL), Span(" waits")), "item"),
                    Line((Span("since Friday"),), "item", depth=1),
                    Line((Span("said", is_grounded=False),), "quote"),
                ),
            ),
        )
    )


@pytest.mark.parametrize("item", EVIDENCE.values())
def test_an_answer_that_was_resolved_before_keeps_its_citations(item: Evidence) -> None:
    address = f"<{item.url}>" if "(" in item.url else item.url
    (section,) = parse(f"- [it]({address}) waits", evidence=EVIDENCE).sections
    assert section.lines[0].spans[0] == Span("it", item)


def test_the_coverage_of_tests_is_a_line() -> None:
    document = parse("**Coverage:** GitHub 3 items\n\nCoverage: 91 % of the lines.", evidence={})
    assert document.coverage == "GitHub 3 items"
    assert document.sections[0].lines[0].text == "Coverage: 91 % of the lines."


def test_our_coverage_is_no_line() -> None:
    document = parse("Nothing.\n\n**Coverage:** GitHub 3 items · Slack revoked, not read", evidence={})
    assert document.coverage == "GitHub 3 items · Slack revoked, not read"
    assert [line.text for line in document.sections[0].lines] == ["Nothing."]


def test_rows_and_code_are_lines() -> None:
    document = parse("| a | b |\n|---|---|\n| 1 | 2 |\n\n```\nx = 1\n```", evidence={})
    assert [(line.kind, line.text) for line in document.sections[0].lines] == [
        ("row", "a | b"),
        ("row", "1 | 2"),
        ("code", "x = 1"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "see https://evil.example/?q=secret now",
        "see http://evil.example now",
        "see www.evil.example/x now",
        "see evil.example/steal?d=1 now",
        "see evil.example:8443/#data now",
        "see slack://evil.example now",
        "see _https://evil.example/secret now",
        "see 1https://evil.example/secret now",
        "see evil.com/secret now",
        "see evil.com?q=secret now",
        "see evil.example?q=secret now",
        "see _evil.com:8443/secret now",
        "see evil.example/?,evil.example/steal?d now",
        "see [words](https://evil.example/?q=1) now",
        "see ![words](https://evil.example/pixel.png) now",
        "see [words](<https://evil.example/(1)?q=1>) now",
        "see **https://evil.example/?a=1_2** now",
        "## see https://evil.example/?q=secret now",
        "```\nsee https://evil.example/?q=secret now\n```",
    ],
)
def test_an_address_that_no_tool_returned_is_left_out(text: str) -> None:
    """Pasted into a chat that unfurls links, an address with data in it would be called by the chat."""
    document = parse(text, evidence=EVIDENCE)
    written = " ".join(section.title + "".join(line.text for line in section.lines) for section in document.sections)
    assert "evil" not in written
    assert written.startswith("see ")
    assert written.endswith(" now")


@pytest.mark.parametrize(
    "path",
    ["agent/run.py", "v1.2/notes", "and/or", "tidewater/harbor#412", "9:30", "next.js#12", "run.py?", "Yes.", "x.com?"],
)
def test_what_only_looks_like_an_address_stays(path: str) -> None:
    assert parse(f"see {path} now", evidence={}).sections[0].lines[0].text == f"see {path} now"


def test_hidden_characters_are_left_out() -> None:
    hidden = "a\u202eb\u200bc\U000e0041d"
    assert parse(f"# {hidden}\n\n{hidden}", evidence={}) == Document(
        sections=(Section("abcd", (Line((Span("abcd", is_grounded=False),)),)),)
    )
