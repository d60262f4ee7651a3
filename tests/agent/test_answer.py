"""An answer grows in blocks: each is closed once, the open one is shown at a bounded pace, nothing is lost."""

import time

from agent.answer import Answer
from agent.events import BlockFinal, BlockTail, Evidence

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


def test_the_open_block_is_shown_at_most_twenty_times_a_second() -> None:
    now = 0.0
    answer = Answer(evidence={}, clock=lambda: now)
    tails = 0
    for _ in range(1000):
        now += 0.001
        tails += sum(isinstance(block, BlockTail) for block in answer.feed("word "))
    assert tails == 20


def test_the_first_piece_is_shown_at_once() -> None:
    answer = Answer(evidence={}, clock=lambda: 0.0)
    assert list(answer.feed("Hello")) == [BlockTail(block=0, html="<p>Hello</p>\n")]


def test_invented_citations_are_counted_once() -> None:
    answer = Answer(evidence={}, clock=lambda: 0.0)
    feed(answer, "[a](evidence:gh-ffffffff) and [b](evidence:gh-eeeeeeee)\n\nend", size=4)
    assert answer.unknown_citations == 2


def test_evidence_that_arrives_later_counts() -> None:
    evidence: dict[str, Evidence] = {}
    answer = Answer(evidence=evidence)
    evidence[PULL.id] = PULL
    feed(answer, TEXT, size=5)
    assert answer.cited == {PULL.id: PULL}


def test_a_long_list_leaves_the_process_time_for_others() -> None:
    """Reading an open block anew at each piece costs the square of its length, and all runs share one thread."""
    answer = Answer(evidence={})
    started = time.perf_counter()
    feed(answer, "- an item of a list that goes on and on\n" * 600, size=20)
    assert time.perf_counter() - started < 4
    assert answer.text.count("\n") == 599
