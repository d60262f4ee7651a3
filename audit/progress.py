"""How far a command has come: a bar on a terminal, a line for each tenth elsewhere."""

from typing import TextIO

_BAR_WIDTH = 30


class Progress:
    """Shows on `out` how many of `total` things, called `what`, are done."""

    def __init__(self, out: TextIO, *, total: int, what: str) -> None:
        self._out, self._total, self._what = out, total, what
        self._is_terminal = out.isatty()
        self._shown_tenth = 0

    def show(self, done: int) -> None:
        """Say that `done` are done."""
        # Other processes may add to what is left while it runs.
        share = min(1.0, done / max(self._total, 1))
        if self._is_terminal:
            filled = round(_BAR_WIDTH * share)
            self._out.write(f"\r[{'#' * filled:<{_BAR_WIDTH}}] {done}/{max(done, self._total)}")
            self._out.flush()
        elif (tenth := int(10 * share)) > self._shown_tenth:
            self._shown_tenth = tenth
            self._out.write(f"{done} of {max(done, self._total)} {self._what}\n")

    def end(self) -> None:
        """Leave the bar's line."""
        if self._is_terminal and self._total:
            self._out.write("\n")
