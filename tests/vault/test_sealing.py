"""Sealed records open in their own place, whole, with their own key; everything else is refused."""

from dataclasses import fields, replace

import pytest

from vault import sealing
from vault.errors import SealBrokenError
from vault.keyring import Keyring
from vault.keys import environment, local
from vault.keys.base import Purpose
from vault.sealing import Binding

SECRET = "ghu_a-token-nobody-sees"
PLACE = Binding(installation="inst", user="user:1", connection="con_1", provider="github", field="access", generation=3)


def keyring(*entries: str, min_version: int = 1, pinned_version: int = 0) -> Keyring:
    """Return a keyring of these keys, written as in `VAULT_KEYS`."""
    return Keyring(environment.load(",".join(entries)), min_version, pinned_version)


@pytest.fixture
def keys() -> Keyring:
    return keyring(local.new_entry(1))


def test_a_record_opens_in_its_place(keys: Keyring) -> None:
    assert sealing.unseal(sealing.seal(SECRET, binding=PLACE, keyring=keys), binding=PLACE, keyring=keys) == SECRET


def test_a_record_shows_its_version_and_nothing_of_the_secret(keys: Keyring) -> None:
    record = sealing.seal(SECRET, binding=PLACE, keyring=keys)
    assert record.startswith(b"DCV1")
    assert SECRET.encode() not in record
    assert record != sealing.seal(SECRET, binding=PLACE, keyring=keys)


@pytest.mark.parametrize("name", [field.name for field in fields(Binding)])
def test_a_record_moved_to_another_place_does_not_open(keys: Keyring, name: str) -> None:
    """A row swapped with another user's, another provider's or an older generation's."""
    value = getattr(PLACE, name)
    others = {"generation": PLACE.generation - 1, "purpose": Purpose.REVOCATION}
    elsewhere = replace(PLACE, **{name: others.get(name, f"{value}x")})
    with pytest.raises(SealBrokenError):
        sealing.unseal(sealing.seal(SECRET, binding=PLACE, keyring=keys), binding=elsewhere, keyring=keys)


def test_a_place_cannot_be_spelled_in_two_ways(keys: Keyring) -> None:
    """Without lengths, `user:1` + `con_1` and `user:1con_` + `1` would be the same associated data."""
    elsewhere = replace(PLACE, user="user:1con_", connection="1")
    assert PLACE.user + PLACE.connection == elsewhere.user + elsewhere.connection
    with pytest.raises(SealBrokenError):
        sealing.unseal(sealing.seal(SECRET, binding=PLACE, keyring=keys), binding=elsewhere, keyring=keys)


def test_no_flipped_bit_is_accepted(keys: Keyring) -> None:
    record = sealing.seal(SECRET, binding=PLACE, keyring=keys)
    for position in range(8 * len(record)):
        flipped = bytearray(record)
        flipped[position // 8] ^= 1 << position % 8
        with pytest.raises(SealBrokenError):
            sealing.unseal(bytes(flipped), binding=PLACE, keyring=keys)


def test_no_shortened_or_lengthened_record_is_accepted(keys: Keyring) -> None:
    record = sealing.seal(SECRET, binding=PLACE, keyring=keys)
    for other in (*(record[:length] for length in range(len(record))), record + b"\x00"):
        with pytest.raises(SealBrokenError):
            sealing.unseal(other, binding=PLACE, keyring=keys)


def test_another_key_of_the_same_version_is_refused(keys: Keyring) -> None:
    record = sealing.seal(SECRET, binding=PLACE, keyring=keys)
    with pytest.raises(SealBrokenError):
        sealing.unseal(record, binding=PLACE, keyring=keyring(local.new_entry(1)))


def test_a_record_whose_key_is_gone_is_refused(keys: Keyring) -> None:
    record = sealing.seal(SECRET, binding=PLACE, keyring=keys)
    with pytest.raises(SealBrokenError):
        sealing.unseal(record, binding=PLACE, keyring=keyring(local.new_entry(2)))


def test_an_older_key_still_opens_what_it_sealed_and_the_newest_seals() -> None:
    first, second = local.new_entry(1), local.new_entry(2)
    old, both = keyring(first), keyring(first, second)
    assert sealing.unseal(sealing.seal(SECRET, binding=PLACE, keyring=old), binding=PLACE, keyring=both) == SECRET
    with pytest.raises(SealBrokenError):
        sealing.unseal(sealing.seal(SECRET, binding=PLACE, keyring=both), binding=PLACE, keyring=old)


def test_a_record_below_the_minimum_is_refused_although_its_key_is_there() -> None:
    """Whoever stole an old key and can write rows gets nothing opened that they sealed with it."""
    first, second = local.new_entry(1), local.new_entry(2)
    record = sealing.seal(SECRET, binding=PLACE, keyring=keyring(first))
    strict = keyring(first, second, min_version=2)
    with pytest.raises(SealBrokenError):
        sealing.unseal(record, binding=PLACE, keyring=strict)
    with pytest.raises(SealBrokenError):
        sealing.rewrap(record, binding=PLACE, keyring=strict)


def test_a_record_is_rewrapped_without_touching_its_body() -> None:
    first, second = local.new_entry(1), local.new_entry(2)
    record = sealing.seal(SECRET, binding=PLACE, keyring=keyring(first))
    rewrapped = sealing.rewrap(record, binding=PLACE, keyring=keyring(first, second))
    tail = 12 + len(SECRET) + 16
    assert rewrapped[-tail:] == record[-tail:]
    assert rewrapped[5:9] == (2).to_bytes(4, "big")
    assert sealing.unseal(rewrapped, binding=PLACE, keyring=keyring(second)) == SECRET


def test_a_record_that_does_not_belong_is_not_rewrapped() -> None:
    first, second = local.new_entry(1), local.new_entry(2)
    record = sealing.seal(SECRET, binding=PLACE, keyring=keyring(first))
    with pytest.raises(SealBrokenError):
        sealing.rewrap(record, binding=replace(PLACE, user="user:2"), keyring=keyring(first, second))


def test_the_version_of_a_record_lies_where_the_database_looks_for_it(keys: Keyring) -> None:
    offset, length = sealing.VERSION_SLICE
    record = sealing.seal(SECRET, binding=PLACE, keyring=keyring(local.new_entry(258)))
    assert record[offset : offset + length] == b"\x00\x00\x01\x02"


def test_parts_of_two_records_do_not_make_a_third(keys: Keyring) -> None:
    """The header of one secret before the body of another, both of the same place."""
    one, other = (sealing.seal(text, binding=PLACE, keyring=keys) for text in (SECRET, SECRET[::-1]))
    size = len(one) - len(SECRET) - 16
    with pytest.raises(SealBrokenError):
        sealing.unseal(one[:size] + other[size:], binding=PLACE, keyring=keys)
