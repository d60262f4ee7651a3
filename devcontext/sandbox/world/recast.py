"""Gives a part in the invented story to somebody else: the same meetings and messages, with another person in them."""

from dataclasses import fields, is_dataclass, replace
from typing import TypeVar

from devcontext.sandbox.types import Person

Value = TypeVar("Value")


def recast(value: Value, *, old: Person, new: Person) -> Value:
    """Return `value` with `new` wherever it holds `old`, and the first name changed in its texts."""
    return _recast(value, old, new)  # type: ignore[return-value]  # every branch keeps the type it is given


def _recast(value: object, old: Person, new: Person) -> object:
    if value == old:
        return new
    if isinstance(value, str):
        return value.replace(old.name.split()[0], new.name.split()[0])
    if isinstance(value, tuple):
        return tuple(_recast(item, old, new) for item in value)
    if is_dataclass(value) and not isinstance(value, type | Person):
        return replace(value, **{one.name: _recast(getattr(value, one.name), old, new) for one in fields(value)})
    return value
