"""Requests that are spoiled by chance: no 5xx, no token unless the request is valid after all, nothing of it recorded.

The seeds are valid requests of every kind to every endpoint. What is valid is judged here, apart from the vault.
"""

import json
import os
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.urls import Resolver404, resolve

from audit.events import Event
from audit.models import AuditEvent
from tests.faults.conftest import size
from tests.faults.genuine import TOKEN_ENDPOINT, World, entitled_user, foreign_to, seeds_of
from tests.faults.mutations import MARK, mutate
from tests.faults.raw import Answer, Raw, send
from tests.vault.conftest import (  # noqa: F401  (fixtures, which the providers of this folder's conftest are not)
    ALICE,
    BOB,
    _vault_settings,
    connect_user,
)
from tests.vault.fixtures import upstream  # noqa: F401  (likewise)
from tests.vault.registered import register
from tests.vault.upstream import Upstream
from vault import background, errors, tokens
from vault.handler import VaultHandler

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]

REQUESTS = size(1_500, 20_000)
# Print it with a failure and set it to see the same requests again.
SEED = int(os.environ.get("FUZZ_SEED", "1"))
# Seeds hold tokens that live for a minute, and actor tokens that serve once.
_REQUESTS_PER_SEEDS = 40

CODES = {kind.error for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.VaultError)}
CODES |= {"access_denied", "federated_connection_refresh_token_not_found"}


def require_known(request: Raw, answer: Answer) -> None:
    """Check what holds for every answer: no failure of ours, one of few shapes, nothing of the request in it."""
    assert answer.status < 500, f"{request} {answer}"
    assert MARK not in _without_scope(answer), f"{request} {answer}"
    try:
        name = resolve(request.path).url_name or ""
    except Resolver404:
        assert answer.status == 404, f"{request} {answer}"
        return
    if name == "vault_callback":
        assert answer.status in (302, 404, 405), f"{request} {answer}"
    elif request.path.startswith("/.well-known/"):
        assert answer.status in (200, 405), f"{request} {answer}"
    elif answer.status == 200:
        assert answer.is_json
        assert isinstance(json.loads(answer.body), dict)
    elif request.method != "HEAD":
        assert answer.is_json, f"{request} {answer}"
        assert json.loads(answer.body)["error"] in CODES, f"{request} {answer}"


def _without_scope(answer: Answer) -> str:
    """Return all of an answer but the scope to ask for, which is what was asked and what is granted together."""
    text = answer.bytes.decode("latin-1")
    body = json.loads(answer.body) if answer.is_json and answer.body else {}
    return text.replace(json.dumps(body["scope"]), "") if "scope" in body and "error" in body else text


async def test_no_spoiled_request_brings_a_token_or_a_failure(
    connect_user: Connect,  # noqa: F811
    upstream: Upstream,  # noqa: F811
    settings: Any,
) -> None:
    settings.MIDDLEWARE = [
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
        "devcontext.middleware.SecurityHeaders",
    ]
    random = Random(SEED)  # noqa: S311  (chance that can be repeated is the point)
    app = VaultHandler()
    mine = {(await connect_user(ALICE, provider=provider)).id for provider in ("github", "slack")}
    issued = {ALICE: [token.encode() for token in upstream.issued]}
    await connect_user(BOB)
    issued[BOB] = [token.encode() for token in upstream.issued[len(issued[ALICE]) :]]
    world = World(await register(), mine)
    seen: Counter[int] = Counter()
    entitled = 0

    for seed in dict.fromkeys(seeds_of(world)):
        answer = await send(app, seed, random=random)
        assert answer.status == 200, f"{seed} {answer}"
        assert any(token in answer.body for token in issued[ALICE]) is (seed.path == TOKEN_ENDPOINT)

    for number in range(REQUESTS):
        if number % _REQUESTS_PER_SEEDS == 0:
            seeds = seeds_of(world)
            foreign = foreign_to(world)
        request = random.choice(seeds)
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            request = mutate(request, random=random, foreign=foreign)
        answer = await send(app, request, random=random)
        require_known(request, answer)
        gone = {user for user, secrets in issued.items() if any(secret in answer.bytes for secret in secrets)}
        assert gone <= {entitled_user(request, world)}, f"seed {SEED}, {number}: {request}"
        seen[answer.status] += 1
        entitled += len(gone)

    await background.settle()
    # Chance spoils some requests in what does not matter; without such the judge would never have been asked.
    assert 0 < entitled < REQUESTS / 4
    assert {200, 400, 401, 404, 405, 415} <= set(seen)
    await sync_to_async(require_clean_audit)(registered=world.client.id)


def require_clean_audit(*, registered: str) -> None:
    """Check that each field of each row holds one of few values, none of which came from a request."""
    rows = list(AuditEvent.objects.using("audit").values())
    assert len(rows) > REQUESTS / 20
    assert [row for row in rows if MARK in str({**row, "scope_asked": ""})] == []
    assert {row["event"] for row in rows} <= {event.value for event in Event}
    for name, known in {
        "user": {"", ALICE, BOB},
        "client": {"", tokens.WEB_CLIENT, registered},
        "provider": {"", "github", "google-calendar", "slack"},
        "run": {"", "run-1"},
        "tool": {"", "github_activity"},
        "tool_call": {"", "toolu_1"},
    }.items():
        assert {row[name] for row in rows} <= known, name
    # The audit marks what it cuts.
    asked = {scope for row in rows for scope in row["scope_asked"].removesuffix("…").split()}
    assert [scope for scope in asked if not scope.isascii() or '"' in scope or "\\" in scope] == []
