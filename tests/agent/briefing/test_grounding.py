"""What names no item is marked and counted; what can name none is left in peace."""

import pytest

from agent.briefing.grounding import Grounding
from agent.events import Evidence
from agent.markdown import RenderedBlock, render

PULL = Evidence("gh-00000001", "github", "Fix upload", "https://github.com/tidewater/harbor/pull/412")
CITED = f"[Fix upload](evidence:{PULL.id})"
REFUSAL = "Slack is not connected. Connect it in Settings to include Slack data in briefings."


def ground(text: str, *, said: tuple[str, ...] = ()) -> RenderedBlock:
    return render(text, evidence={PULL.id: PULL}, grounding=Grounding(said=said))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (f"You merged {CITED}.", 0),
        ("You merged the upload fix.", 1),
        ("All clear.", 1),
        (f"You merged {CITED}. It took all day. Everybody was glad.", 2),
        (f"- {CITED}: checks fail. Next: fix them.", 0),
        (f"- {CITED}\n- Also ship the release", 1),
        (f"- {CITED}\n  - checks fail since Friday", 0),
        (f"- Reviews\n  - {CITED}", 0),
        (f"- Reviews\n  - {CITED}\n  - another that nobody knows", 1),
        ("- two paragraphs\n\n  of one item", 1),
        (f"| what | state |\n|---|---|\n| {CITED} | open |\n| x | merged |", 1),
        ("> Somebody decided this.", 1),
        (f"See e.g. {CITED}.", 0),
        ("Released v1.2.3 of the client", 1),
        ("The evidence is [made up](evidence:gh-ffffffff).", 1),
    ],
)
def test_each_statement_without_an_item_counts_once(text: str, count: int) -> None:
    block = ground(text)
    assert block.ungrounded == count
    assert ('class="ungrounded"' in block.html) is bool(count)


@pytest.mark.parametrize(
    "text",
    [
        "Nothing was found.",
        "No reviews wait for you.",
        "There are no meetings today.",
        "What would you like to know?",
        "Today you have:",
        "## A heading says nothing of its own",
        "Slack was not read: you revoked it.",
        "GitHub could not be reached.",
        "```\ncode\n```",
        "---",
    ],
)
def test_what_can_name_no_item_is_not_marked(text: str) -> None:
    block = ground(text)
    assert block.ungrounded == 0
    assert "span" not in block.html


def test_a_sentence_that_a_tool_call_ended_with_is_ours() -> None:
    assert ground("Connect it in Settings to include Slack data in briefings.").ungrounded == 1
    assert ground(REFUSAL, said=(REFUSAL,)).ungrounded == 0
    assert ground(f"{REFUSAL} All else is well.", said=(REFUSAL,)).ungrounded == 1


def test_a_section_about_the_reading_needs_no_item_and_the_next_one_does() -> None:
    grounding = Grounding()
    counts = [
        render(text, evidence={}, grounding=grounding).ungrounded
        for text in ("## Not read", "- the rest of a long list", "## Today", "- a meeting")
    ]
    assert counts == [0, 0, 0, 1]


def test_the_mark_is_words_and_neighbours_share_one() -> None:
    html = ground(f"One thing. Another thing. {CITED} is open.").html
    assert html.count('<span class="no-source">no source</span>') == 1
    assert html.startswith('<p><span class="ungrounded">One thing. Another thing. </span>')


def test_a_model_cannot_write_the_mark_itself() -> None:
    html = ground('<span class="no-source">x</span> and <span class="sr-only">hidden</span>').html
    assert "&lt;span" in html
    assert html.count('<span class="') == 2
