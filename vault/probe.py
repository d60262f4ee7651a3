"""Tests how a provider is configured, by requests that can open nothing: a code that nobody was given, and no token.

Neither a secret nor a provider's words are repeated, and what only a person's consent can show is said to be open.
"""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from vault.connect import redirect_uri
from vault.errors import UpstreamError
from vault.findings import Finding, Verdict
from vault.providers import registry
from vault.providers.base import Configuration, Provider, configuration, reach

# A provider looks at who asks before it looks at this, which it never issued.
_CODE = "devcontext-configuration-check"
# RFC 7636 section 4.1: 43 characters at least.
_CODE_VERIFIER = _CODE * 2
# What the vault lets its own clock and that of the web process differ (`vault.tokens`); two machines that both keep to
# a provider's time keep to each other's.
_LARGEST_SKEW = timedelta(seconds=5)
# The `Date` of an answer counts whole seconds.
_RESOLUTION = timedelta(seconds=1)
_FAILURES = {
    "unreachable": "cannot be reached from here: look at name resolution, firewall and TLS",
    "no_answer": "broke off, or took too long",
    "rate_limited": "was asked too often and wants to be left alone for a while",
    "bad_answer": "answered with something that is not its protocol, as a proxy in between does",
}


async def check(provider: str) -> list[Finding]:
    """Return what there is to say about a provider's configuration; it never raises for what it finds.

    Raises:
        NotConnectedError: `provider` is unknown or not configured here.
    """
    chosen, configured = registry.load(provider), configuration(provider)
    findings = [_stand_in(provider)] if configured.is_sandbox else []
    findings += await _check_client(chosen, configured=configured)
    for url in _addresses(configured):
        findings += await _check_address(url)
    return findings


async def _check_client(provider: Provider, *, configured: Configuration) -> list[Finding]:
    """Redeem a code that does not exist. The provider's error tells a client that it does not know from a bad code."""
    if not configured.client_secret:
        return [Finding(Verdict.WRONG, f"{provider.id} has a client id and no client secret."), _callback(provider)]
    try:
        await provider.redeem(
            code=_CODE,
            redirect_uri=redirect_uri(provider.id),
            code_verifier=_CODE_VERIFIER if provider.uses_pkce else "",
        )
    except UpstreamError as error:
        return _read_refusal(error.code, provider=provider, configured=configured)
    origin = _origin(configured.token_url)
    return [Finding(Verdict.WRONG, f"{origin} issued tokens for a code that does not exist: this is no {provider.id}.")]


def _read_refusal(code: str, *, provider: Provider, configured: Configuration) -> list[Finding]:
    client = f"client {configured.client_id}"
    match provider.blames.get(code):
        case "code":
            return [Finding(Verdict.GOOD, f"{provider.id} knows {client} and its secret."), _callback(provider)]
        case "client":
            sentence = f"{provider.id} does not accept {client} with this secret ({code})."
            return [Finding(Verdict.WRONG, sentence), _callback(provider)]
        case "callback":
            sentence = f"{redirect_uri(provider.id)} is not registered as callback address of {client} ({code})."
            return [Finding(Verdict.WRONG, sentence)]
        case _:
            sentence = f"{client} could not be tried: {_origin(configured.token_url)} {_failure(code)}."
            return [Finding(Verdict.WRONG, sentence), _callback(provider)]


def _callback(provider: Provider) -> Finding:
    return Finding(
        Verdict.OPEN,
        f"Only connecting an account shows whether {redirect_uri(provider.id)} is registered as callback address.",
    )


def _stand_in(provider: str) -> Finding:
    return Finding(Verdict.OPEN, f"This is the sandbox's stand-in, which says nothing about the real {provider}.")


def _addresses(configured: Configuration) -> list[str]:
    """Return where people are sent and what else this process reads, one address per host.

    A vault of its own never calls the API.
    """
    own = [configured.api_url] if settings.IS_VAULT_EMBEDDED else []
    urls = [*own, configured.authorization_url, configured.account_url]
    return list({_origin(url): url for url in urls}.values())


async def _check_address(url: str) -> list[Finding]:
    asked_at = timezone.now()
    try:
        date = await reach(url)
    except UpstreamError as error:
        return [Finding(Verdict.WRONG, f"{_origin(url)} {_failure(error.code)}.")]
    return [
        Finding(Verdict.GOOD, f"{_origin(url)} answers."),
        _compare_clocks(date, origin=_origin(url), asked_at=asked_at, answered_at=timezone.now()),
    ]


def _compare_clocks(date: str, *, origin: str, asked_at: datetime, answered_at: datetime) -> Finding:
    """Compare with the moments around the request: what a slow answer took is no fault of a clock."""
    theirs = _parse_date(date)
    if theirs is None:
        return Finding(Verdict.OPEN, f"{origin} does not tell its time, so this machine's clock was not compared.")
    ahead, behind = asked_at - theirs - _RESOLUTION, theirs - answered_at
    if max(ahead, behind) <= _LARGEST_SKEW:
        return Finding(Verdict.GOOD, f"This machine's clock agrees with that of {origin}.")
    skew, word = (ahead, "ahead of") if ahead > behind else (behind, "behind")
    return Finding(
        Verdict.WRONG,
        f"This machine's clock is about {round(skew.total_seconds())} seconds {word} that of {origin}.",
    )


def _parse_date(date: str) -> datetime | None:
    """Source: RFC 9110 section 5.6.7; a `Date` is in GMT, however it is spelled."""
    try:
        return parsedate_to_datetime(date).replace(tzinfo=UTC)
    except ValueError:
        return None


def _failure(code: str) -> str:
    if code.startswith("http_5"):
        return f"is out of order ({code})"
    return _FAILURES.get(code, f"gave an answer that tells nothing about it ({code})")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
