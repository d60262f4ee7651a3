"""A signed webhook, in the manner of Standard Webhooks: the receiver knows who sent it, when, and that it is whole.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import Any

from agent.briefing.renderings import markdown
from agent.delivery.addresses import resolve
from agent.delivery.posting import post
from agent.delivery.types import Channel, Letter

_PREFIX = "whsec_"
# Of the 24 to 64 that the specification allows.
_SECRET_BYTES = 32
# The specification asks for small messages; a briefing has some 6,000 characters.
MAX_CHARACTERS = 100_000


def new_secret() -> str:
    """Return a secret as its owner pastes it into the receiver."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def sign(body: bytes, *, id_: str, timestamp: int, secret: str) -> str:
    """Return the value of `webhook-signature` for a message."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = f"{id_}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


async def send(channel: Channel, *, letter: Letter) -> None:
    """Post the letter, signed; raises as `posting.post` and `addresses.resolve` do."""
    target = await resolve(channel.address)
    body = json.dumps(_payload(letter), ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    # The same at each try, so that a receiver can drop a double.
    id_, timestamp = f"msg_{letter.id.hex}", int(time.time())
    headers = {
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(body, id_=id_, timestamp=timestamp, secret=channel.secret),
    }
    await post(target, body=body, headers=headers)


def _payload(letter: Letter) -> dict[str, Any]:
    text = markdown.render(letter.document) if letter.document else ""
    return {
        "type": "briefing.test" if letter.is_test else "briefing.told",
        "timestamp": letter.at.isoformat(),
        "data": {
            "schedule": letter.title,
            "state": letter.state,
            "reason": letter.reason,
            "notice": letter.notice,
            "markdown": text[:MAX_CHARACTERS],
            "is_cut": len(text) > MAX_CHARACTERS,
            "is_simulated": letter.is_simulated,
            "url": letter.page,
        },
    }
