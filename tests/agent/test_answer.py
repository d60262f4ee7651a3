"""An answer grows in blocks: each is closed once, the open one is shown at a bounded pace, nothing is lost."""

import time
from itertools import pairwise

import pytest

from agent.answer import Answer
from agent.events import BlockFinal, BlockTail, Evidence, GroundingCounts

PULL = Evidence("gh-00000001", "github", "Fix upload", "https://github.com/tidewater/harbor/pull/412")
TEXT = "## Needs you\n\n- [Fix upload](evidence:gh-00000001) waits\n- another\n\nAll **good** otherwise.\n"


def feed(answer: Answer, text: str, *, size: int) -> list[BlockTail | BlockFinal]:
    shown = [block for start in range(0, len(text), size) for block in answer.feed(text[start : start + size])]
    return [*shown, *answer.finish()]


def test_each_block_is_closed_once_and_in_order() -> None:
    answer = Answer(evidence={PULL.id: PULL})
    finals = [block for block in feed(answer, TEXT, size=3) if isinstance(block, BlockFinal)]
    assert [block.block for block in finals] == [0, 1, 2]
    assert finals[1].evidence == (PULL,)
    assert answer.text == TEXT.replace("evidence:gh-00000001", PULL.url).strip()


def test_the_size_of_the_pieces_makes_no_difference() -> None:
    def finals(size: int) -> list[BlockTail | BlockFinal]:
        answer = Answer(evidence={PULL.id: PULL})
        return [block for block in feed(answer, TEXT, size=size) if isinstance(block, BlockFinal)]

    assert finals(1) == finals(7) == finals(len(TEXT))


def test_the_open_block_is_shown_less_often_the_longer_the_answer_grows() -> None:
    now = 0.0
    answer = Answer(evidence={}, clock=lambda: now)
    shown_at = []
    for _ in range(4000):
        now += 0.001
        shown_at += [now for block in answer.feed("word ") if isinstance(block, BlockTail)]
    pauses = [later - earlier for earlier, later in pairwise(shown_at)]
    assert pauses[0] == pytest.approx(0.055, abs=0.002)
    assert pauses[-1] == pytest.approx(0.12, abs=0.002)
    assert pauses == sorted(pauses, key=lambda pause: round(pause, 3))


def test_a_look_that_closes_a_block_shows_nothing_else() -> None:
    now = 0.0
    answer = Answer(evidence={}, clock=lambda: now)
    list(answer.feed("One."))
    now += 1
    assert [(type(shown), shown.block) for shown in answer.feed("\n\nTwo")] == [(BlockFinal, 0)]
    now += 1
    assert list(answer.feed(" and more.")) == [BlockTail(block=1, html="<p>Two and more.</p>\n")]


def test_the_first_piece_is_shown_at_once() -> None:
    answer = Answer(evidence={}, clock=lambda: 0.0)
    assert list(answer.feed("Hello")) == [BlockTail(block=0, html="<p>Hello</p>\n")]


def test_invented_citations_are_counted_once() -> None:
    answer = Answer(evidence={}, clock=lambda: 0.0)
    feed(answer, "[a](evidence:gh-ffffffff) and [b](evidence:gh-eeeeeeee)\n\nend", size=4)
    assert answer.grounding.unknown == 2


def test_evidence_that_arrives_later_counts() -> None:
    evidence: dict[str, Evidence] = {}
    answer = Answer(evidence=evidence)
    evidence[PULL.id] = PULL
    feed(answer, TEXT, size=5)
    assert answer.grounding.cited == 1


def test_a_long_list_leaves_the_process_time_for_others() -> None:
    """Reading an open block anew at each piece costs the square of its length, and all runs share one thread."""
    answer = Answer(evidence={})
    started = time.perf_counter()
    feed(answer, "- an item of a list that goes on and on\n" * 600, size=20)
    assert time.perf_counter() - started < 4
    assert answer.text.count("\n") == 599


@pytest.mark.parametrize(
    "claim",
    [
        "**Coverage:** GitHub 99 items, Slack read, all clear.",
        "**Coverage**: all clear",
        "**Window:** 99 days, all clear.",
        "Coverage: GitHub and Slack were read.",
        "**Coverage:** GitHub 99 items,\nSlack read",
        "## Coverage\n\nGitHub 99 items.\n\n- Slack all clear",
        "### **Coverage:**\n\n| GitHub | 99 |\n|---|---|\n| Slack | clear |",
    ],
)
def test_what_was_read_is_not_the_models_to_say(claim: str) -> None:
    """A model that was talked into it must not say "all clear" over a source that was not read."""
    answer = Answer(evidence={PULL.id: PULL}, clock=iter(range(10_000)).__next__)
    shown = feed(answer, f"- [Fix upload](evidence:gh-00000001)\n\n{claim}\n\n## Today\n\nNothing.\n", size=1)
    seen = " ".join(block.html for block in shown) + answer.text
    assert "99" not in seen
    assert "lear" not in seen
    assert "Slack" not in seen
    finals = [block.html for block in shown if isinstance(block, BlockFinal)]
    assert finals[1:] == ["<h2>Today</h2>\n", "<p>Nothing.</p>\n"]


def test_a_claim_about_the_reading_right_below_a_list_is_dropped_as_well() -> None:
    answer = Answer(evidence={PULL.id: PULL})
    feed(answer, "- [Fix upload](evidence:gh-00000001)\n**Coverage:** GitHub 99 items", size=7)
    assert answer.text == f"- [Fix upload]({PULL.url})"


@pytest.mark.parametrize("text", ["- Coverage: tests reach 91%", "Test coverage: 91%", "## Coverage of tests\n\nGrew."])
def test_the_coverage_of_tests_is_work(text: str) -> None:
    answer = Answer(evidence={})
    feed(answer, text, size=5)
    assert answer.text == text


def test_statements_without_an_item_are_counted_per_block_and_for_the_answer() -> None:
    answer = Answer(evidence={PULL.id: PULL})
    text = "You merged it. All is well.\n\n- [Fix upload](evidence:gh-00000001)\n- more\n"
    finals = [block for block in feed(answer, text, size=9) if isinstance(block, BlockFinal)]
    assert [block.ungrounded for block in finals] == [2, 1]
    assert answer.grounding == GroundingCounts(cited=1, unknown=0, ungrounded=3)


def test_an_answer_that_begins_anew_forgets_what_it_said() -> None:
    answer = Answer(evidence={PULL.id: PULL})
    feed(answer, "## Not read\n\n- half of [it](evidence:gh-ffffffff)", size=9)
    answer.restart()
    assert [block.block for block in feed(answer, "Another.", size=9) if isinstance(block, BlockFinal)] == [0]
    assert (answer.text, answer.grounding) == ("Another.", GroundingCounts(ungrounded=1))
