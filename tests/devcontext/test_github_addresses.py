"""Which GitHub this is, and what kind of app we are there, follows from two variables."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from devcontext.providers.types import ProviderSettings
from devcontext.settings.providers import load
from tests.authority import make_authority


def _load(monkeypatch: pytest.MonkeyPatch, **environment: str) -> ProviderSettings:
    for name, value in {"GITHUB_CLIENT_ID": "id", "GITHUB_CLIENT_SECRET": "shh", **environment}.items():
        monkeypatch.setenv(name, value)
    return load(sandbox_url="", with_secrets=True)["github"]


@pytest.mark.parametrize(
    ("url", "api", "graphql"),
    [
        ("", "https://api.github.com", ""),
        ("https://github.com/", "https://api.github.com", ""),
        ("https://ghe.example", "https://ghe.example/api/v3", "https://ghe.example/api/graphql"),
        ("https://ghe.example:8443/", "https://ghe.example:8443/api/v3", "https://ghe.example:8443/api/graphql"),
        ("https://acme.ghe.com", "https://api.acme.ghe.com", "https://api.acme.ghe.com/graphql"),
    ],
)
def test_each_github_has_its_own_addresses(monkeypatch: pytest.MonkeyPatch, url: str, api: str, graphql: str) -> None:
    found = _load(monkeypatch, GITHUB_URL=url)
    web = url.rstrip("/") or "https://github.com"
    assert (found.api_url, found.graphql_url, found.web_url) == (api, graphql, web)
    assert found.token_url == f"{web}/login/oauth/access_token"
    assert found.authorization_url == f"{web}/login/oauth/authorize"
    assert (found.account_url, found.revocation_url) == (f"{api}/user", f"{api}/applications/id/grant")


@pytest.mark.parametrize(
    "url",
    [
        "http://ghe.example",
        "ghe.example",
        "https://ghe.example/api/v3",
        "https://me@ghe.example",
        "https://",
        "https://a?b",
    ],
)
def test_what_is_no_plain_https_address_stops_the_start(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="GITHUB_URL"):
        _load(monkeypatch, GITHUB_URL=url)


@pytest.mark.parametrize(("value", "kind"), [("", "app"), ("app", "app"), ("oauth", "oauth")])
def test_the_kind_of_app_is_a_github_app_unless_told(monkeypatch: pytest.MonkeyPatch, value: str, kind: str) -> None:
    assert _load(monkeypatch, GITHUB_APP_KIND=value).app_kind == kind


def test_an_authority_of_its_own_is_named_by_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ca_file, _ = make_authority(tmp_path)
    assert _load(monkeypatch, GITHUB_CA_FILE=str(ca_file)).ca_file == str(ca_file)
    assert _load(monkeypatch, GITHUB_CA_FILE="").ca_file == ""


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_file_without_an_authority_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_text(content)
    with pytest.raises(ImproperlyConfigured, match="GITHUB_CA_FILE"):
        _load(monkeypatch, GITHUB_CA_FILE=str(tmp_path / "ca.pem"))


def test_another_kind_of_app_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImproperlyConfigured, match="GITHUB_APP_KIND"):
        _load(monkeypatch, GITHUB_APP_KIND="classic")
