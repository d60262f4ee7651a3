"""Valid requests of every kind to every endpoint, and a judge, apart from the vault, of what else is valid."""

import base64
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from tests.faults.raw import Raw, form, json_object, pairs_of
from tests.vault.asking import assertion_form
from tests.vault.conftest import AGENT, ALICE, BOB, subject
from tests.vault.registered import Registered
from vault import tokens, wire
from vault.auth0 import TOKEN_TYPE as FEDERATED_TYPE

TOKEN_ENDPOINT = "/oauth/token"


@dataclass
class World:
    """What is genuine: the judge compares with it, letter by letter."""

    client: Registered
    connections: set[str]
    minted: dict[str, tuple[str, str]] = field(default_factory=dict)
    actors: set[str] = field(default_factory=set)
    assertions: set[str] = field(default_factory=set)

    def mint(self, user: str = ALICE, *, purpose: tokens.Purpose = "exchange", client: str = tokens.WEB_CLIENT) -> str:
        """Return a subject token of `user` for `client`."""
        token = subject(user, purpose=purpose, client=client)
        if purpose == "exchange":
            self.minted[token] = (client, user)
        return token

    def mint_actor(self) -> dict[str, str]:
        """Return the parameters of an actor."""
        token = tokens.mint_actor(agent=AGENT, run="run-1", tool="github_activity", tool_call="toolu_1")
        self.actors.add(token)
        return {"actor_token": token, "actor_token_type": tokens.TOKEN_TYPE_JWT}

    def authenticate(self) -> dict[str, str]:
        """Return the parameters by which our own client authenticates."""
        made = assertion_form()
        self.assertions.add(made["client_assertion"])
        return made

    @property
    def basic(self) -> tuple[bytes, bytes]:
        """The header by which the registered client authenticates."""
        text = f"{quote_plus(self.client.id)}:{quote_plus(self.client.secret)}"
        return b"authorization", b"Basic " + base64.b64encode(text.encode())


def seeds_of(world: World) -> list[Raw]:
    """Return a valid request of every kind."""
    ours, theirs = world.client.in_body, {"grant_type": wire.FEDERATED_GRANT_TYPE, "connection": "github"}
    exchange = {"grant_type": wire.GRANT_TYPE, "subject_token_type": tokens.TOKEN_TYPE_ACCESS}
    federated = theirs | {"requested_token_type": FEDERATED_TYPE, "subject_token_type": tokens.TOKEN_TYPE_JWT}
    own, registered = world.mint, lambda: {"subject_token": world.mint(client=world.client.id)}
    manage = {"subject_token": own(purpose="connections")}
    exchanges = [
        form(TOKEN_ENDPOINT, exchange | world.authenticate() | {"subject_token": own(), "audience": "github"}),
        form(
            TOKEN_ENDPOINT,
            exchange | world.authenticate() | world.mint_actor() | {"subject_token": own(), "audience": "github"},
        ),
        form(TOKEN_ENDPOINT, exchange | ours | registered() | {"audience": next(iter(world.connections))}),
        form(TOKEN_ENDPOINT, exchange | registered() | {"resource": "https://slack.com/api"}, world.basic),
        form(TOKEN_ENDPOINT, exchange | ours | registered() | {"audience": "slack", "scope": "users:read"}),
        form(TOKEN_ENDPOINT, federated | ours | registered() | {"login_hint": "alice-gh"}),
        json_object(TOKEN_ENDPOINT, federated | ours | registered()),
        json_object(TOKEN_ENDPOINT, federated | world.authenticate() | {"subject_token": own()}),
    ]
    managing = [
        form(path, manage | world.authenticate() | parameters)
        for path, parameters in {
            wire.PATHS["start_connect"]: {"provider": "github"},
            wire.PATHS["list_connections"]: {},
            wire.PATHS["set_access"]: {"connection": "github", "is_allowed": "true"},
            wire.PATHS["set_default"]: {"connection": "github"},
        }.items()
    ]
    others = [
        form("/oauth/introspect", world.authenticate() | {"token": own()}),
        form("/oauth/introspect", ours | registered() | {"token": own(client=world.client.id)}),
        form("/oauth/revoke", ours | {"token": subject(client=world.client.id), "token_type_hint": "access_token"}),
        *(
            Raw("GET", f"/.well-known/{name}")
            for name in ("jwks.json", "oauth-authorization-server", "openid-configuration")
        ),
    ]
    return [*exchanges * 2, *managing, *others]


