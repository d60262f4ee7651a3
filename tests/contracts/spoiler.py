"""Stands between our clients and the sandbox: passes genuine answers on, and spoils those of one path."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.agent.api.upstream import Received, Told, read_request, told
from tests.contracts.dispatching import Dispatching

# Gets the genuine body and returns what is sent in its place.
Spoil = Callable[[bytes], Told]


@dataclass(slots=True)
class Spoiler:
    """The server in between. Genuine answers are kept, so that a table of thousands asks the sandbox for each once."""

    sandbox_url: str
    url: str = ""
    received: list[Received] = field(default_factory=list)
    spoiled_path: str = ""
    spoil: Spoil = told
    _kept: dict[tuple[str, str, bytes], bytes] = field(default_factory=dict)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve on a free port of the loopback address."""
        async with httpx.AsyncClient(trust_env=False, base_url=self.sandbox_url) as client:

            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                try:
                    for part in (await self._answer_to(await read_request(reader), client=client)).parts:
                        writer.write(part)
                        await writer.drain()
                except (ConnectionError, asyncio.IncompleteReadError):
                    pass  # The client went away, as it does from an answer that is too long.
                finally:
                    writer.close()

            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            host, port = server.sockets[0].getsockname()
            self.url = f"http://{host}:{port}"
            try:
                yield
            finally:
                server.close()
                await server.wait_closed()

    async def _answer_to(self, request: Received, *, client: httpx.AsyncClient) -> Told:
        self.received.append(request)
        body = await self.genuine(request, client=client)
        return self.spoil(body) if request.path == self.spoiled_path else told(body)

    async def genuine(self, request: Received, *, client: httpx.AsyncClient) -> bytes:
        """Return what the sandbox answers to `request`."""
        key = (request.method, request.target, request.body)
        if key not in self._kept:
            fields = {
                name: request.headers[name] for name in ("authorization", "content-type") if name in request.headers
            }
            answer = await client.request(request.method, request.target, content=request.body, headers=fields)
            self._kept[key] = answer.content
        return self._kept[key]

    def bodies_of(self, path: str) -> list[bytes]:
        """Return the genuine bodies of `path` so far."""
        return [body for (_, target, _), body in self._kept.items() if target.partition("?")[0] == path]


@dataclass(frozen=True, slots=True)
class Spoiled(Dispatching):
    """The tools, reading through the spoiler."""

    spoiler: Spoiler

    async def paths_of(self, name: str, *, arguments: dict[str, Any]) -> list[str]:
        """Return the paths that a healthy call of the tool asks for, each once."""
        self.spoiler.spoiled_path = ""
        self.spoiler.received.clear()
        assert not (await self.dispatch(name, arguments=arguments)).is_error
        return list(dict.fromkeys(request.path for request in self.spoiler.received))


def each_change(value: Any, *, wrong: Callable[[Any], tuple[Any, ...]]) -> Iterator[Any]:
    """Yield `value` again and again, each time with one part replaced by one of `wrong(part)`; lists by their head."""
    yield from wrong(value)
    if isinstance(value, dict):
        for key, part in value.items():
            for changed in each_change(part, wrong=wrong):
                yield {**value, key: changed}
    if isinstance(value, list) and value:
        for changed in each_change(value[0], wrong=wrong):
            yield [changed, *value[1:]]


def every_text(value: Any, *, change: Callable[[str], str]) -> Any:
    """Return `value` with each text that a person wrote changed; those have a space in them."""
    if isinstance(value, str):
        return change(value) if " " in value else value
    if isinstance(value, dict):
        return {key: every_text(part, change=change) for key, part in value.items()}
    return [every_text(part, change=change) for part in value] if isinstance(value, list) else value


def parsed(spoil: Callable[[Any], Any]) -> Spoil:
    """Return a spoiler of bodies from one of their JSON."""
    return lambda body: told(json.dumps(spoil(json.loads(body))).encode())
