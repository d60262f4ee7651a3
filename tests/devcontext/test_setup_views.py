"""The operator's checklist: who may see it, what it never shows, and that its tests are the real ones."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agent import spending
from agent.prices import Price
from agent.schedules import leading
from audit import reconcile
from audit.events import Entry, Event
from audit.record import record
from devcontext.sandbox.app import create_app
from devcontext.sandbox.world import tidewater_world
from devcontext.settings import providers
from tests.agent import claude_server
from tests.broken import table_away
from tests.vault.upstream import serve_app
from vault.connect import redirect_uri

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])

PAGE = "/setup/"
# Port 9 is discard; nobody listens.
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def here(settings: Settings) -> Client:
    """A browser on the machine of a trial installation."""
    settings.DEBUG = True
    settings.ALLOWED_HOSTS = ["localhost"]
    return Client(headers={"host": "localhost"})


@pytest.fixture
def sandbox(settings: Settings) -> Iterator[str]:
    with serve_app(lambda url: create_app(data=None, world=tidewater_world(), base_url=url)) as url:
        settings.PROVIDERS = providers.load(sandbox_url=url, with_secrets=True)
        yield url


def staff() -> Client:
    client = Client()
    client.force_login(User.objects.create_user("root", is_staff=True))
    return client


def test_who_tries_it_out_on_this_machine_sees_it(here: Client) -> None:
    assert here.get(PAGE).status_code == 200


def test_staff_see_it_anywhere() -> None:
    assert staff().get(PAGE, headers={"host": "testserver"}, REMOTE_ADDR="203.0.113.9").status_code == 200


def test_to_a_visitor_and_another_account_there_is_no_such_page(client: Client) -> None:
    assert client.get(PAGE).status_code == 404
    client.force_login(User.objects.create_user("mallory"))
    assert client.get(PAGE).status_code == 404
    assert client.post(PAGE, {"part": "github"}).status_code == 404


LINK = f'href="{PAGE}"'


def test_the_menu_and_the_palette_lead_staff_there() -> None:
    assert staff().get("/audit/").content.decode().count(LINK) == 2


def test_they_lead_there_who_tries_it_out_on_this_machine_and_nobody_elsewhere(here: Client) -> None:
    here.force_login(User.objects.create_user("alice"))
    assert here.get("/audit/").content.decode().count(LINK) == 2
    assert LINK not in here.get("/audit/", REMOTE_ADDR="203.0.113.9").content.decode()


def test_an_account_like_any_other_is_not_led_there(client: Client) -> None:
    client.force_login(User.objects.create_user("mallory"))
    assert LINK not in client.get("/audit/").content.decode()


def test_another_machine_does_not_see_a_trial(here: Client) -> None:
    assert here.get(PAGE, REMOTE_ADDR="203.0.113.9").status_code == 404


def test_another_name_for_this_machine_does_not_either(here: Client, settings: Settings) -> None:
    """DNS rebinding: a page elsewhere points its own name at this machine and reads what answers."""
    settings.ALLOWED_HOSTS = ["*"]
    assert here.get(PAGE, headers={"host": "rebound.example"}).status_code == 404


def test_the_callback_addresses_are_those_that_the_vault_sends(here: Client, settings: Settings) -> None:
    settings.VAULT_ISSUER = "https://vault.example"
    html = here.get(PAGE).content.decode()
    for slug in settings.PROVIDERS:
        assert f">{redirect_uri(slug)}<" in html


def test_it_shows_which_variables_are_set_and_not_what_is_in_them(
    here: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_CLIENT_ID", "Iv23canary")
    monkeypatch.setenv("GITHUB_CLIENT_SECRET", "secret-canary")
    settings.PROVIDERS = providers.load(sandbox_url="", with_secrets=True)
    html = here.get(PAGE).content.decode()
    assert "canary" not in html
    assert "Real service" in html
    assert html.count("Not set up") == 2


def test_a_test_is_made_at_once_and_told_in_sentences(here: Client, sandbox: str) -> None:
    html = here.post(PAGE, {"part": "github"}).content.decode()
    assert "github knows client devcontext-sandbox and its secret." in html
    assert f"{sandbox} answers." in html


def test_what_is_wrong_is_told(here: Client, sandbox: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "SANDBOX_CLIENT_SECRET", "another")
    settings.PROVIDERS = providers.load(sandbox_url=sandbox, with_secrets=True)
    assert "does not accept client" in here.post(PAGE, {"part": "github"}).content.decode()


@pytest.mark.parametrize("provider", ["", "gitlab"])
def test_what_is_no_provider_cannot_be_tested(here: Client, provider: str) -> None:
    assert here.post(PAGE, {"part": provider}).status_code == 404


def test_a_test_takes_a_form_of_ours(here: Client) -> None:
    forged = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
    assert forged.post(PAGE, {"part": "github"}).status_code == 403


def test_a_vault_apart_is_tested_where_it_is(here: Client, settings: Settings) -> None:
    settings.IS_VAULT_EMBEDDED = False
    html = here.get(PAGE).content.decode()
    assert "./dev manage --vault check_provider github" in html
    assert "GITHUB_CLIENT_SECRET" not in html
    assert "Test GitHub now" not in html
    assert here.post(PAGE, {"part": "github"}).status_code == 404
    assert here.post(PAGE, {"part": "installation"}).status_code == 200


def page_after_test(client: Client, **headers: str) -> str:
    """Return the page after a test of the installation itself."""
    return client.post(PAGE, {"part": "installation"}, headers=headers).content.decode()


def test_the_address_is_compared_with_the_one_that_the_page_was_opened_at(here: Client, settings: Settings) -> None:
    settings.APP_URL = "http://localhost"
    html = page_after_test(here)
    assert "This page was opened at APP_URL." in html
    assert "which will do on this machine alone" in html
    assert "ALLOWED_HOSTS holds the name in APP_URL." in html
    settings.APP_URL = "https://devcontext.example"
    html = page_after_test(here)
    assert "opened at http://localhost, and APP_URL is https://devcontext.example" in html
    assert "APP_URL is https." in html
    assert "ALLOWED_HOSTS does not hold the name in APP_URL" in html
    settings.APP_URL, settings.ALLOWED_HOSTS = "http://devcontext.example", ["*"]
    html = page_after_test(here)
    assert "passwords and sessions can be read on the way" in html
    assert "ALLOWED_HOSTS lets every name in" in html


def test_the_vault_is_asked_for_who_is_signed_in(here: Client, settings: Settings) -> None:
    assert "Sign in to test the token vault" in page_after_test(here)
    here.force_login(User.objects.create_user("alice"))
    assert "The token vault answers" in page_after_test(here)
    settings.VAULT_URL = NOBODY
    assert "The token vault does not answer" in page_after_test(here)


def test_claude_is_asked_which_models_the_key_opens(here: Client, settings: Settings) -> None:
    settings.HAS_MODEL = False
    assert "There is no key for Claude" in page_after_test(here)
    settings.HAS_MODEL, settings.IS_MODEL_SIMULATED = True, False
    settings.CLAUDE_MODEL, settings.ANTHROPIC_API_KEY = "claude-sonnet-5-5", "sk-canary"
    with claude_server.running() as url:
        settings.ANTHROPIC_BASE_URL = url
        assert "Claude accepts the key, and offers claude-sonnet-5-5." in page_after_test(here)
        settings.CLAUDE_MODEL = "claude-nobody"
        assert "claude-nobody is not offered for it" in page_after_test(here)
        settings.IS_MODEL_SIMULATED, settings.CLAUDE_MODEL = True, "claude-sonnet-5-5"
        assert "says nothing about the real one" in page_after_test(here)


def test_a_key_that_claude_refuses_is_told_and_not_shown(here: Client, settings: Settings) -> None:
    settings.HAS_MODEL, settings.IS_MODEL_SIMULATED, settings.ANTHROPIC_API_KEY = True, False, "sk-canary"

    async def refuse(_request: Request) -> Response:
        return JSONResponse({"type": "error", "error": {"type": "authentication_error", "message": "x"}}, 401)

    with serve_app(lambda _url: Starlette(routes=[Route("/v1/models", refuse)])) as url:
        settings.ANTHROPIC_BASE_URL = url
        html = page_after_test(here)
    assert "Claude does not accept this installation&#x27;s key." in html
    assert "sk-canary" not in html
    assert "Claude cannot be reached." in page_after_test(here), "nobody is at that address any more"


def test_it_says_what_everybody_spent_today_of_the_installations_budget(here: Client, settings: Settings) -> None:
    settings.HAS_MODEL, settings.IS_MODEL_SIMULATED = True, False
    settings.CLAUDE_MODEL, settings.CLAUDE_PRICES = "a-model", {"a-model": (Price(2, 10, 2.5, 0.2),)}
    settings.DAILY_BUDGET_USD = 4
    for name in ("alice", "bob"):
        user = User.objects.create_user(name)
        spending.add_spending(
            user.pk, day=timezone.now().date(), input_tokens=9, output_tokens=9, cost_micro_usd=1_500_000
        )
    assert "$3.00 of $4.00, which begin anew at midnight UTC" in here.get(PAGE).content.decode()
    settings.DAILY_BUDGET_USD = 3
    assert "$3.00 of $3.00: used up until midnight UTC" in here.get(PAGE).content.decode()
    settings.DAILY_BUDGET_USD = 0
    assert "$3.00 since midnight UTC; no budget is set" in here.get(PAGE).content.decode()


def test_it_says_why_nothing_is_spent(here: Client, settings: Settings) -> None:
    settings.HAS_MODEL, settings.IS_MODEL_SIMULATED, settings.CLAUDE_PRICES = True, False, {}
    assert "Not known, and no budget holds: set <code>CLAUDE_PRICE</code>" in here.get(PAGE).content.decode()
    settings.IS_MODEL_SIMULATED = True
    assert "Nothing: the stand-in is free" in here.get(PAGE).content.decode()
    settings.HAS_MODEL = False
    assert "Nothing: there is no model" in here.get(PAGE).content.decode()


FITS = "Every call of a run has its exchange, and every exchange of a run has its run"


def test_it_says_whether_agent_and_vault_tell_the_same(here: Client) -> None:
    exchanged = Entry(event=Event.VAULT_EXCHANGE_GRANTED, user="user:1", run="run-1", exchange="ex_1")
    record(replace(exchanged, event=Event.AGENT_RUN_STARTED))
    record(exchanged)
    record(replace(exchanged, event=Event.AGENT_CALL_SUCCEEDED))
    assert FITS in here.get(PAGE).content.decode()
    record(replace(exchanged, event=Event.AGENT_CALL_SUCCEEDED, exchange="ex_2"))
    for run in ("run-2", "run-3"):
        record(replace(exchanged, run=run))
    html = here.get(PAGE).content.decode()
    assert FITS not in html
    assert "Calls of runs that lack their exchange: 1. Exchanges that belong to no run: 2." in html


def test_a_page_looks_through_no_more_than_the_newest_events(here: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "RECENT_EVENTS", 2)
    stray = record(Entry(event=Event.VAULT_EXCHANGE_GRANTED, user="user:1", run="run-1"))
    assert reconcile.find_mismatch().exchanges_without_run == (stray,)
    for _ in range(2):
        record(Entry(event=Event.AGENT_RUN_STARTED, user="user:1", run="run-1"))
    assert FITS in here.get(PAGE).content.decode()


@pytest.mark.parametrize(
    ("scheduler", "attended", "alone"),
    [
        ("web", "Made by the web process", "--lifespan on"),
        ("worker", "Made by a worker", "celery -A devcontext beat"),
        ("off", "Made by another process", "Set <code>SCHEDULER</code> to"),
    ],
)
def test_it_says_who_makes_briefings_and_what_to_do_where_nobody_does(
    here: Client, settings: Settings, scheduler: str, attended: str, alone: str
) -> None:
    settings.SCHEDULER = scheduler
    html = here.get(PAGE).content.decode()
    assert alone in html
    assert attended not in html
    assert "Last seen" not in html
    now = timezone.now()
    leading.lead(owner="a-process", now=now)
    html = here.get(PAGE).content.decode()
    assert attended in html
    assert alone not in html
    leading.lead(owner="a-process", now=now - timedelta(hours=1))
    html = here.get(PAGE).content.decode()
    assert alone in html
    assert f"{now - timedelta(hours=1):%H:%M}</time>, UTC" in html


def test_an_audit_that_is_away_is_said_and_the_page_is_there(here: Client) -> None:
    with table_away("audit", table="audit_event"):
        assert "The audit database does not answer" in here.get(PAGE).content.decode()
