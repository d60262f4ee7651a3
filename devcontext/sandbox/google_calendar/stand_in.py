"""Google Calendar's stand-in, put together."""

from devcontext.sandbox.faults.cases import load_cases
from devcontext.sandbox.google_calendar.api import google_routes
from devcontext.sandbox.google_calendar.oauth import FLAVOUR, PROVIDER
from devcontext.sandbox.google_calendar.pages import google_pages
from devcontext.sandbox.stand_in import RECORDED, StandIn

GOOGLE_CALENDAR = StandIn(
    provider=PROVIDER,
    name=FLAVOUR.name,
    path="/google",
    routes=google_routes,
    pages=google_pages,
    cases=load_cases(
        RECORDED / f"{PROVIDER}.json",
        shared={
            "rate_limited": "api.rateLimitExceeded_429",
            "unauthorized": "api.authError",
            "forbidden": "api.insufficientPermissions",
            "unavailable": "api.backendError",
        },
    ),
)
