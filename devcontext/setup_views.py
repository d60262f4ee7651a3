"""The operator's checklist: what is configured, which callback addresses to register, and a live test of each provider.

It shows which variables are set and never what is in them, and its tests are those of `check_provider`, which change
nothing.
"""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from agent import spending
from agent.prices import price_state
from agent.schedules import leading
from agent.transcript import dollars
from audit import reconcile
from devcontext import env, setup_checks, this_machine
from devcontext.providers import PLACES
from permissions.services import SERVICES
from vault.findings import Finding

_INSTALLATION = "installation"
_View = Callable[[HttpRequest], Coroutine[Any, Any, HttpResponse]]


@dataclass(frozen=True, slots=True)
class ProviderSetup:
    """One provider on the checklist; `variables` are names, each with whether it is set here.

    `state` is `real`, `stand_in` or `missing`; `guide` is the page in `docs/` that goes through it step by step.
    """

    slug: str
    name: str
    state: str
    callback_url: str
    guide: str
    variables: tuple[tuple[str, bool], ...]


def is_operator(request: HttpRequest, *, user: AbstractBaseUser | AnonymousUser) -> bool:
    """Tell whether the checklist is there for `user`: for staff, and for who sits at a machine that is tried out."""
    return (user.is_authenticated and getattr(user, "is_staff", False)) or _is_tried_out_here(request)


def operators_only(view: _View) -> _View:
    """Let staff in, and whoever sits at a machine that is being tried out; to all others there is no such page."""

    @wraps(view)
    async def wrapper(request: HttpRequest) -> HttpResponse:
        if not is_operator(request, user=await request.auser()):
            raise Http404
        return await view(request)

    return wrapper


@operators_only
@require_http_methods(["GET", "HEAD", "POST"])
async def show_setup(request: HttpRequest) -> HttpResponse:
    """Show the checklist; a POST names a `part`, a provider or the installation, tests it and shows the findings."""
    tested = request.POST.get("part", "")
    findings: Sequence[Finding] = ()
    if request.method == "POST":
        findings = await _test(tested, request=request)
    context = {
        "providers": [_setup_of(slug) for slug in PLACES],
        "tested": tested,
        "findings": findings,
        "can_test": settings.IS_VAULT_EMBEDDED,
        "app_url": settings.APP_URL,
        "is_debug": settings.DEBUG,
        "has_model": settings.HAS_MODEL,
        "is_model_off": settings.IS_MODEL_OFF,
        "price_state": price_state(),
        "spending": await sync_to_async(_load_spending)(),
        "sends_mail": not settings.EMAIL_BACKEND.endswith("console.EmailBackend"),
        "mail_host": settings.EMAIL_HOST,
        "scheduler": settings.SCHEDULER,
        "attendance": await sync_to_async(leading.find_attendance)(now=timezone.now()),
        "mismatch": await sync_to_async(_find_mismatch)(),
        "reconciled_events": reconcile.RECENT_EVENTS,
        "many": reconcile.MAX_FINDINGS,
    }
    return await sync_to_async(render)(request, "setup/page.html", context)


async def _test(part: str, *, request: HttpRequest) -> Sequence[Finding]:
    if part == _INSTALLATION:
        return await setup_checks.check_installation(request)
    if not settings.IS_VAULT_EMBEDDED or part not in settings.PROVIDERS:
        raise Http404
    from vault import probe  # noqa: PLC0415  (a web process without a vault has no such app)

    return await probe.check(part)


def _load_spending() -> dict[str, Any]:
    """Return what everybody's answers of Claude cost today, UTC, and the budget for it, "" where there is none."""
    found = spending.load_standing_of_all(day=timezone.now().date())
    budget = dollars(found.budget_micro_usd) if found.budget_micro_usd else ""
    return {"today": dollars(found.spent_micro_usd), "budget": budget, "is_spent": found.is_spent}


def _find_mismatch() -> tuple[int, int] | None:
    """Return how many calls lack their exchange, and exchanges their run, of late; None where the audit is away."""
    try:
        found = reconcile.find_recent_mismatch()
    except Error:
        return None
    return len(found.calls_without_exchange), len(found.exchanges_without_run)


def _setup_of(slug: str) -> ProviderSetup:
    place, configured = PLACES[slug], settings.PROVIDERS.get(slug)
    state = "missing" if configured is None else "stand_in" if configured.is_sandbox else "real"
    names = [place.client_id_variable]
    # A vault apart has the secrets, and this process does not even know whether they are set.
    names += [place.client_secret_variable] if settings.IS_VAULT_EMBEDDED else []
    return ProviderSetup(
        slug=slug,
        name=SERVICES[slug].name,
        state=state,
        # As `vault.connect.redirect_uri` returns it, which is not at hand where the vault is apart.
        callback_url=f"{settings.VAULT_ISSUER}/connect/{slug}/callback",
        guide=f"docs/connect-{place.variable_prefix.lower()}.md",
        variables=tuple((name, env.is_set(name)) for name in names),
    )


def _is_tried_out_here(request: HttpRequest) -> bool:
    """Tell whether a trial installation is asked from its own machine, under its own name.

    SECURITY: the name is looked at as well, since a page elsewhere could point a name of its own at this machine.
    """
    if not settings.DEBUG:
        return False
    domain, _port = split_domain_port(request.get_host())
    is_called_so = domain.strip("[]") in this_machine.NAMES
    return is_called_so and request.META.get("REMOTE_ADDR") in this_machine.ADDRESSES
