"""The words on a command line that fill the stand-ins with somebody's own data, the same for every command.

Each source needs `--me`; what is not given stays invented.
"""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SOURCES = (
    ("git", "PATH", "fill the sandbox's GitHub from a repository's history"),
    ("ics", "FILE", "fill the sandbox's calendar from an iCalendar file"),
    ("slack_export", "ZIP", "fill the sandbox's Slack from a workspace's export"),
)


class OwnDataError(Exception):
    """The words do not belong together; the sentence says which is missing."""


def add_options(parser: ArgumentParser) -> None:
    """Declare the words, each with a path, and `--me`."""
    for name, kind, told in _SOURCES:
        parser.add_argument(_word(name), metavar=kind, help=told)
    parser.add_argument("--me", metavar="E-MAIL", help="who you are in them; commas between several addresses")


def sources_of(options: Mapping[str, Any]) -> dict[str, Path]:
    """Return the paths that were given, by the names `git`, `ics` and `slack_export`.

    Raises:
        OwnDataError: There is a path and no `--me`, or the other way round.
    """
    found = {name: Path(options[name]) for name, _, _ in _SOURCES if options.get(name)}
    if found and not options.get("me"):
        words = " and ".join(map(_word, found))
        raise OwnDataError(f"Say who you are in your data: {words} needs --me with your e-mail address.")
    if options.get("me") and not found:
        raise OwnDataError("--me says who you are in your own data: give --git, --ics or --slack-export with it.")
    return found


def sandbox_arguments(options: Mapping[str, Any]) -> list[str]:
    """Return the sandbox's own command line for these options; [] where nothing of one's own is given.

    Raises:
        OwnDataError: As `sources_of`.
    """
    found = sources_of(options)
    # The command may be called from anywhere; the sandbox runs in the project's folder.
    paths = [part for name, path in found.items() for part in (_word(name), str(path.absolute()))]
    return [*paths, "--me", options["me"]] if paths else []


def _word(name: str) -> str:
    return f"--{name.replace('_', '-')}"
