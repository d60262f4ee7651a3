"""What checks the proofs of the audit's tree, by RFC 9162; in the product a browser does it."""

from collections.abc import Sequence

from audit.errors import BrokenProofError
from audit.tree import EMPTY_ROOT, hash_children


def require_inclusion(leaf: bytes, *, position: int, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """Check that a leaf with this hash is at `position` of the tree of `size` leaves with this root.

    Raises:
        BrokenProofError: The proof does not show it.

    Source: RFC 9162 section 2.1.3.2.
    """
    if not 0 <= position < size:
        raise BrokenProofError
    place, last, found = position, size - 1, leaf
    for sibling in proof:
        if not last:
            raise BrokenProofError
        if place & 1 or place == last:
            found = hash_children(sibling, found)
            place, last = _climb(place, last)
        else:
            found = hash_children(found, sibling)
        place, last = place >> 1, last >> 1
    if last or found != root:
        raise BrokenProofError


def require_consistency(first: int, first_root: bytes, *, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree of `size` leaves with `root` begins with the tree of `first` leaves with `first_root`.

    Raises:
        BrokenProofError: The proof does not show it.

    Source: RFC 9162 section 2.1.4.2.
    """
    if first in (0, size):
        is_same = not proof and first_root == (root if first else EMPTY_ROOT)
        if not is_same:
            raise BrokenProofError
        return
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    if not 0 < first < size or not path:
        raise BrokenProofError
    place, last = first - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    _require_both(path, place=place, last=last, roots=(first_root, root))


def _require_both(path: Sequence[bytes], *, place: int, last: int, roots: tuple[bytes, bytes]) -> None:
    old = new = path[0]
    for node in path[1:]:
        if not last:
            raise BrokenProofError
        if place & 1 or place == last:
            old, new = hash_children(node, old), hash_children(node, new)
            place, last = _climb(place, last)
        else:
            new = hash_children(new, node)
        place, last = place >> 1, last >> 1
    if last or (old, new) != roots:
        raise BrokenProofError


def _climb(place: int, last: int) -> tuple[int, int]:
    """Go up to where the node is a right child: below, it is the last of its level and has no sibling."""
    while place and not place & 1:
        place, last = place >> 1, last >> 1
    return place, last
