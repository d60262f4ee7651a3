"""What `docs/vault-protocol.md` shows is what happens: each example is sent and answered."""

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

import httpx
import pytest

from tests.vault.asking import FORM
from tests.vault.conftest import AGENT, actor, change, subject
from tests.vault.protocol_page import Example, fill, load_examples, require_like
from tests.vault.registered import Registered, register
from tests.vault.upstream import Upstream
from vault import connect, tokens
from vault.embedded import EmbeddedVault

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]
EXAMPLES = load_examples()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.path} {example.given}".strip())
async def test_an_example_is_answered_as_the_page_says(
    http: httpx.AsyncClient, connect_user: Connect, upstream: Upstream, example: Example
) -> None:
    await connect_user()
    await connect_user(provider="slack")
    client = await register()
    values = _values(client, upstream=upstream)
    if "receipt" in example.placeholders:
        values["receipt"] = (await client.ask(http)).json()["receipt"]
    if example.given == "revoked":
        await change(is_access_allowed=False)
    elif example.given == "pending":
        values |= await _begin(upstream)
    assert example.placeholders <= set(values)
    assert example.given in ("", "revoked", "pending")
    typed = FORM if example.method == "POST" else {}
    headers = typed | {name.lower(): fill(value, values) for name, value in example.headers.items()}
    response = await http.request(example.method, example.path, headers=headers, content=example.content(values))
    assert response.status_code == example.status
    assert {name: response.headers[name] for name in example.answer_headers} == example.answer_headers
    require_like(example.answer, response.json())


def test_the_page_has_examples_of_every_kind() -> None:
    paths = {example.path for example in EXAMPLES}
    assert {"/oauth/token", "/oauth/receipt", "/oauth/revoke", "/oauth/introspect", "/.well-known/jwks.json"} <= paths
    assert len(EXAMPLES) >= 15


def _values(client: Registered, *, upstream: Upstream) -> dict[str, str]:
    credentials = f"{quote_plus(client.id)}:{quote_plus(client.secret)}"
    return {
        "client id": client.id,
        "client secret": client.secret,
        "base64 of client id:client secret, both form-encoded": base64.b64encode(credentials.encode()).decode(),
        "client assertion": tokens.mint_assertion(),
        "subject token": client.subject(),
        "own subject token that names may_act": tokens.mint_subject(
            user="user:1", sid="sid-1", auth_time=1.0, purpose="exchange", may_act=AGENT
        ),
        "subject token for connections": subject(),
        "actor token": actor(),
        "upstream token": upstream.issued[0],
    }


async def _begin(upstream: Upstream) -> dict[str, str]:
    """Go as far as a pending connection to Google."""
    url = await EmbeddedVault().start_connect(subject_token=subject(), provider="google-calendar")
    returned = httpx.URL(await connect.finish("google-calendar", query=upstream.consent(url))).params
    return {"connection id": returned["connection"], "nonce": returned["nonce"]}
