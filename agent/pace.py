"""How fast the frames of one socket may come: a token bucket, which knows no frame and no socket."""

from collections.abc import Callable


class Bucket:
    """Holds `size` tokens at most, and gets `per_second` back; each frame costs one.

    Args:
        size: How many may be taken at once.
        per_second: How many come back in a second.
        clock: Tells seconds, from any beginning.
    """

    def __init__(self, *, size: int, per_second: float, clock: Callable[[], float]) -> None:
        self._size, self._per_second, self._clock = size, per_second, clock
        self._left, self._looked_at = float(size), clock()

    def take(self) -> float:
        """Take one, and return how many are left; below 0 is how many were taken that were not there."""
        now = self._clock()
        self._left = min(self._size, self._left + (now - self._looked_at) * self._per_second) - 1
        self._looked_at = now
        return self._left
