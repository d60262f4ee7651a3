"""What every template may say about this installation: above all, what in it is a stand-in."""

from functools import partial
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from agent import conversations
from agent.briefing.recipes import RECIPES
from agent.delivery import store as delivery
from devcontext import demo, setup_views
from permissions.dots import list_dots
from permissions.services import SERVICES

_OWN_DATA = "sandbox:own_data"
# A restarted sandbox may hold other data; every page asking it would cost 30 ms each.
_OWN_DATA_SECONDS = 30


def recent_chats(request: HttpRequest) -> dict[str, Any]:
    """Return `recent`, the signed-in user's newest conversations; asked for only by a page that shows them."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"recent": []}
    return {"recent": partial(conversations.list_recent, user.pk)}


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return what the frame of a signed-in page shows: services, unread, recipes, the operator's checklist if theirs.

    All but the recipes are asked for when they are shown.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    return {
        "service_dots": partial(list_dots, request),
        "unread": partial(delivery.count_unread, user.pk),
        "shell_recipes": tuple(RECIPES.values()),
        "is_operator": partial(setup_views.is_operator, request, user=user),
    }


def installation(_request: HttpRequest) -> dict[str, Any]:
    """Return `installation`: whether the demo user exists, which services are simulated, and the model's name.

    `own_data` is "", or what the stand-ins hold where somebody's own data are among it.
    """
    simulated = [SERVICES[slug].name for slug, provider in settings.PROVIDERS.items() if provider.is_sandbox]
    if settings.IS_MODEL_SIMULATED:
        simulated.append("Claude")
    return {
        "installation": {
            "is_demo": settings.IS_DEMO,
            "stand_ins": simulated,
            "own_data": _own_data if simulated else "",
            "model": settings.CLAUDE_MODEL,
            "is_model_simulated": settings.IS_MODEL_SIMULATED,
        }
    }


def _own_data() -> str:
    told = cache.get(_OWN_DATA)
    if told is None:
        world = demo.find_world(settings.SANDBOX_URL)
        told = world.label if world and world.is_own else ""
        cache.set(_OWN_DATA, told, _OWN_DATA_SECONDS)
    return str(told)
