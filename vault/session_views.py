"""The endpoints behind `HTTPVault` that end sessions, pause connections and keep grants. They decide nothing."""

from typing import Any

from vault import wire
from vault.embedded import EmbeddedVault
from vault.endpoint import Form, endpoint, is_on, required


@endpoint
async def pause_access(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Pause a connection and return it; without `until` its pause ends."""
    until = wire.instant_from_form(form["until"]) if "until" in form else None
    changed = await vault.pause_access(
        subject_token=required(form, "subject_token"), connection=required(form, "connection"), until=until
    )
    return wire.connection_to_json(changed)


@endpoint
async def set_away(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Let a connection be read in the user's absence, or not, and return it; `is_allowed` is `true` or `false`."""
    changed = await vault.set_away(
        subject_token=required(form, "subject_token"),
        connection=required(form, "connection"),
        is_allowed=is_on(form, "is_allowed"),
    )
    return wire.connection_to_json(changed)


@endpoint
async def create_grant(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Make a grant of `providers` to `agent` and its `tools`, separated by spaces, and return it."""
    grant = await vault.create_grant(
        subject_token=required(form, "subject_token"),
        agent=required(form, "agent"),
        providers=required(form, "providers").split(),
        tools=required(form, "tools").split(),
        expires_at=wire.instant_from_form(required(form, "expires_at")),
    )
    return wire.grant_to_json(grant)


@endpoint
async def change_grant(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Replace what a grant holds, by the fields of `create_grant`, and return it."""
    grant = await vault.change_grant(
        subject_token=required(form, "subject_token"),
        grant=required(form, "grant"),
        providers=required(form, "providers").split(),
        tools=required(form, "tools").split(),
        expires_at=wire.instant_from_form(required(form, "expires_at")),
    )
    return wire.grant_to_json(grant)


@endpoint
async def list_grants(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Return the user's grants that were not ended: `{"grants": […]}`."""
    found = await vault.list_grants(subject_token=required(form, "subject_token"))
    return {"grants": [wire.grant_to_json(grant) for grant in found]}


@endpoint
async def end_grant(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """End a grant: `{}`."""
    await vault.end_grant(subject_token=required(form, "subject_token"), grant=required(form, "grant"))
    return {}


@endpoint
async def end_session(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """End the session of the subject token: `{}`."""
    await vault.end_session(subject_token=required(form, "subject_token"))
    return {}


@endpoint
async def end_subject(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """End every session and grant of the user: `{}`."""
    await vault.end_subject(subject_token=required(form, "subject_token"))
    return {}


@endpoint
async def forget_subject(vault: EmbeddedVault, form: Form) -> dict[str, Any]:
    """Erase everything of the user for good: `{}`."""
    await vault.forget_subject(subject_token=required(form, "subject_token"))
    return {}
