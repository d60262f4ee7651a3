"""Resource Indicators: the target named by the address of its API."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.vault.asking import FORM, error_of, exchange, exchange_form
from tests.vault.rfc.requirement import requires
from tests.vault.upstream import Upstream

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]


@requires("2", "resource is the absolute URI of the resource, and the token is one for it.")
@pytest.mark.parametrize(
    ("provider", "resource"),
    [
        ("github", "https://api.github.com"),
        ("google-calendar", "https://www.googleapis.com/calendar/v3"),
        ("slack", "https://slack.com/api"),
    ],
)
async def test_2_the_address_of_an_api(
    http: httpx.AsyncClient, connect_user: Connect, upstream: Upstream, provider: str, resource: str
) -> None:
    await connect_user(provider=provider)
    response = await exchange(http, audience=None, resource=resource)
    assert response.json()["access_token"] in upstream.grants[0].access


@requires("2", "resource must be an absolute URI.")
@pytest.mark.parametrize("resource", ["api.github.com", "//api.github.com", "/", "github", "urn:github"])
async def test_2_absolute(http: httpx.AsyncClient, connect_user: Connect, resource: str) -> None:
    await connect_user()
    assert error_of(await exchange(http, audience=None, resource=resource)) == (400, "invalid_target")


@requires("2", "resource must not include a fragment, and should not include a query.")
@pytest.mark.parametrize("tail", ["#", "#x", "?", "?a=b"])
async def test_2_no_fragment(http: httpx.AsyncClient, connect_user: Connect, tail: str) -> None:
    await connect_user()
    response = await exchange(http, audience=None, resource=f"https://api.github.com{tail}")
    assert error_of(response) == (400, "invalid_target")


@requires("2", "A resource that is unknown, invalid or malformed is the error invalid_target.")
@pytest.mark.parametrize(
    "resource",
    ["https://api.github.com.evil.example", "https://x@api.github.com", "http://api.github.com", "https://gitlab.com"],
)
async def test_2_unknown(http: httpx.AsyncClient, connect_user: Connect, resource: str) -> None:
    await connect_user()
    assert error_of(await exchange(http, audience=None, resource=resource)) == (400, "invalid_target")


@requires("2.2", "resource may be repeated; a server that cannot serve all of them refuses with invalid_target.")
async def test_2_2_several(http: httpx.AsyncClient, connect_user: Connect) -> None:
    """An upstream token opens one provider."""
    await connect_user()
    form = [*exchange_form(audience=None).items(), ("resource", "https://api.github.com")]
    assert (await http.post("/oauth/token", content=urlencode(form), headers=FORM)).status_code == 200
    two = urlencode([*form, ("resource", "https://slack.com/api")])
    assert error_of(await http.post("/oauth/token", content=two, headers=FORM)) == (400, "invalid_target")
