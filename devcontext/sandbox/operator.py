"""How a person or a test upsets the sandbox: failures, limits and the clock, by JSON or on one page without script."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from html import escape
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from devcontext.sandbox.context import Sandbox, sandbox_of
from devcontext.sandbox.faults.orders import OrderError
from devcontext.sandbox.limits import Mode
from devcontext.sandbox.pages import facts, page, paragraph

_PATH = "/operator"
_NUMBERS = frozenset({"times", "seconds", "left", "advance_seconds", "access_lifetime_seconds"})


def _order(sandbox: Sandbox, *, subject: str, body: object) -> None:
    """Do what was ordered.

    Raises:
        OrderError: There is no such thing.
    """
    match subject:
        case "faults":
            sandbox.faults.order(body)
        case "limits":
            sandbox.limits.order(body)
        case "clock":
            sandbox.clock.order(body)
        case _:
            raise OrderError("There is no such form.")


def operator_routes() -> list[Route]:
    """Return the page and the three addresses that take JSON."""
    commands = [Route(f"/{subject}", _command(subject), methods=["POST"]) for subject in ("faults", "limits", "clock")]
    return [*commands, Route(_PATH, operator, methods=["GET", "POST"])]


def _command(subject: str) -> Callable[[Request], Awaitable[Response]]:
    async def command(request: Request) -> Response:
        """Do what one JSON object orders; 204, or 400 with a sentence."""
        # SECURITY: a form on a foreign page cannot send this content type without asking first.
        if not request.headers.get("content-type", "").startswith("application/json"):
            return JSONResponse({"error": "Send application/json."}, status_code=415)
        if "origin" in request.headers and not _is_own_origin(request):
            return JSONResponse({"error": "Orders come from this machine's own page."}, status_code=403)
        try:
            _order(sandbox_of(request), subject=subject, body=json.loads(await request.body()))
        except OrderError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except (ValueError, RecursionError):
            return JSONResponse({"error": "Send one JSON object."}, status_code=400)
        return Response(status_code=204)

    return command


async def operator(request: Request) -> Response:
    """Show what is set and the forms that change it, or do what one form says and show the page again."""
    sandbox = sandbox_of(request)
    if request.method == "GET":
        return _page(sandbox)
    # SECURITY: a browser names the page that sends a form; what names none, or another, is refused.
    if not _is_own_origin(request):
        return _page(sandbox, problem="Orders come from this page only.", status=403)
    form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
    try:
        _order(sandbox, subject=form.pop("subject", ""), body=_typed(form))
    except OrderError as error:
        return _page(sandbox, problem=str(error), status=400)
    return RedirectResponse(_PATH, status_code=303)


def _is_own_origin(request: Request) -> bool:
    # The host itself was checked against this machine's names.
    return request.headers.get("origin") == f"{request.url.scheme}://{request.headers.get('host', '')}"


def _typed(form: Mapping[str, str]) -> dict[str, object]:
    """Return a form's values as an order has them: numbers as numbers, a combined choice as its two parts.

    Raises:
        OrderError: A number is none.
    """
    values: dict[str, object] = dict(form)
    for name in _NUMBERS & form.keys():
        try:
            values[name] = float(form[name])
        except ValueError:
            raise OrderError(f"`{name}` must be a number.") from None
    provider, _, chosen = str(values.pop("choice", "")).partition(":")
    if provider:
        values |= {"provider": provider, ("mode" if chosen in list(Mode) else "case"): chosen}
    return values


def _page(sandbox: Sandbox, *, problem: str = "", status: int = 200) -> Response:
    answer = page(
        "Sandbox operator",
        paragraph(problem) + _state(sandbox) + _faults_form(sandbox) + _limits_form(sandbox) + _clock_form(),
        notice=f"This upsets the sandbox only: {sandbox.world.label}.",
        status=status,
    )
    # A page without a referrer sends its forms with the origin "null", which could be anybody.
    answer.headers["referrer-policy"] = "same-origin"
    return answer


def _state(sandbox: Sandbox) -> str:
    pending = "; ".join(
        f"{provider} {order.case.name}, {times} times" for provider, order, times in sandbox.faults.pending()
    )
    modes = "; ".join(f"{provider} {mode}" for provider, mode in sandbox.limits.modes().items())
    lifetime = sandbox.clock.lifetime
    return "<h2>Now</h2>" + facts(
        [
            ("Failures to come", pending or "none"),
            ("Limits", modes),
            ("Token clock", f"{sandbox.now():%Y-%m-%d %H:%M:%S %Z}, {sandbox.clock.moved.total_seconds():g} s ahead"),
            ("Access tokens live", f"{lifetime.total_seconds():g} s" if lifetime else "as at the provider"),
        ]
    )


def _faults_form(sandbox: Sandbox) -> str:
    choices = {provider: list(cases) for provider, cases in sandbox.faults.catalogue.items()}
    fields = _choice("Failure", choices) + _number("Times (0 ends it)", "times", value=1, largest=1000)
    return _form("faults", "Let it fail", fields + _number("Seconds", "seconds", value="", largest=120))


def _limits_form(sandbox: Sandbox) -> str:
    choice = _choice("Limits", sandbox.limits.choices)
    return _form("limits", "Count", choice + _number("Left", "left", value=5000, largest=5000))


def _clock_form() -> str:
    ahead = _number("Move on by seconds", "advance_seconds", value=0, largest=31622400)
    return _form(
        "clock",
        "Set the clock",
        ahead + _number("New access tokens live (0: usual)", "access_lifetime_seconds", value=0),
    )


def _form(subject: str, button: str, fields: str) -> str:
    return (
        f'<form method="post" action="{_PATH}"><input type="hidden" name="subject" value="{subject}">{fields}'
        f"<button>{escape(button)}</button></form>"
    )


def _choice(label: str, choices: Mapping[str, Sequence[str]]) -> str:
    groups = "".join(
        f'<optgroup label="{provider}">'
        + "".join(f'<option value="{provider}:{escape(name)}">{provider} {escape(name)}</option>' for name in names)
        + "</optgroup>"
        for provider, names in choices.items()
    )
    return f'<label>{escape(label)} <select name="choice">{groups}</select></label>'


def _number(label: str, name: str, *, value: int | str, largest: int = 43200) -> str:
    return f'<label>{escape(label)} <input type="number" name="{name}" value="{value}" min="0" max="{largest}"></label>'
