"""What every key provider does, on each of them: keys in the environment and keys in a file."""

import os
from pathlib import Path

import pytest

from vault.errors import SealBrokenError
from vault.keys import environment, file, local
from vault.keys.base import COMMITMENT_BYTES, WRAPPED_BYTES, KeyProvider, Purpose, WrappedKey

DATA_KEY = bytes(range(32))
PLACE = b"place"


@pytest.fixture(params=["environment", "file"])
def provider(request: pytest.FixtureRequest, tmp_path: Path) -> KeyProvider:
    if request.param == "environment":
        return environment.load(f"{local.new_entry(1)},{local.new_entry(2)}")
    path = tmp_path / "vault.key"
    file.ensure(path)
    file.append(path)
    return file.load(str(path))


def wrap(provider: KeyProvider, *, version: int = 2) -> WrappedKey:
    return provider.wrap(DATA_KEY, version=version, purpose=Purpose.STORED, associated_data=PLACE)


def test_a_data_key_comes_back_from_each_version(provider: KeyProvider) -> None:
    assert provider.versions() == (1, 2)
    for version in provider.versions():
        wrapped = wrap(provider, version=version)
        assert (wrapped.version, len(wrapped.commitment), len(wrapped.wrapped)) == (
            version,
            COMMITMENT_BYTES,
            WRAPPED_BYTES,
        )
        assert DATA_KEY not in wrapped.wrapped
        assert provider.unwrap(wrapped, purpose=Purpose.STORED, associated_data=PLACE) == DATA_KEY


def test_the_same_data_key_is_never_wrapped_the_same_way(provider: KeyProvider) -> None:
    assert wrap(provider).wrapped != wrap(provider).wrapped


def test_a_commitment_belongs_to_one_key(provider: KeyProvider) -> None:
    assert wrap(provider).commitment == wrap(provider).commitment != wrap(provider, version=1).commitment


def test_another_place_purpose_version_commitment_or_content_is_refused(provider: KeyProvider) -> None:
    good = wrap(provider)
    altered = bytes([good.wrapped[0] ^ 1]) + good.wrapped[1:]
    others = [
        (good, Purpose.STORED, b"elsewhere"),
        (good, Purpose.REVOCATION, PLACE),
        (WrappedKey(1, good.commitment, good.wrapped), Purpose.STORED, PLACE),
        (WrappedKey(3, good.commitment, good.wrapped), Purpose.STORED, PLACE),
        (WrappedKey(2, os.urandom(COMMITMENT_BYTES), good.wrapped), Purpose.STORED, PLACE),
        (WrappedKey(2, good.commitment, altered), Purpose.STORED, PLACE),
    ]
    for key, purpose, place in others:
        with pytest.raises(SealBrokenError):
            provider.unwrap(key, purpose=purpose, associated_data=place)


def test_a_version_without_a_key_cannot_wrap(provider: KeyProvider) -> None:
    with pytest.raises(SealBrokenError):
        wrap(provider, version=3)


def test_the_fingerprint_seed_is_the_same_each_time(provider: KeyProvider) -> None:
    assert provider.fingerprint_seed() == provider.fingerprint_seed()
    assert len(provider.fingerprint_seed()) == 32
