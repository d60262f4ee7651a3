"""Starts the sandbox: `python -m devcontext.sandbox --port 8001 --data .data/sandbox.sqlite3`.

It listens on 127.0.0.1 only.
"""

import argparse
import socket
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import uvicorn
from starlette.applications import Starlette

from devcontext import own_data
from devcontext.sandbox.app import create_app
from devcontext.sandbox.types import World
from devcontext.sandbox.world import Sources, WorldError, own_world, tidewater_world

_HOST = "127.0.0.1"


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until interrupted; a wrong argument or a taken port is one sentence and exit code 2."""
    options = _parser().parse_args(arguments)
    with _listen(options.port) as listener:
        app = _app(options, base_url=f"http://{_HOST}:{listener.getsockname()[1]}")
        # It has ended in good order by the time that it says so.
        with suppress(KeyboardInterrupt):
            uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])


def _app(options: argparse.Namespace, *, base_url: str) -> Starlette:
    try:
        return create_app(data=options.data, world=_world(options), base_url=base_url)
    except WorldError as error:
        _stop(str(error))
    except (OSError, sqlite3.Error):
        _stop(f"The sandbox cannot keep its tokens in {options.data}.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m devcontext.sandbox",
        description="Local stand-ins for the services and for Claude.",
    )
    parser.add_argument("--port", type=int, default=8001, help="port on 127.0.0.1 (default: 8001; 0 takes a free one)")
    parser.add_argument("--data", type=Path, required=True, help="SQLite file that keeps the sandbox's tokens")
    own_data.add_options(parser)
    parser.add_argument("--zone", default="UTC", help="time zone of the team and its calendar (default: UTC)")
    return parser


def _world(options: argparse.Namespace) -> World:
    try:
        zone = ZoneInfo(options.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        _stop(f"There is no time zone {options.zone}.")
    try:
        sources = own_data.sources_of(vars(options))
    except own_data.OwnDataError as error:
        _stop(str(error))
    return own_world(Sources(me=options.me, **sources), zone=zone) if sources else tidewater_world(zone=zone)


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
    except (OSError, OverflowError):
        listener.close()
        _stop(f"Port {port} on {_HOST} is taken or not allowed; choose another with --port.")
    return listener


def _stop(sentence: str) -> NoReturn:
    sys.stderr.write(f"{sentence}\n")
    raise SystemExit(2)


if __name__ == "__main__":
    main()
