"""Tests of an installation's own parts, for the operator's checklist: its address, the vault and Claude.

They change nothing and cost nothing; neither a key nor the words of whoever answers are repeated.
"""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.http.request import validate_host
from django.utils.translation import gettext as _

from agent import claude
from agent.errors import ModelError
from devcontext import this_machine
from permissions import connections
from permissions.pages import load_asker
from vault.client import SessionEndedError, VaultError
from vault.findings import Finding, Verdict


async def check_installation(request: HttpRequest) -> list[Finding]:
    """Return what there is to say about this installation; it never raises for what it finds."""
    return [_address(request), _https(), _allowed_hosts(), await _vault(request), await _claude()]


def _address(request: HttpRequest) -> Finding:
    origin = f"{request.scheme}://{request.get_host()}"
    if origin == settings.APP_URL:
        return Finding(Verdict.GOOD, _("This page was opened at APP_URL."))
    sentence = _("This page was opened at %(origin)s, and APP_URL is %(url)s: forms sent from here may be refused.")
    return Finding(Verdict.WRONG, sentence % {"origin": origin, "url": settings.APP_URL})


def _https() -> Finding:
    url = urlsplit(settings.APP_URL)
    if url.scheme == "https":
        return Finding(Verdict.GOOD, _("APP_URL is https."))
    if url.hostname in this_machine.NAMES:
        return Finding(
            Verdict.OPEN, _("APP_URL is plain http, which will do on this machine alone; Slack wants https.")
        )
    return Finding(Verdict.WRONG, _("APP_URL is plain http: passwords and sessions can be read on the way."))


def _allowed_hosts() -> Finding:
    host = urlsplit(settings.APP_URL).hostname or ""
    if "*" in settings.ALLOWED_HOSTS:
        return Finding(Verdict.WRONG, _("ALLOWED_HOSTS lets every name in; name your own alone."))
    if validate_host(host, settings.ALLOWED_HOSTS) or (settings.DEBUG and host in this_machine.NAMES):
        return Finding(Verdict.GOOD, _("ALLOWED_HOSTS holds the name in APP_URL."))
    return Finding(Verdict.WRONG, _("ALLOWED_HOSTS does not hold the name in APP_URL, so nobody gets in by it."))


async def _vault(request: HttpRequest) -> Finding:
    """Ask it as any page does, with a signed token of whoever is signed in."""
    if not (await request.auser()).is_authenticated:
        return Finding(Verdict.OPEN, _("Sign in to test the token vault: it answers for somebody alone."))
    try:
        await connections.list_statuses(**await load_asker(request), is_fresh=True)
    except SessionEndedError:
        return Finding(Verdict.OPEN, _("Your session has ended at the token vault. Sign out and in again to test it."))
    except VaultError:
        return Finding(Verdict.WRONG, _("The token vault does not answer, or does not accept this process's key."))
    return Finding(Verdict.GOOD, _("The token vault answers, and accepts this process's key."))


async def _claude() -> Finding:
    if not settings.HAS_MODEL:
        return Finding(Verdict.OPEN, _("There is no key for Claude, so there is nothing to test."))
    try:
        offered = await claude.list_models()
    except ModelError as error:
        return Finding(Verdict.WRONG, error.message)
    names = {"model": settings.CLAUDE_MODEL}
    if settings.CLAUDE_MODEL not in offered:
        return Finding(Verdict.WRONG, _("The key is accepted, and %(model)s is not offered for it.") % names)
    if settings.IS_MODEL_SIMULATED:
        return Finding(Verdict.OPEN, _("The stand-in for Claude answers, which says nothing about the real one."))
    return Finding(Verdict.GOOD, _("Claude accepts the key, and offers %(model)s.") % names)
