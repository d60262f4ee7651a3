"""What the first steps, the operator's checklist and the page of costs are rendered with."""

from types import SimpleNamespace

from agent.week_form import WeekForm
from permissions.services import SERVICES
from tests.templates.timeline import NOW

WELCOME = {
    "statuses": [
        SimpleNamespace(service=service, state=SimpleNamespace(value=state), account="maya")
        for service, state in zip(SERVICES.values(), ("connected", "revoked", "not_connected"), strict=True)
    ],
    "connected": ["github"],
    "form": WeekForm(initial={"country": "DE"}),
    "plan": {
        "since": NOW,
        "time_zone": "UTC",
        "services": [
            {"name": "Slack", "state": "revoked", "reads": [{"words": "your mentions", "limits": ["limit: 5"]}]}
        ],
    },
    "recipe": {"title": "Brief me for standup", "question": "Brief me for standup."},
}
SETUP = {
    "providers": [
        SimpleNamespace(slug=slug, name=service.name, state=state, variables=(("GITHUB_CLIENT_ID", state == "real"),))
        for (slug, service), state in zip(SERVICES.items(), ("real", "stand_in", "missing"), strict=True)
    ],
    "tested": "github",
    "findings": [{"verdict": verdict, "sentence": "It answers."} for verdict in ("ok", "wrong", "not checked")],
    "can_test": True,
}
SPENDING = {
    "price_state": "known",
    "today": "$0.25",
    "budget": "$5.00",
    "left": "$4.75",
    "begins_anew_at": NOW,
    "days": [(NOW.date(), "$0.25", "12,345", "678")],
    "total": ("$0.25", "12,345", "678"),
    "number_of_days": 30,
}
