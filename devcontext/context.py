"""What every template may say about this installation: above all, what in it is a stand-in."""

from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from agent import store
from permissions.services import SERVICES


def recent_chats(request: HttpRequest) -> dict[str, Any]:
    """Return `recent`, the signed-in user's newest conversations; asked for only by a page that shows them."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"recent": []}
    return {"recent": partial(store.list_recent, user.pk)}


def installation(_request: HttpRequest) -> dict[str, Any]:
    """Return `installation`: whether the demo user exists, which services are simulated, and the model's name."""
    simulated = [SERVICES[slug].name for slug, provider in settings.PROVIDERS.items() if provider.is_sandbox]
    if settings.IS_MODEL_SIMULATED:
        simulated.append("Claude")
    return {
        "installation": {
            "is_demo": settings.IS_DEMO,
            "stand_ins": simulated,
            "model": settings.CLAUDE_MODEL,
            "is_model_simulated": settings.IS_MODEL_SIMULATED,
        }
    }
