"""Where a webhook may be: an https address whose name leads to the public internet, looked at anew at each try.

The name is resolved here, and what was looked at is what is connected to: a name that leads elsewhere a moment later
changes nothing.
"""

import asyncio
import ipaddress
import re
import socket
from dataclasses import dataclass

import httpx
from django.conf import settings

from agent.delivery.errors import BadAddressError, NeverError, TryAgainError
from agent.delivery.types import Failure

# As browsers and proxies take them.
_MAX_CHARACTERS = 2000
# Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks. The page shows such addresses and
# gives no rule; NOT VERIFIED for how long each part may be.
_SLACK = re.compile(r"https://hooks\.slack\.com(/services/T[A-Z0-9]{2,20}/B[A-Z0-9]{2,20}/[A-Za-z0-9]{8,64})", re.ASCII)
# Addresses that carry an IPv4 address within; a gateway would lead to that one. Source: RFC 6052, 3056, 4380.
_TUNNELS = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))

_IP = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Target:
    """An address that was looked at: `url` names the machine by its number, `host` as its certificate does."""

    url: httpx.URL
    host: str
    netloc: str


def require_webhook(text: str) -> str:
    """Return the address of a webhook as it is kept.

    Raises:
        BadAddressError: `not_https`, `has_password`, `not_public` or `not_an_address`.
    """
    if len(text) > _MAX_CHARACTERS or not text.isprintable() or not text.isascii() or " " in text:
        raise BadAddressError("not_an_address")
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        raise BadAddressError("not_an_address") from None
    if not _host(url):
        raise BadAddressError("not_an_address")
    if url.userinfo:
        # It would lie in logs of whoever is on the way, and in our pages with the host.
        raise BadAddressError("has_password")
    _require_scheme(url)
    number = _number(_host(url))
    if number and not _is_allowed(number):
        raise BadAddressError("not_public")
    if url.scheme == "http" and _host(url) != "localhost" and not (number and number.is_loopback):
        raise BadAddressError("not_https")
    return str(url.copy_with(fragment=None))


def require_slack(text: str) -> str:
    """Return the path of an address that Slack made for incoming webhooks; its host is always the same.

    Raises:
        BadAddressError: `not_slack`.
    """
    found = _SLACK.fullmatch(text)
    if not found:
        raise BadAddressError("not_slack")
    return found[1]


async def resolve(address: str) -> Target:
    """Return where `address` leads now.

    Raises:
        NeverError: It leads to a machine that is not public.
        TryAgainError: Its name leads nowhere at the moment.
    """
    url = httpx.URL(address)
    try:
        _require_scheme(url)
    except BadAddressError:
        raise NeverError(Failure.ADDRESS_REFUSED) from None
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(_host(url), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise TryAgainError(Failure.UNREACHABLE) from None
    numbers = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    # SECURITY: one that is not public among several is a name that is meant to lead inside.
    if not numbers or not all(map(_is_allowed, numbers)):
        raise NeverError(Failure.ADDRESS_REFUSED)
    if url.scheme == "http" and not all(number.is_loopback for number in numbers):
        raise NeverError(Failure.ADDRESS_REFUSED)
    return Target(url=url.copy_with(host=str(numbers[0])), host=_host(url), netloc=url.netloc.decode())


def _require_scheme(url: httpx.URL) -> None:
    # SECURITY: in the open to this machine alone, and only where its operator says so.
    if url.scheme == "https" or (url.scheme == "http" and settings.WEBHOOKS_ALLOW_LOOPBACK):
        return
    raise BadAddressError("not_https")


def _host(url: httpx.URL) -> str:
    """Return the name as it goes over the wire: decoded, it may be encoded again as that of another domain."""
    return url.raw_host.decode("ascii")


def _number(host: str) -> _IP | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_allowed(number: _IP) -> bool:
    if isinstance(number, ipaddress.IPv6Address) and number.ipv4_mapped:
        number = number.ipv4_mapped
    if number.is_loopback:
        return bool(settings.WEBHOOKS_ALLOW_LOOPBACK)
    if isinstance(number, ipaddress.IPv6Address) and any(number in tunnel for tunnel in _TUNNELS):
        return False
    # Multicast counts as global, and nobody listens there.
    return number.is_global and not number.is_multicast and not number.is_reserved
