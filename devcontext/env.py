"""Reads configuration from the environment; a value that is wrong stops the start with one sentence.

It never guesses: an unset name gives its default, anything else must parse.
"""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_BOOLEANS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def text(name: str, default: str = "") -> str:
    """Return the variable `name`, or `default` when it is unset or empty."""
    return os.environ.get(name, "").strip() or default


def boolean(name: str, *, default: bool) -> bool:
    """Return the variable `name` as a bool: 1/true/yes or 0/false/no.

    Raises:
        ImproperlyConfigured: The value is none of these.
    """
    value = text(name)
    if not value:
        return default
    try:
        return _BOOLEANS[value.lower()]
    except KeyError:
        raise ImproperlyConfigured(f"{name} must be one of 1, true, yes, 0, false, no.") from None


def integer(name: str, default: int) -> int:
    """Return the variable `name` as a whole number.

    Raises:
        ImproperlyConfigured: The value is no whole number.
    """
    value = text(name)
    try:
        return int(value) if value else default
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number.") from None


def number(name: str, default: float) -> float:
    """Return the variable `name` as a number that is not negative.

    Raises:
        ImproperlyConfigured: The value is no such number.
    """
    value = text(name)
    try:
        found = float(value) if value else default
    except ValueError:
        found = -1
    if not 0 <= found < float("inf"):
        raise ImproperlyConfigured(f"{name} must be a number of at least 0.")
    return found


def url(name: str, default: str = "") -> str:
    """Return the variable `name` as an http(s) address without a trailing slash.

    Raises:
        ImproperlyConfigured: The value does not start with http:// or https://.
    """
    value = text(name, default)
    if value and not value.startswith(("http://", "https://")):
        raise ImproperlyConfigured(f"{name} must start with http:// or https://.")
    return value.rstrip("/")


def choice(name: str, default: str, *, among: tuple[str, ...]) -> str:
    """Return the variable `name`, one of `among`.

    Raises:
        ImproperlyConfigured: The value is none of them.
    """
    value = text(name, default)
    if value not in among:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(among)}.")
    return value


def names(name: str) -> list[str]:
    """Return the variable `name` as a list of comma-separated names, without empty ones."""
    return [part.strip() for part in text(name).split(",") if part.strip()]


def is_set(name: str) -> bool:
    """Tell whether the secret `name` is given, by itself or as a file."""
    return bool(text(name) or text(f"{name}_FILE"))


def secret(name: str, default: str = "") -> str:
    """Return the secret `name`, or the contents of the file named by `<name>_FILE`.

    Raises:
        ImproperlyConfigured: Both are set, or the file cannot be read.
    """
    value, path = text(name), text(f"{name}_FILE")
    if value and path:
        raise ImproperlyConfigured(f"Set {name} or {name}_FILE, not both.")
    if not path:
        return value or default
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ImproperlyConfigured(f"The file named by {name}_FILE cannot be read.") from None
