"""Slack's stand-in, put together."""

from devcontext.sandbox.faults.cases import load_cases
from devcontext.sandbox.limits import Mode
from devcontext.sandbox.slack.api import slack_routes
from devcontext.sandbox.slack.oauth import FLAVOUR, PROVIDER
from devcontext.sandbox.slack.pages import slack_pages
from devcontext.sandbox.stand_in import RECORDED, StandIn

SLACK = StandIn(
    provider=PROVIDER,
    name=FLAVOUR.name,
    path="/slack",
    routes=slack_routes,
    pages=slack_pages,
    cases=load_cases(
        RECORDED / f"{PROVIDER}.json",
        shared={
            "rate_limited": "api.ratelimited",
            "unauthorized": "api.token_revoked",
            "forbidden": "api.missing_scope",
            "unavailable": "api.service_unavailable",
        },
        request_id_header="x-slack-req-id",
    ),
    modes=(Mode.OFF, Mode.DOCUMENTED, Mode.NON_MARKETPLACE),
)
