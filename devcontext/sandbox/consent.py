"""The consent page of each provider: who asks, what for, Allow or Cancel.

The form carries a one-time token and the user's choice only; what is granted comes from the question kept with that
token, so a changed or repeated form grants nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from devcontext.sandbox.accounts import ACCOUNTS, MAIN, person_of
from devcontext.sandbox.context import sandbox_of
from devcontext.sandbox.faults.cases import Place
from devcontext.sandbox.oauth import (
    CODE_LIFETIME,
    QUESTION_LIFETIME,
    AuthorizationRefusedError,
    Flavour,
    check_request,
)
from devcontext.sandbox.pages import page, paragraph
from devcontext.sandbox.store import AuthorizationRequest
from devcontext.sandbox.types import Person


def consent_route(flavour: Flavour) -> Route:
    """Return the authorization endpoint of one provider: GET asks the user, POST takes the answer."""

    async def authorize(request: Request) -> Response:
        if request.method == "POST":
            return await _answer(request, flavour)
        return _ask(request, flavour)

    return Route(flavour.authorize_path, authorize, methods=["GET", "POST"])


def _ask(request: Request, flavour: Flavour) -> Response:
    sandbox = sandbox_of(request)
    try:
        question = check_request(
            flavour,
            request.query_params.multi_items(),
            wants_refresh=flavour.wants_refresh(
                request.query_params, sandbox.store.has_live_refresh_token(flavour.provider)
            ),
        )
    except AuthorizationRefusedError as error:
        return _refusal(flavour, str(error))
    order = sandbox.faults.take(flavour.provider, place=Place.AUTHORIZE)
    if order is not None:
        return _back(question, order.case.body)
    form_token = sandbox.store.ask(question, ends_at=sandbox.now() + QUESTION_LIFETIME)
    return page(
        f"Sandbox {flavour.name}",
        _question_html(flavour, question, me=sandbox.world.now().me, form_token=form_token),
        notice=f"This is not {flavour.name}. It is a local stand-in: {sandbox.world.label}.",
        # The answer leads to the vault's callback and on from there to the app, which may be another local origin.
        form_target="http://localhost:* http://127.0.0.1:*",
    )


async def _answer(request: Request, flavour: Flavour) -> Response:
    sandbox = sandbox_of(request)
    form = parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
    values = dict(form)
    question = sandbox.store.take_question(values.get("form_token", ""), now=sandbox.now())
    if question is None or question.provider != flavour.provider:
        return _refusal(flavour, "This page was answered before or is too old. Start again in the app.")
    if values.get("decision") != "allow":
        return _back(question, flavour.denial)
    ticked = {value for name, value in form if name == "scope"}
    scope = tuple(scope for scope in question.scope if scope not in flavour.optional or scope in ticked)
    account = values.get("account", MAIN)
    granted = replace(question, scope=scope, account=account if account in ACCOUNTS else MAIN)
    code = sandbox.store.issue_code(granted, prefix=flavour.code_prefix, ends_at=sandbox.now() + CODE_LIFETIME)
    return _back(question, {"code": code})


def _back(question: AuthorizationRequest, parameters: Mapping[str, str]) -> Response:
    state = {"state": question.state} if question.state else {}
    return RedirectResponse(f"{question.redirect_uri}?{urlencode({**parameters, **state})}", status_code=303)


def _refusal(flavour: Flavour, sentence: str) -> Response:
    return page(
        f"Sandbox {flavour.name} refuses",
        paragraph(sentence),
        notice=f"This is not {flavour.name}. It is a local stand-in.",
        status=400,
    )


def _question_html(flavour: Flavour, question: AuthorizationRequest, *, me: Person, form_token: str) -> str:
    wishes = "".join(_wish_html(flavour, scope) for scope in question.scope) or "".join(
        f"<li>{escape(words)}</li>" for words in flavour.reads
    )
    accounts = "".join(_account_html(me, account=account) for account in ACCOUNTS)
    return (
        f"<p><strong>DevContext</strong> ({escape(_origin(question.redirect_uri))}) asks to read:</p>"
        f'<form method="post" action="{escape(flavour.authorize_path.rsplit("/", 1)[-1])}"><ul>{wishes}</ul>'
        f"<p>Sign in to this sandbox as:</p><ul>{accounts}</ul>"
        f'<input type="hidden" name="form_token" value="{form_token}">'
        '<button name="decision" value="allow">Allow</button><button name="decision" value="cancel">Cancel</button>'
        "</form>"
    )


def _account_html(me: Person, *, account: str) -> str:
    checked = " checked" if account == MAIN else ""
    return (
        f'<li><label><input type="radio" name="account" value="{escape(account)}"{checked}> '
        f"{escape(person_of(me, account=account).email)}, {escape(ACCOUNTS[account])}</label></li>"
    )


def _wish_html(flavour: Flavour, scope: str) -> str:
    words = escape(flavour.scopes[scope])
    if scope not in flavour.optional:
        return f"<li>{words} <code>{escape(scope)}</code></li>"
    return (
        f'<li><label><input type="checkbox" name="scope" value="{escape(scope)}" checked> {words} '
        f"<code>{escape(scope)}</code></label></li>"
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
