"""An answer as it grows: text in, rendered blocks out, at a pace that a page can follow.

What was read is never the text's to say: its own coverage line is dropped, and ours ends the answer.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping

from agent.briefing.grounding import Grounding
from agent.briefing.parsing import is_coverage_begun, is_coverage_heading, without_coverage
from agent.events import BlockFinal, BlockTail, Evidence, GroundingCounts
from agent.markdown import render, split_closed, without_unfinished_end

# Twenty updates a second look continuous. Each is an event that is sealed, stored and sent, so an answer that goes on
# comes in larger steps: from its fifteenth look on eight a second, which is still faster than anybody reads.
_FIRST_PAUSE_SECONDS = 0.05
_LONGER_PER_LOOK_SECONDS = 0.005
_LONGEST_PAUSE_SECONDS = 0.12
# A long open block is read anew at each look; between two looks all other runs of the process have four times that.
_PAUSE_PER_LOOK = 4


class Answer:
    """Collects one run's text; `evidence` and `said`, the sentences of tool calls, may grow while it does.

    `earlier` are ids of what only earlier runs have read; it may shrink.
    """

    def __init__(
        self,
        *,
        evidence: Mapping[str, Evidence],
        said: Collection[str] = (),
        earlier: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._evidence = evidence
        self._said = said
        self._earlier = earlier
        self._clock = clock
        self.restart()

    def restart(self) -> None:
        """Forget all text: what was shown so far is replaced by what comes."""
        self._grounding = Grounding(said=self._said)
        self._open = ""
        self._texts: list[str] = []
        self._looked_at = float("-inf")
        self._looks = 0
        self._pause_seconds = _FIRST_PAUSE_SECONDS
        self._unknown = self._ungrounded = 0
        self._cited: set[str] = set()
        self._is_dropping = False

    @property
    def text(self) -> str:
        """The finished blocks as Markdown, citations resolved to addresses."""
        return "".join(self._texts).strip()

    @property
    def grounding(self) -> GroundingCounts:
        """How the answer's statements are backed so far."""
        earlier = len(self._cited.intersection(self._earlier))
        return GroundingCounts(len(self._cited), self._unknown, self._ungrounded, earlier)

    def feed(self, delta: str) -> Iterator[BlockTail | BlockFinal]:
        """Take the next piece of text; if a look is due, yield the blocks that are closed, else the open one."""
        self._open += delta
        started = self._clock()
        if started - self._looked_at < self._pause_seconds or not self._open.strip():
            return
        closed = list(self._close_blocks())
        yield from closed
        # What closed is news enough for one look; the next one shows what has begun behind it.
        if not (closed or self._is_dropping or is_coverage_begun(self._open)):
            shown = render(without_unfinished_end(without_coverage(self._open)), evidence=self._evidence)
            yield BlockTail(block=len(self._texts), html=shown.html)
        self._looked_at = self._clock()
        self._looks += 1
        pause_seconds = min(_FIRST_PAUSE_SECONDS + self._looks * _LONGER_PER_LOOK_SECONDS, _LONGEST_PAUSE_SECONDS)
        self._pause_seconds = max(pause_seconds, _PAUSE_PER_LOOK * (self._looked_at - started))

    def finish(self) -> Iterator[BlockFinal]:
        """Close what is open, if anything is: the text of this turn has ended."""
        yield from self._close_blocks()
        if self._open.strip():
            yield from self._close(f"{self._open}\n\n")
        self._open = ""

    def _close_blocks(self) -> Iterator[BlockFinal]:
        closed, self._open = split_closed(self._open)
        for block in closed:
            yield from self._close(block)

    def _close(self, text: str) -> Iterator[BlockFinal]:
        kept = without_coverage(text)
        if kept.lstrip().startswith("#"):
            self._is_dropping = is_coverage_heading(kept.strip())
        if self._is_dropping or not kept.strip():
            return
        block = render(kept, evidence=self._evidence, grounding=self._grounding)
        self._texts.append(block.text)
        self._unknown += block.unknown_citations
        self._ungrounded += block.ungrounded
        self._cited |= {item.id for item in block.evidence}
        yield BlockFinal(
            block=len(self._texts) - 1, html=block.html, evidence=block.evidence, ungrounded=block.ungrounded
        )
