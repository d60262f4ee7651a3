"""Every documented failure can be ordered, by JSON or by a request's own header, at the place where it happens."""

import json
import time
from collections.abc import Iterator
from importlib import resources
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from devcontext.sandbox.app import create_app
from devcontext.sandbox.faults.cases import Case, Effect, Place
from devcontext.sandbox.stand_ins import STAND_INS
from devcontext.sandbox.world import tidewater_world
from tests.contracts.specs import spec
from tests.sandbox.harness import CREDENTIALS, TOKEN, Visitor, bearer, returned
from tests.serving import serve_app

FOLDERS = {"github": "github", "google-calendar": "google", "slack": "slack"}
REPLACING = [
    (provider, case)
    for provider in STAND_INS
    for name, case in STAND_INS[provider].cases.items()
    if case.effect is Effect.REPLACED and case.place is not Place.AUTHORIZE and case.name == name
]


@pytest.mark.parametrize("provider", STAND_INS)
def test_the_catalogue_is_what_the_specs_say(provider: str) -> None:
    """Every case but the healthy answers of a token endpoint."""
    documented = {entry["case"].partition(" ")[0] for entry in spec(f"{FOLDERS[provider]}/errors.json")}
    healthy = {name for name in documented if name.startswith("token.ok_")}
    kept = (resources.files("devcontext.sandbox.faults") / f"{provider}.json").read_text(encoding="utf-8")
    assert json.loads(kept) == spec(f"{FOLDERS[provider]}/errors.json")
    assert documented - healthy <= STAND_INS[provider].cases.keys()
    assert not healthy & STAND_INS[provider].cases.keys()


@pytest.mark.parametrize("provider", STAND_INS)
async def test_a_healthy_token_endpoint_answers_the_documented_fields(visitor: Visitor, provider: str) -> None:
    (entry, *_) = [entry for entry in spec(f"{FOLDERS[provider]}/errors.json") if entry["case"].startswith("token.ok_")]
    pair = await visitor.connect(provider)
    answer = (await visitor.refresh(provider, pair["refresh_token"])).json() if provider == "slack" else pair
    # The sandbox asks no identity of Google, so there is no identity token.
    assert answer.keys() == entry["body"].keys() - {"id_token"}


@pytest.mark.parametrize(("provider", "case"), REPLACING, ids=[f"{one}-{case.name}" for one, case in REPLACING])
async def test_each_case_is_answered_once_as_documented(visitor: Visitor, provider: str, case: Case) -> None:
    order = {"provider": provider, "case": case.name}
    assert (await visitor.http.post("/faults", json=order)).status_code == 204
    failed = await _ask_at(visitor, provider, case.place)
    assert failed.status_code == case.status
    assert (failed.json() if failed.content else None) == case.body
    for name, value in case.headers.items():
        assert failed.headers[name] == value.replace("…", "0") or value.startswith("<")
    healthy = await _ask_at(visitor, provider, case.place)
    assert (healthy.status_code, healthy.content) != (failed.status_code, failed.content)


async def _ask_at(visitor: Visitor, provider: str, place: Place, **headers: str) -> httpx.Response:
    if place is Place.TOKEN:
        form = {**CREDENTIALS, "grant_type": "made up"}
        return await visitor.http.post(TOKEN[provider], data=form, headers={"accept": "application/json", **headers})
    path = {"github": "/github/api/user", "google-calendar": "/google/v1/userinfo", "slack": "/slack/api/auth.test"}
    return await visitor.http.get(path[provider], headers={**bearer("made up"), **headers})


async def test_a_primary_limit_says_when_it_ends(visitor: Visitor) -> None:
    await visitor.http.post("/faults", json={"provider": "github", "case": "graphql.primary_rate_limit", "seconds": 30})
    told = (await _ask_at(visitor, "github", Place.API)).headers
    assert 28 <= int(told["x-ratelimit-reset"]) - time.time() <= 31


async def test_a_request_orders_its_own_failure(visitor: Visitor) -> None:
    header = {"x-sandbox-fault": "slack:api.ratelimited"}
    assert (await _ask_at(visitor, "slack", Place.API, **header)).status_code == 429
    assert (await _ask_at(visitor, "slack", Place.API)).status_code == 200
    assert (await _ask_at(visitor, "github", Place.API, **header)).status_code == 401
    assert (await _ask_at(visitor, "slack", Place.TOKEN, **header)).json()["error"] == "invalid_grant_type"


async def test_a_header_that_orders_nothing_known_is_400(visitor: Visitor) -> None:
    answer = await _ask_at(visitor, "slack", Place.API, **{"x-sandbox-fault": "slack:api.explode"})
    assert answer.status_code == 400
    assert "case" in answer.json()["error"]


