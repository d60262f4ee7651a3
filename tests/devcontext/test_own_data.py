"""One's own data on the command line and on the app's pages: which words belong together, and who the demo user is."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries, Settings

from devcontext import context, own_data
from devcontext.sandbox.app import create_app
from devcontext.sandbox.world import Sources, own_world, tidewater_world
from devcontext.views import load_demo_user
from tests.serving import serve_app

LABEL = "GitHub: invented; Calendar: your file me.ics; Slack: invented"
ICS = """BEGIN:VCALENDAR
BEGIN:VEVENT
UID:x
DTSTART:20260101T100000Z
RRULE:FREQ=DAILY
ATTENDEE;CN=Ann van Ng:mailto:ann@corp.example
END:VEVENT
END:VCALENDAR
"""


def test_the_words_of_the_command_line_become_the_sandboxs_own() -> None:
    options = {"git": "/src/pier", "ics": "me.ics", "slack_export": None, "me": "ann@corp.example"}
    assert own_data.sandbox_arguments(options) == [
        *("--git", "/src/pier"),
        *("--ics", str(Path.cwd() / "me.ics")),
        *("--me", "ann@corp.example"),
    ]
    assert own_data.sandbox_arguments({"git": None, "me": None, "vault": True}) == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"ics": "x", "slack_export": "y"}, "--ics and --slack-export needs --me with your e-mail address."),
        ({"git": "x", "me": ""}, "--git needs --me with your e-mail address."),
        ({"me": "ann@corp.example"}, "give --git, --ics or --slack-export with it."),
    ],
)
def test_words_that_miss_another_are_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(own_data.OwnDataError, match=sentence):
        own_data.sandbox_arguments(options)


@pytest.fixture
def own_sandbox(tmp_path: Path, settings: Settings) -> Iterator[str]:
    """A sandbox with a calendar of Ann's, where the settings expect it."""
    path = tmp_path / "me.ics"
    path.write_text(ICS)
    world = own_world(Sources(ics=path, me="ann@corp.example"))
    with serve_app(lambda url: create_app(data=None, world=world, base_url=url)) as url:
        settings.SANDBOX_URL = url
        cache.clear()
        yield url
    cache.clear()


@pytest.mark.django_db
def test_the_banner_says_service_by_service_whose_the_data_are(own_sandbox: str, client: Client) -> None:
    page = client.get("/accounts/login/").content.decode()
    assert f"not the real services. {LABEL}." in page
    assert "sees only what the sandbox holds" in page


def test_the_banner_is_silent_about_a_world_that_is_invented(settings: Settings) -> None:
    cache.clear()
    with serve_app(lambda url: create_app(data=None, world=tidewater_world(), base_url=url)) as url:
        settings.SANDBOX_URL = url
        told = context.installation(RequestFactory().get("/"))["installation"]["own_data"]
        assert told() == ""
    cache.clear()


def test_installation_says_what_the_stand_ins_hold(own_sandbox: str) -> None:
    told = StringIO()
    call_command("installation", stdout=told)
    assert f"The stand-ins hold: {LABEL}.\n" in told.getvalue()


@pytest.mark.django_db
def test_the_demo_user_has_the_name_of_who_gave_the_data(own_sandbox: str) -> None:
    user = load_demo_user()
    stored = User.objects.get(pk=user.pk)
    assert (stored.first_name, stored.last_name) == ("Ann", "van Ng")


@pytest.mark.django_db
def test_without_a_sandbox_the_demo_user_keeps_the_name(
    settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.SANDBOX_URL = "http://127.0.0.1:9"
    assert load_demo_user().get_full_name() == "Maya Okafor"
    with django_assert_num_queries(1):
        load_demo_user()
