"""GitHub's stand-in, put together."""

from devcontext.sandbox.faults.cases import load_cases
from devcontext.sandbox.github.api import github_routes
from devcontext.sandbox.github.oauth import FLAVOUR, PROVIDER
from devcontext.sandbox.github.pages import github_pages
from devcontext.sandbox.stand_in import RECORDED, StandIn

GITHUB = StandIn(
    provider=PROVIDER,
    name=FLAVOUR.name,
    path="/github",
    routes=github_routes,
    pages=github_pages,
    cases=load_cases(
        RECORDED / f"{PROVIDER}.json",
        shared={
            "rate_limited": "api.secondary_rate_limit",
            "unauthorized": "api.bad_credentials",
            "forbidden": "api.forbidden_permission",
            "unavailable": "graphql.timeout",
        },
        request_id_header="x-github-request-id",
    ),
)
