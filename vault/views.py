"""The vault over HTTP, but for the token endpoint: what each endpoint asks of `EmbeddedVault`. It decides nothing."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_GET

from vault import connect, wire
from vault.embedded import EmbeddedVault
from vault.endpoint import NO_STORE, Form, endpoint, is_on, required
from vault.errors import InvalidRequestError
from vault.types import AccountChoice


@endpoint
async def start_connect(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Begin a connect flow: `{"authorization_url": "https://…"}`."""
    url = await vault.start_connect(
        subject_token=required(form, "subject_token"),
        provider=required(form, "provider"),
        scope_groups=form.get("scope_groups", "").split(),
        reconnects=form.get("reconnects", ""),
        leaves_out=form.get("leaves_out", "").split(),
    )
    return {"authorization_url": url}


@endpoint
async def confirm_connection(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Activate a pending connection and return it; `choice` is `replace` or `keep_both` where one is needed."""
    choice = form.get("choice", "")
    if choice not in set(AccountChoice):
        raise InvalidRequestError
    connected = await vault.confirm_connection(
        subject_token=required(form, "subject_token"),
        connection=required(form, "connection"),
        nonce=required(form, "nonce"),
        choice=AccountChoice(choice),
    )
    return wire.connection_to_json(connected)


@endpoint
async def load_pending(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Return a pending connection: who signed in, and whose place it is to take."""
    pending = await vault.load_pending(
        subject_token=required(form, "subject_token"),
        connection=required(form, "connection"),
        nonce=required(form, "nonce"),
    )
    return wire.pending_to_json(pending)


@endpoint
async def discard_connection(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Erase a pending connection and revoke its grant: `{}`."""
    await vault.discard_connection(
        subject_token=required(form, "subject_token"),
        connection=required(form, "connection"),
        nonce=required(form, "nonce"),
    )
    return {}


@endpoint
async def list_connections(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Return the user's connections: `{"connections": […]}`."""
    listed = await vault.list_connections(subject_token=required(form, "subject_token"))
    return {"connections": [wire.connection_to_json(connection) for connection in listed]}


@endpoint
async def set_access(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Flip the switch of a connection and return it; `is_allowed` is `true` or `false`."""
    changed = await vault.set_access(
        subject_token=required(form, "subject_token"),
        connection=required(form, "connection"),
        is_allowed=is_on(form, "is_allowed"),
    )
    return wire.connection_to_json(changed)


@endpoint
async def set_default(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Make a connection its provider's default and return it."""
    changed = await vault.set_default(
        subject_token=required(form, "subject_token"), connection=required(form, "connection")
    )
    return wire.connection_to_json(changed)


@endpoint
async def list_revocations(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Return what became of the user's erased tokens: `{"revocations": […]}`."""
    listed = await vault.list_revocations(subject_token=required(form, "subject_token"))
    return {"revocations": [wire.revocation_to_json(revocation) for revocation in listed]}


@endpoint
async def disconnect(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Erase a connection: `{}`."""
    await vault.disconnect(subject_token=required(form, "subject_token"), connection=required(form, "connection"))
    return {}


@endpoint
async def revoke(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Refuse a token from now on: `{}`, also for one that is not the client's. Source: RFC 7009 section 2."""
    # `token_type_hint` is not needed: a token says itself which kind it is (section 2.1 lets it be ignored).
    await vault.revoke_token(required(form, "token"))
    return {}


@endpoint
async def fingerprint_token(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Return the fingerprint of an upstream token, for the user who holds it: `{"fingerprint": "…"}`."""
    found = await vault.fingerprint_token(subject_token=required(form, "subject_token"), token=required(form, "token"))
    return {"fingerprint": found}


@endpoint
async def introspect(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Return what is known of a token. Source: RFC 7662 section 2."""
    return await vault.introspect_token(required(form, "token"))


@endpoint
async def prove_receipt(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Return what became of an exchange, by the receipt that came with its token: `{"state": "sealed", …}`."""
    return await vault.prove_receipt(required(form, "receipt"))


@require_GET
async def callback(request: HttpRequest, provider: str) -> HttpResponse:
    """Take the browser back from a provider, and send it to the app without anything the provider sent."""
    if provider not in settings.PROVIDERS:
        raise Http404
    # RFC 6749 section 3.1: a parameter comes once. One that came twice must not pass for one that did not come.
    is_plain = all(len(values) == 1 for _, values in request.GET.lists())
    query = request.GET.dict() if is_plain else {}
    return HttpResponseRedirect(await connect.finish(provider, query=query), headers=NO_STORE)
