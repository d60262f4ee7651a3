"""The policy lets a form lead to where connecting a service leads, and nowhere else; no cache keeps a page."""

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from devcontext.middleware import SecurityHeaders, content_security_policy


def form_action() -> str:
    return next(part for part in content_security_policy().split("; ") if part.startswith("form-action"))


def test_a_form_may_lead_to_the_providers_and_to_a_vault_elsewhere(settings: Any) -> None:
    """A provider that asks nothing again sends the browser on at once, and browsers hold the whole way to it."""
    settings.VAULT_ISSUER = "https://vault.example/"
    origins = form_action().split()[1:]
    assert origins[0] == "'self'"
    assert set(origins[1:]) == {settings.SANDBOX_URL, "https://vault.example"}


def test_a_vault_in_this_process_needs_no_mention(settings: Any) -> None:
    assert settings.VAULT_ISSUER == settings.APP_URL
    assert settings.APP_URL not in form_action()


@pytest.mark.parametrize(("own", "sent"), [({}, "no-store"), ({"Cache-Control": "max-age=60"}, "max-age=60")])
def test_no_cache_keeps_a_page_that_does_not_say_so_itself(own: dict[str, str], sent: str) -> None:
    """An answer is sealed at rest; a copy on the disk of a shared machine outlives the sign-out."""
    answer = SecurityHeaders(lambda _request: HttpResponse("an answer", headers=own))
    response = answer(RequestFactory().get("/"))
    assert isinstance(response, HttpResponse)
    assert response.headers["Cache-Control"] == sent