def entitled_user(request: Raw, world: World) -> str:
    """Return whose upstream token may be the answer, or "": each parameter that decides is genuine and comes once."""
    pairs = pairs_of(request)
    # Django does not tell `post` from `POST`.
    if (request.method.upper(), request.path, request.query) != ("POST", TOKEN_ENDPOINT, b"") or pairs is None:
        return ""
    # A target may be repeated by nature, and one without a value counts as left out.
    pairs = [(name, value) for name, value in pairs if value or name not in ("audience", "resource")]
    said = dict(pairs)
    if len(said) != len(pairs):
        return ""
    client, user = world.minted.get(said.get("subject_token", ""), ("", ""))
    if not client or client != _client_of(request, said, world=world):
        return ""
    return user if _is_exchange(said, world=world) or _is_federated(said) else ""


def _client_of(request: Raw, said: dict[str, str], *, world: World) -> str:
    ways = []
    if said.get("client_assertion") or said.get("client_assertion_type"):
        is_ours = said.get("client_assertion_type") == wire.ASSERTION_TYPE
        ways.append(tokens.WEB_CLIENT if is_ours and said.get("client_assertion") in world.assertions else "")
    if said.get("client_secret"):
        is_right = (said.get("client_id"), said["client_secret"]) == (world.client.id, world.client.secret)
        ways.append(world.client.id if is_right else "")
    if shown := request.header(b"authorization"):
        ways.append(world.client.id if [value.strip() for value in shown] == [world.basic[1]] else "")
    is_one = len(ways) == 1 and said.get("client_id") in (None, "", ways[0])
    return ways[0] if is_one else ""


def _is_exchange(said: dict[str, str], *, world: World) -> bool:
    targets = [said[name] for name in ("audience", "resource") if said.get(name)]
    genuine = {"github", "slack", "https://slack.com/api", "https://api.github.com", *world.connections}
    actor = (said.get("actor_token", ""), said.get("actor_token_type", ""))
    return (
        said.get("grant_type") == wire.GRANT_TYPE
        and said.get("subject_token_type") in (tokens.TOKEN_TYPE_ACCESS, tokens.TOKEN_TYPE_JWT)
        and said.get("requested_token_type", "") in ("", tokens.TOKEN_TYPE_ACCESS)
        and len(targets) == 1
        and targets[0] in genuine
        and set(said.get("scope", "").replace(",", " ").split()) <= {"users:read"}
        and (actor == ("", "") or (actor[0] in world.actors and actor[1] == tokens.TOKEN_TYPE_JWT))
    )


def _is_federated(said: dict[str, str]) -> bool:
    return (
        said.get("grant_type") == wire.FEDERATED_GRANT_TYPE
        and said.get("requested_token_type", "") in ("", FEDERATED_TYPE)
        and said.get("connection") in ("github", "slack", "sign-in-with-slack")
        and set(said.get("scope", "").replace(",", " ").split()) <= {"users:read"}
    )


def foreign_to(world: World) -> list[str]:
    """Return values that are genuine somewhere: at another endpoint, for another client, for another user."""
    return [
        world.mint(BOB),
        world.mint(BOB, client=world.client.id),
        world.mint(),
        world.mint(client=world.client.id),
        world.mint(purpose="connections"),
        world.authenticate()["client_assertion"],
        world.mint_actor()["actor_token"],
        world.client.id,
        world.client.secret,
        tokens.WEB_CLIENT,
        "github",
        "slack",
        "google-calendar",
        "https://api.github.com",
        wire.GRANT_TYPE,
        wire.FEDERATED_GRANT_TYPE,
        wire.ASSERTION_TYPE,
        tokens.TOKEN_TYPE_JWT,
        "users:read",
    ]
