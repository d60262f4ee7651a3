"""The command prints a sentence per check, and its exit code says whether all is well."""

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from devcontext.settings import providers
from tests.vault.provider_host import Host, serve_host


@pytest.fixture
def host(settings: Any) -> Iterator[Host]:
    with serve_host(Host(token_answer=(200, {"error": "bad_verification_code"}))) as host:
        settings.PROVIDERS = providers.load(sandbox_url=host.url, with_secrets=True)
        yield host


def run(provider: str, *, out: StringIO) -> list[str]:
    call_command("check_provider", provider, stdout=out)
    return out.getvalue().splitlines()


def test_each_check_is_a_line_that_begins_with_its_verdict(host: Host) -> None:
    verdicts = [line.partition(":")[0] for line in run("github", out=StringIO())]
    assert verdicts == ["not checked", "ok", "not checked", "ok", "ok"]


def test_something_wrong_is_exit_code_1_after_all_checks(host: Host) -> None:
    host.token_answer = (200, {"error": "incorrect_client_credentials"})
    out = StringIO()
    with pytest.raises(SystemExit) as left:
        run("github", out=out)
    assert left.value.code == 1
    assert "wrong: github does not accept client devcontext-sandbox" in out.getvalue()
    assert f"ok: {host.url} answers." in out.getvalue()


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(CommandError, match=r"There are: github, google-calendar, slack\."):
        run("jira", out=StringIO())


def test_a_provider_that_is_not_configured_is_said_to_be_so(settings: Any) -> None:
    settings.PROVIDERS = {}
    with pytest.raises(CommandError, match="slack is not configured here"):
        run("slack", out=StringIO())
