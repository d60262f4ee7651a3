"""No altered record opens: every bit, every byte, pairs of bytes, cuts, extensions and mixtures of two records."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from random import Random

import pytest

from tests.faults.conftest import size
from vault import sealing
from vault.errors import SealBrokenError
from vault.keyring import Keyring
from vault.keys import environment, local
from vault.keys.base import Purpose
from vault.sealing import Binding

# As GitHub's, Google's and Slack's tokens and a pair of them are long; and the shortest there can be.
_LENGTHS = (0, 1, 40, 76, 218, 300)
_PLACE = Binding(
    installation="inst", user="user:1", connection="con_1", provider="github", field="access", generation=3
)
_MUTATIONS = size(60_000, 2_900_000)


@pytest.fixture(scope="module")
def keys() -> Keyring:
    """Two keys, so that a changed version may name another key that is there."""
    return Keyring(environment.load(f"{local.new_entry(1)},{local.new_entry(2)}"))


@pytest.fixture(scope="module")
def records(keys: Keyring) -> list[bytes]:
    """Records of several lengths, sealed in one place."""
    return [sealing.seal("x" * length, binding=_PLACE, keyring=keys) for length in _LENGTHS]


def flipped_bits(record: bytes) -> Iterator[bytes]:
    """Change one bit at each position."""
    for position in range(8 * len(record)):
        mutated = bytearray(record)
        mutated[position // 8] ^= 1 << position % 8
        yield bytes(mutated)


def other_lengths(record: bytes) -> Iterator[bytes]:
    """Cut at each position, take each first part away, and lengthen."""
    for position in range(len(record)):
        yield record[:position]
        yield record[position + 1 :]
        yield record[:position] + record[position + 1 :]
        yield record[:position] + b"\0" + record[position:]
    yield from (record + tail for tail in (b"\0", b"\0" * 16, record))


def other_bytes(record: bytes) -> Iterator[bytes]:
    """Put each other byte at each position."""
    for position in range(len(record)):
        for value in range(256):
            if value != record[position]:
                yield record[:position] + bytes([value]) + record[position + 1 :]


def mixtures(one: bytes, other: bytes) -> Iterator[bytes]:
    """Join the beginning of one record and the end of the other, at each position."""
    for position in range(1, min(len(one), len(other))):
        yield one[:position] + other[position:]


def other_pairs(records: list[bytes], *, random: Random) -> Iterator[bytes]:
    """Change two bytes of some record to random others, for ever."""
    while True:
        record = random.choice(records)
        first, second = random.sample(range(len(record)), 2)
        mutated = bytearray(record)
        mutated[first] ^= random.randrange(1, 256)
        mutated[second] ^= random.randrange(1, 256)
        yield bytes(mutated)


def is_refused(record: bytes, *, keys: Keyring, binding: Binding = _PLACE) -> bool:
    """Tell whether the record is refused as it must be; any other error than that one ends the test."""
    try:
        sealing.unseal(record, binding=binding, keyring=keys)
    except SealBrokenError:
        return True
    return False


def test_no_altered_record_opens(keys: Keyring, records: list[bytes]) -> None:
    random = Random(8693)  # noqa: S311  (a proof that can be run again)
    again = [sealing.seal("y" * length, binding=_PLACE, keyring=keys) for length in _LENGTHS]
    originals = {*records, *again}
    assert [record for record in originals if is_refused(record, keys=keys)] == []
    whole = chain.from_iterable(
        (
            *map(flipped_bits, records),
            *map(other_lengths, records),
            *map(mixtures, records, again),
            *map(mixtures, again, records),
            *map(other_bytes, records[: size(1, len(records))]),
            other_pairs(records, random=random),
        )
    )
    refused = 0
    for mutated in whole:
        if mutated not in originals:
            assert is_refused(mutated, keys=keys), mutated.hex()
            refused += 1
        if refused == _MUTATIONS:
            break
    assert refused == _MUTATIONS


def test_no_record_opens_anywhere_else(keys: Keyring, records: list[bytes]) -> None:
    """Between users, providers, fields, connections and installations, under another purpose, or rolled back."""
    elsewhere = [
        {"installation": "inst2"},
        {"user": "user:2"},
        {"user": "user:11"},
        {"connection": "con_2"},
        {"provider": "slack"},
        {"field": "refresh"},
        {"field": "revocation", "purpose": Purpose.REVOCATION},
        {"purpose": Purpose.REVOCATION},
        *({"generation": generation} for generation in (0, 1, 2, 4, 33, -3)),
        {"user": "user:1con_1", "connection": ""},
        {"user": "", "connection": "user:1con_1"},
        {"provider": "githubaccess", "field": ""},
    ]
    for changes in elsewhere:
        for record in records:
            assert is_refused(record, keys=keys, binding=replace(_PLACE, **changes)), changes


@pytest.mark.parametrize("offset", range(5), ids=["D", "C", "V", "1", "algorithm"])
def test_no_other_schema_or_algorithm_is_understood(keys: Keyring, records: list[bytes], offset: int) -> None:
    """There is no older format to fall back to, and none without encryption."""
    for record in records:
        for value in set(range(256)) - {record[offset]}:
            assert is_refused(record[:offset] + bytes([value]) + record[offset + 1 :], keys=keys)


def test_no_other_key_version_is_understood(keys: Keyring, records: list[bytes]) -> None:
    random = Random(8693)  # noqa: S311
    others = {0, 1, 3, 258, 2**31, 2**32 - 1, *(random.randrange(2**32) for _ in range(size(1_000, 50_000)))} - {2}
    for version in others:
        record = random.choice(records)
        assert is_refused(record[:5] + version.to_bytes(4, "big") + record[9:], keys=keys)


def test_a_record_under_a_key_of_the_attacker_does_not_open(keys: Keyring) -> None:
    """With the right place and version, and even with the commitment of the real key."""
    record = sealing.seal("evil", binding=_PLACE, keyring=Keyring(environment.load(local.new_entry(2))))
    assert is_refused(record, keys=keys)
    real = sealing.seal("good", binding=_PLACE, keyring=keys)
    assert is_refused(record[:9] + real[9:25] + record[25:], keys=keys)
