"""Where a webhook may be: the public internet over https, by what its name leads to at the moment of sending."""

import socket
from typing import Any

import pytest

from agent.delivery.addresses import require_slack, require_webhook, resolve
from agent.delivery.errors import BadAddressError, NeverError, TryAgainError
from tests.agent.delivery.conftest import HOOK, SLACK_ADDRESS

INSIDE = (
    *("127.0.0.1", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),  # noqa: S104  (refused)
    *("224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.2.1"),
    *("::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1"),
    *("64:ff9b::a00:1", "2002:a00:1::", "2001:0:1::1"),
)


@pytest.mark.parametrize("number", INSIDE)
async def test_what_is_inside_is_never_sent_to(number: str) -> None:
    """SSRF: metadata services, routers, databases; an IPv4 address hidden within an IPv6 one."""
    address = f"https://[{number}]/hook" if ":" in number else f"https://{number}/hook"
    with pytest.raises(BadAddressError, match="not_public"):
        require_webhook(address)
    with pytest.raises(NeverError):
        await resolve(address)


@pytest.mark.parametrize("number", [each for each in INSIDE if each not in {"127.0.0.1", "::1", "::ffff:127.0.0.1"}])
async def test_an_operator_who_allows_this_machine_allows_no_network(number: str, settings: Any) -> None:
    settings.WEBHOOKS_ALLOW_LOOPBACK = True
    with pytest.raises(NeverError):
        await resolve(f"https://[{number}]/" if ":" in number else f"https://{number}/")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://example.org/hook", "not_https"),
        ("ftp://example.org/hook", "not_https"),
        ("file:///etc/passwd", "not_an_address"),
        ("javascript:alert(1)", "not_an_address"),
        ("https://", "not_an_address"),
        ("", "not_an_address"),
        ("https://alice:secret@example.org/", "has_password"),
        ("https://example.org/\r\nHost: inside", "not_an_address"),
        ("https://example.org/ x", "not_an_address"),
        ("https://example.org/" + "x" * 3000, "not_an_address"),
        ("https://exämple.org/", "not_an_address"),
    ],
)
def test_what_is_no_address_of_a_webhook_is_refused(address: str, reason: str) -> None:
    with pytest.raises(BadAddressError, match=reason):
        require_webhook(address)


@pytest.mark.parametrize("address", ["http://example.org/hook", "http://93.184.216.34/hook"])
def test_in_the_open_only_this_machine_is_told(address: str, settings: Any) -> None:
    settings.WEBHOOKS_ALLOW_LOOPBACK = True
    with pytest.raises(BadAddressError, match="not_https"):
        require_webhook(address)
    for here in ("http://localhost:8025/hook", "http://127.0.0.1:8025/hook", "http://[::1]:8025/hook"):
        assert require_webhook(here) == here


def test_a_public_address_is_kept_without_its_fragment() -> None:
    assert require_webhook("https://Example.org:8443/a?b=c#d") == "https://example.org:8443/a?b=c"


@pytest.mark.parametrize(
    "spelled",
    ["https://2130706433/", "https://0x7f000001/", "https://017700000001/", "https://127.1/", "https://localhost/"],
)
async def test_other_spellings_of_this_machine_lead_nowhere(spelled: str) -> None:
    """The resolver reads them as 127.0.0.1, where its platform does; what it finds is what is looked at."""
    with pytest.raises((NeverError, TryAgainError)):
        await resolve(spelled)


async def test_a_name_is_looked_at_where_it_leads_and_connected_to_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the number that was looked at is the one that is used."""
    _lead(monkeypatch, "93.184.215.14")
    target = await resolve("https://hooks.example.org:8443/x?y=1")
    assert str(target.url) == "https://93.184.215.14:8443/x?y=1"
    assert (target.host, target.netloc) == ("hooks.example.org", "hooks.example.org:8443")


async def test_a_name_that_leads_outside_and_inside_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _lead(monkeypatch, "93.184.215.14", "10.0.0.7")
    with pytest.raises(NeverError, match="address_refused"):
        await resolve("https://hooks.example.org/")


async def test_plain_http_reaches_this_machine_alone(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.WEBHOOKS_ALLOW_LOOPBACK = True
    _lead(monkeypatch, "93.184.215.14")
    with pytest.raises(NeverError):
        await resolve("http://hooks.example.org/")


def _lead(monkeypatch: pytest.MonkeyPatch, *numbers: str) -> None:
    """Let every name lead to these numbers, as a resolver would say."""
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (number, 443)) for number in numbers]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: answer)


@pytest.mark.parametrize("name", ["xn--strae-oqa.de", "xn--a.example"])
async def test_a_name_is_looked_up_as_it_was_written(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoded and encoded again, the first would be another domain, and the second is none that can be decoded."""
    _lead(monkeypatch, "93.184.216.34")
    target = await resolve(require_webhook(f"https://{name}/hook"))
    assert (target.host, target.netloc, str(target.url)) == (name, name, "https://93.184.216.34/hook")


def test_of_slacks_address_the_path_is_kept() -> None:
    assert require_slack(SLACK_ADDRESS) == HOOK


@pytest.mark.parametrize(
    "address",
    [
        SLACK_ADDRESS.replace("https", "http"),
        SLACK_ADDRESS.replace("hooks.slack.com", "hooks.slack.com.evil.example"),
        SLACK_ADDRESS.replace("hooks.slack.com", "hooks.slack.com@evil.example"),
        SLACK_ADDRESS.replace("hooks.slack.com", "slack.com"),
        SLACK_ADDRESS.replace("/services/", "/workflows/"),
        SLACK_ADDRESS + "/../../x",
        SLACK_ADDRESS + "?x=1",
        SLACK_ADDRESS + "\n",
        "https://hooks.slack.com/services/T/B/",
        "",
    ],
)
def test_what_is_no_incoming_webhook_of_slack_is_refused(address: str) -> None:
    with pytest.raises(BadAddressError, match="not_slack"):
        require_slack(address)
