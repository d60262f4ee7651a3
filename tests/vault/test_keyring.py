"""`VAULT_KEYS` is understood as a whole or refused with one sentence that repeats nothing of it."""

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured

from vault import keyring

ONE, TWO = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))


def test_the_newest_key_is_the_one_with_the_highest_version() -> None:
    assert keyring.parse(f"2:{TWO},1:{ONE}").newest.version == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        ONE,
        f"1:{ONE},",
        f"0:{ONE}",
        f"-1:{ONE}",
        f"x:{ONE}",
        f"\N{ARABIC-INDIC DIGIT ONE}:{ONE}",
        f"{2**32}:{ONE}",
        f"1:{ONE},1:{TWO}",
        f"1:{ONE[:-4]}",
        "1:AAAA",
        "1:",
        "1:not base64!",
    ],
)
def test_malformed_keys_are_refused_without_repeating_them(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="VAULT_KEYS must be") as raised:
        keyring.parse(text)
    assert ONE not in str(raised.value)


def test_no_key_is_in_a_repr() -> None:
    keys = keyring.parse(f"1:{ONE}")
    assert ONE not in repr(keys)
    assert repr(keys.newest.wrapping) not in repr(keys) + repr(keys.newest)


def test_a_fingerprint_is_keyed_and_outlives_a_new_key() -> None:
    old, both, other = keyring.parse(f"1:{ONE}"), keyring.parse(f"1:{ONE},2:{TWO}"), keyring.parse(f"1:{TWO}")
    assert old.fingerprint("token") == both.fingerprint("token") != other.fingerprint("token")
    assert old.fingerprint("token") != old.fingerprint("token2")


def test_derived_keys_are_not_the_configured_key() -> None:
    key = keyring.parse(f"1:{ONE}").newest
    assert len({key.wrapping, key.wrapping[:16], key.commitment, base64.b64decode(ONE)}) == 4
