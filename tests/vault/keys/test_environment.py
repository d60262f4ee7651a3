"""`VAULT_KEYS` is understood as a whole or refused with one sentence that repeats nothing of it."""

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured

from vault.keys import environment, local

ONE, TWO = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))


def test_versions_rise_whatever_their_order() -> None:
    assert environment.load(f"2:{TWO}, 1:{ONE}").versions() == (1, 2)


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
        f"1:{ONE},2:{ONE}",
        f"1:{ONE[:-4]}",
        "1:AAAA",
        "1:",
        "1:not base64!",
    ],
)
def test_malformed_keys_are_refused_without_repeating_them(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="VAULT_KEYS must be") as raised:
        environment.load(text)
    assert ONE not in str(raised.value)


def test_no_key_is_in_a_repr() -> None:
    keys = environment.load(f"1:{ONE}")
    secrets = [base64.b64decode(ONE), *keys._keys[1].wrapping.values(), keys.fingerprint_seed()]
    assert [secret for secret in secrets if repr(secret) in repr(keys) + repr(keys._keys)] == []


def test_derived_keys_are_not_the_configured_key_and_all_differ() -> None:
    keys = environment.load(f"1:{ONE}")
    key = keys._keys[1]
    derived = [*key.wrapping.values(), keys.fingerprint_seed(), key.commitment, base64.b64decode(ONE)]
    assert len({secret[:16] for secret in derived}) == len(derived) == 5


def test_a_new_key_is_random_and_of_its_version() -> None:
    made = {local.new_entry(7) for _ in range(32)}
    assert len(made) == 32
    assert all(environment.load(entry).versions() == (7,) for entry in made)
