"""The Merkle tree of RFC 9162, against the vectors of Certificate Transparency's reference implementation."""

from collections.abc import Sequence

import pytest

from audit import tree
from audit.errors import BrokenProofError
from audit.tree import EMPTY_ROOT, LEVEL_STEP, Frontier
from tests.audit.proof_checks import require_consistency, require_inclusion

# Leaves and roots of google/certificate-transparency's merkle_tree_test.cc, which RFC 6962 and RFC 9162 hash alike.
DATA = [
    bytes.fromhex(data)
    for data in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    bytes.fromhex(root)
    for root in (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
# Its proofs: (leaf, size, path) and (old size, new size, path), counted from 0.
INCLUSION = [
    (0, 8, [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]),
    (5, 8, [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]),
]  # fmt: skip
CONSISTENCY = (6, 8, [
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
])  # fmt: skip
SIZES = [1, 2, 3, 7, 8, 255, 256, 257, 511, 700]


class Stored:
    """A tree of `size` leaves as the database keeps it."""

    def __init__(self, size: int, *, data: Sequence[bytes] = ()) -> None:
        self.leaves = [tree.hash_leaf(data[number] if data else b"%d" % number) for number in range(size)]
        self.frontier = Frontier()
        self.hashes = {(0, number): leaf for number, leaf in enumerate(self.leaves)}
        for leaf in self.leaves:
            for node in self.frontier.append(leaf):
                self.hashes[node.level, node.position] = node.hash

    def read(self, level: int, start: int, stop: int) -> list[bytes]:
        assert level % LEVEL_STEP == 0
        assert start // 256 == (stop - 1) // 256
        return [self.hashes[level, number] for number in range(start, stop) if (level, number) in self.hashes]


def slow_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, word for word."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else EMPTY_ROOT
    split = max(2**power for power in range(20) if 2**power < len(leaves))
    return tree.hash_children(slow_root(leaves[:split]), slow_root(leaves[split:]))


def test_the_known_roots() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    frontier = Frontier()
    for data, root in zip(DATA, ROOTS, strict=True):
        frontier.append(tree.hash_leaf(data))
        assert frontier.root() == root


@pytest.mark.parametrize(("position", "size", "path"), INCLUSION)
def test_the_known_inclusion_proofs(position: int, size: int, path: list[str]) -> None:
    stored = Stored(size, data=DATA)
    proof = tree.prove_inclusion(position, size=size, read=stored.read)
    assert [node.hex() for node in proof] == path
    require_inclusion(stored.leaves[position], position=position, size=size, root=ROOTS[size - 1], proof=proof)


def test_the_known_consistency_proof() -> None:
    first, size, path = CONSISTENCY
    proof = tree.prove_consistency(first, size=size, read=Stored(size, data=DATA).read)
    assert [node.hex() for node in proof] == path
    require_consistency(first, ROOTS[first - 1], size=size, root=ROOTS[size - 1], proof=proof)


@pytest.mark.parametrize("size", SIZES)
def test_roots_are_those_of_the_definition_however_they_are_made(size: int) -> None:
    stored = Stored(size)
    expected = slow_root(stored.leaves)
    assert stored.frontier.root() == expected
    assert tree.root_of(size, read=stored.read) == expected
    assert Frontier.load(size, read=stored.read).root() == expected


def test_a_frontier_that_was_loaded_grows_as_the_one_that_was_not() -> None:
    stored = Stored(700)
    loaded, half = Frontier.load(300, read=stored.read), Stored(300)
    for leaf in stored.leaves[300:]:
        assert loaded.append(leaf) == half.frontier.append(leaf)
    assert loaded.root() == stored.frontier.root()


@pytest.mark.parametrize("size", SIZES)
def test_every_leaf_is_proven_at_its_place_and_at_no_other(size: int) -> None:
    stored = Stored(size)
    root = stored.frontier.root()
    for position, leaf in enumerate(stored.leaves):
        proof = tree.prove_inclusion(position, size=size, read=stored.read)
        require_inclusion(leaf, position=position, size=size, root=root, proof=proof)
        with pytest.raises(BrokenProofError):
            require_inclusion(leaf, position=(position + 1) % (size + 1), size=size, root=root, proof=proof)
        with pytest.raises(BrokenProofError):
            require_inclusion(leaf, position=position, size=size, root=root, proof=[*proof, root])
        for number in range(len(proof)):
            changed = [*proof[:number], tree.hash_leaf(proof[number]), *proof[number + 1 :]]
            with pytest.raises(BrokenProofError):
                require_inclusion(leaf, position=position, size=size, root=root, proof=changed)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 64, 65])
def test_every_older_tree_is_proven_to_be_the_beginning_and_no_other_is(size: int) -> None:
    stored = Stored(size)
    root = stored.frontier.root()
    for first in range(size + 1):
        old = slow_root(stored.leaves[:first])
        proof = tree.prove_consistency(first, size=size, read=stored.read)
        require_consistency(first, old, size=size, root=root, proof=proof)
        with pytest.raises(BrokenProofError):
            require_consistency(first, tree.hash_leaf(old), size=size, root=root, proof=proof)
        with pytest.raises(BrokenProofError):
            require_consistency(first, old, size=size, root=root, proof=[*proof, root])
        if proof:
            with pytest.raises(BrokenProofError):
                require_consistency(first, old, size=size, root=root, proof=proof[:-1])


def test_a_size_that_cannot_be_is_refused() -> None:
    for first, size in ((9, 8), (-1, 8)):
        with pytest.raises(BrokenProofError):
            require_consistency(first, ROOTS[7], size=size, root=ROOTS[7], proof=[ROOTS[7]])


def test_a_tree_that_lacks_a_hash_gives_no_proof() -> None:
    stored = Stored(600)
    del stored.hashes[8, 1]
    with pytest.raises(BrokenProofError):
        tree.root_of(600, read=stored.read)
