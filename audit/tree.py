"""The Merkle tree of RFC 9162: hashes, roots and proofs. Pure: it knows no table and no key.

A tree of n leaves is never kept whole. Hashes of complete subtrees are stored at every eighth level (0, 8, 16, …), so
that a root or a proof reads at most 256 hashes per stored level, and a tree of millions has three of these.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from audit.errors import BrokenProofError

# RFC 9162 section 2.1.1: the root of no leaves is the hash of nothing.
EMPTY_ROOT = sha256().digest()
LEVEL_STEP = 8
HASH_BYTES = 32

# `read(level, start, stop)` returns the stored hashes of complete subtrees; start and stop lie in one block of 256.
Read = Callable[[int, int, int], Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class Node:
    """The hash of a complete subtree of 2**level leaves, the `position`th of its level."""

    level: int
    position: int
    hash: bytes


def hash_leaf(data: bytes) -> bytes:
    """Return the hash of a leaf. Source: RFC 9162 section 2.1.1."""
    return sha256(b"\x00" + data).digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node. Source: RFC 9162 section 2.1.1."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: what appending a leaf needs, and nothing more."""

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        """Begin with a tree of `size` leaves, whose largest complete subtrees hash to `peaks`, the largest first."""
        self.size = size
        self._peaks = list(peaks)

    @classmethod
    def load(cls, size: int, *, read: Read) -> "Frontier":
        """Return the frontier of a stored tree of `size` leaves."""
        levels = [level for level in reversed(range(size.bit_length())) if size >> level & 1]
        return cls(size, [_subtree(level, (size >> level) - 1, read=read) for level in levels])

    def append(self, leaf: bytes) -> list[Node]:
        """Add the hash of a leaf and return the nodes to be stored that it completes, itself not among them."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> list[Node]:
        """Add the hashes of leaves, as `append` does one after another."""
        completed, size, peaks = [], self.size, self._peaks
        # One loop without a call but the hash: a million leaves are verified in a few seconds.
        for leaf in leaves:
            current, position, level = leaf, size, 0
            while position & 1:
                current = sha256(b"\x01" + peaks.pop() + current).digest()
                position, level = position >> 1, level + 1
                if level % LEVEL_STEP == 0:
                    completed.append(Node(level, position, current))
            peaks.append(current)
            size += 1
        self.size = size
        return completed

    def copy(self) -> "Frontier":
        """Return another frontier of the same tree, which grows by itself."""
        return Frontier(self.size, self._peaks)

    def root(self) -> bytes:
        """Return the root of the tree as it is now. Source: RFC 9162 section 2.1.2."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = hash_children(peak, root)
        return root


def root_of(size: int, *, read: Read) -> bytes:
    """Return the root of the first `size` leaves of a stored tree."""
    return _root(0, size, read=read) if size else EMPTY_ROOT


def prove_inclusion(position: int, *, size: int, read: Read) -> list[bytes]:
    """Return the path from the leaf at `position` to the root of `size` leaves, its sibling first.

    Source: RFC 9162 section 2.1.3.1.
    """
    path: list[bytes] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if position < middle:
            path.append(_root(middle, stop, read=read))
            stop = middle
        else:
            path.append(_root(start, middle, read=read))
            start = middle
    return path[::-1]


def prove_consistency(first: int, *, size: int, read: Read) -> list[bytes]:
    """Return what shows that the tree of `size` leaves begins with that of `first`; empty if either says all.

    Source: RFC 9162 section 2.1.4.1.
    """
    if first in (0, size):
        return []
    path: list[bytes] = []
    start, stop, is_whole = 0, size, True
    while first != stop:
        middle = start + _split(stop - start)
        if first <= middle:
            path.append(_root(middle, stop, read=read))
            stop = middle
        else:
            path.append(_root(start, middle, read=read))
            start, is_whole = middle, False
    # The old root itself is known to who checks, unless it is only a part of the old tree.
    return (path if is_whole else [*path, _root(start, stop, read=read)])[::-1]


def _split(count: int) -> int:
    """Return the largest power of two below `count`, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def _root(start: int, stop: int, *, read: Read) -> bytes:
    count = stop - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return _subtree(level, start >> level, read=read)
    middle = start + _split(count)
    return hash_children(_root(start, middle, read=read), _root(middle, stop, read=read))


def _subtree(level: int, position: int, *, read: Read) -> bytes:
    """Return the hash of a complete subtree from the nearest stored level below it."""
    above = level % LEVEL_STEP
    hashes = list(read(level - above, position << above, (position + 1) << above))
    if len(hashes) != 1 << above:
        raise BrokenProofError
    while len(hashes) > 1:
        hashes = [hash_children(left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]
