"""The peer: Chainlit with the same model, three tools of the same names, and nothing to ask before it reads.

It runs in an environment of its own (`requirements/chainlit.txt`), as Chainlit's documentation writes such an app:
steps for the tools, `stream_token` for the answer. It knows no user, token, permission, audit or database.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from typing import Any

import chainlit as cl
import httpx

_URL = os.environ["MODEL_URL"]
_http = httpx.AsyncClient(timeout=600, limits=httpx.Limits(max_connections=None), trust_env=False)


@cl.on_message
async def answer(message: cl.Message) -> None:
    """Ask the model, make the calls that it asks for at once, and write its answer as it comes."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": message.content}]
    calls = [event["content_block"] async for event in _ask(messages) if event["type"] == "content_block_start"]
    results = await asyncio.gather(*(_read(call) for call in calls))
    messages += [{"role": "assistant", "content": calls}, {"role": "user", "content": results}]
    reply = cl.Message(content="")
    async for event in _ask(messages):
        if event["type"] == "content_block_delta":
            await reply.stream_token(event["delta"]["text"])
    await reply.send()


async def _read(call: dict[str, Any]) -> dict[str, Any]:
    async with cl.Step(name=call["name"], type="tool") as step:
        step.output = (await _http.get(f"{_URL}/read/{call['name']}")).text
    return {"type": "tool_result", "tool_use_id": call["id"], "content": step.output}


async def _ask(messages: list[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
    body = {"model": "scripted", "max_tokens": 4000, "stream": True, "messages": messages}
    async with _http.stream("POST", f"{_URL}/v1/messages", json=body) as response:
        async for line in response.aiter_lines():
            if line.startswith("data: "):
                yield json.loads(line[6:])