async def test_an_administrators_policy_ends_at_the_callback(visitor: Visitor) -> None:
    order = {"provider": "google-calendar", "case": "authorize.admin_policy_enforced"}
    await visitor.http.post("/faults", json=order)
    told = returned(await visitor.ask("google-calendar"))
    assert told == {"error": "admin_policy_enforced", "state": "a state"}
    assert (await visitor.ask("google-calendar")).status_code == 200


async def test_a_warning_comes_with_the_right_answer(visitor: Visitor) -> None:
    token = (await visitor.connect("slack"))["access_token"]
    await visitor.http.post("/faults", json={"provider": "slack", "case": "api.deprecated_warning"})
    warned = (await visitor.probe("slack", token)).json()
    assert warned["warning"] == "missing_charset"
    assert warned["user_id"]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, Starlette]]:
    """A sandbox behind a real server: an answer that breaks off needs a connection."""
    apps: list[Starlette] = []

    def make(url: str) -> Starlette:
        apps.append(create_app(data=None, world=tidewater_world(), base_url=url))
        return apps[0]

    with serve_app(make) as url:
        yield url, apps[0]


@pytest.mark.parametrize("case", ["cut_off", "lost"])
async def test_an_answer_breaks_off_after_its_declared_length(served: tuple[str, Starlette], case: str) -> None:
    url, _ = served
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        healthy = await client.get("/slack/api/auth.test")
        await client.post("/faults", json={"provider": "slack", "case": case})
        got = bytearray()
        async with client.stream("GET", "/slack/api/auth.test") as answer:
            assert answer.headers["content-length"] == healthy.headers["content-length"]
            with pytest.raises(httpx.RemoteProtocolError):
                await _read(answer, into=got)
    assert got == (healthy.content[: len(healthy.content) // 2] if case == "cut_off" else b"")


async def _read(answer: httpx.Response, *, into: bytearray) -> None:
    async for chunk in answer.aiter_raw():
        into += chunk


async def test_a_lost_refresh_has_rotated_all_the_same(served: tuple[str, Starlette]) -> None:
    """The reason why a refresh whose answer was lost must not be repeated blindly."""
    url, app = served
    store, now = app.state.sandbox.store, app.state.sandbox.now()
    grant = store.open_grant("github", scope="")
    refresh = store.issue_token(grant, kind="refresh", prefix="ghr_", expires_at=None)
    form = {**CREDENTIALS, "grant_type": "refresh_token", "refresh_token": refresh}
    async with httpx.AsyncClient(base_url=url, trust_env=False, headers={"accept": "application/json"}) as client:
        await client.post("/faults", json={"provider": "github", "case": "token.lost"})
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(TOKEN["github"], data=form)
        assert not store.find_token(refresh, provider="github", kind="refresh").is_alive(now)
        assert (await client.post(TOKEN["github"], data=form)).json()["error"] == "bad_refresh_token"


@pytest.mark.parametrize("body", [{"advance_seconds": -1}, {"advance_seconds": 1e12}, {}, [], {"times": 1}])
async def test_a_clock_order_out_of_bounds_is_400(visitor: Visitor, body: Any) -> None:
    assert (await visitor.http.post("/clock", json=body)).status_code == 400


async def test_the_clock_stops_a_year_ahead(visitor: Visitor) -> None:
    assert (await visitor.http.post("/clock", json={"advance_seconds": 366 * 86400})).status_code == 204
    assert (await visitor.http.post("/clock", json={"advance_seconds": 1})).status_code == 400


async def test_the_clock_ends_tokens_and_leaves_todays_data(visitor: Visitor) -> None:
    pair = await visitor.connect("github")
    today = visitor.app.state.sandbox.world.now().now
    await visitor.http.post("/clock", json={"advance_seconds": 30000})
    assert (await visitor.probe("github", pair["access_token"])).status_code == 401
    assert visitor.app.state.sandbox.world.now().now == today
    renewed = (await visitor.refresh("github", pair["refresh_token"])).json()
    assert (await visitor.probe("github", renewed["access_token"])).status_code == 200
    await visitor.http.post("/clock", json={"advance_seconds": 16_000_000})
    assert (await visitor.refresh("github", renewed["refresh_token"])).json()["error"] == "bad_refresh_token"


@pytest.mark.parametrize("provider", STAND_INS)
async def test_new_access_tokens_live_as_long_as_ordered(visitor: Visitor, provider: str) -> None:
    await visitor.http.post("/clock", json={"access_lifetime_seconds": 90})
    pair = await visitor.connect(provider)
    assert pair["expires_in"] == 90
    visitor.clock.pass_(seconds=91)
    ended = await visitor.probe(provider, pair["access_token"])
    assert ended.status_code == 401 or ended.json()["error"] == "token_expired"
    await visitor.http.post("/clock", json={"access_lifetime_seconds": 0})
    assert (await visitor.connect(provider))["expires_in"] > 3000
