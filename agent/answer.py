"""An answer as it grows: model text in, rendered blocks out, at a pace that a page can follow."""

import time
from collections.abc import Callable, Iterator, Mapping

from agent.events import BlockFinal, BlockTail, Evidence
from agent.markdown import render, split_closed, without_unfinished_end

# Twenty updates a second look continuous and keep the log of a long answer small.
_TAIL_INTERVAL_SECONDS = 0.05
# A long open block is read anew at each look; between two looks all other runs of the process have four times that.
_PAUSE_PER_LOOK = 4


class Answer:
    """Collects one run's text; `evidence` may grow while it does."""

    def __init__(self, *, evidence: Mapping[str, Evidence], clock: Callable[[], float] = time.monotonic) -> None:
        self._evidence = evidence
        self._clock = clock
        self._open = ""
        self._texts: list[str] = []
        self._looked_at = float("-inf")
        self._pause_seconds = _TAIL_INTERVAL_SECONDS
        self.unknown_citations = 0
        self.cited: dict[str, Evidence] = {}

    @property
    def text(self) -> str:
        """The finished blocks as Markdown, citations resolved to addresses."""
        return "".join(self._texts).strip()

    def feed(self, delta: str) -> Iterator[BlockTail | BlockFinal]:
        """Take the next piece of text; if a look is due, yield the blocks that are closed and then the open one."""
        self._open += delta
        started = self._clock()
        if started - self._looked_at < self._pause_seconds or not self._open.strip():
            return
        yield from self._close_blocks()
        shown = render(without_unfinished_end(self._open), evidence=self._evidence)
        yield BlockTail(block=len(self._texts), html=shown.html)
        self._looked_at = self._clock()
        self._pause_seconds = max(_TAIL_INTERVAL_SECONDS, _PAUSE_PER_LOOK * (self._looked_at - started))

    def finish(self) -> Iterator[BlockFinal]:
        """Close what is open, if anything is: the text of this turn of the model has ended."""
        yield from self._close_blocks()
        if self._open.strip():
            yield self._close(self._open + "\n\n")
        self._open = ""

    def _close_blocks(self) -> Iterator[BlockFinal]:
        closed, self._open = split_closed(self._open)
        for block in closed:
            yield self._close(block)

    def _close(self, text: str) -> BlockFinal:
        block = render(text, evidence=self._evidence)
        self._texts.append(block.text)
        self.unknown_citations += block.unknown_citations
        self.cited |= {item.id: item for item in block.evidence}
        return BlockFinal(block=len(self._texts) - 1, html=block.html, evidence=block.evidence)
