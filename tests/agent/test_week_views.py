"""The page of the working week."""

from datetime import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from agent import memory
from agent.types import WeekSettings

pytestmark = pytest.mark.django_db(databases=["default", "audit", "vault"])

PAGE = "/settings/working-week/"


@pytest.fixture
def signed_in(alice: User, client: Client) -> Client:
    client.force_login(alice)
    return client


def chosen(**fields: Any) -> dict[str, Any]:
    return {"weekdays": ["0", "1"], "country": "", "subdivision": "", "time_zone": ""} | fields


def test_a_stranger_has_to_sign_in(client: Client, db: None) -> None:
    response = client.get(PAGE)
    assert response.status_code == 302
    assert "/accounts/login/" in response["Location"]


def test_the_page_shows_monday_to_friday_and_no_country_at_first(signed_in: Client) -> None:
    html = signed_in.get(PAGE).content.decode()
    assert html.count("checked") == 5
    assert "Germany" in html
    assert 'name="subdivision"' not in html


def test_what_is_chosen_is_kept_and_shown_again(signed_in: Client, alice: User) -> None:
    fields = chosen(country="DE", subdivision="BE", time_zone="Europe/Berlin")
    response = signed_in.post(PAGE, fields)
    assert (response.status_code, response["Location"]) == (303, PAGE)
    assert memory.load_week_settings(alice.pk) == WeekSettings((0, 1), "DE", "BE", "Europe/Berlin")
    html = signed_in.get(PAGE).content.decode()
    assert '<option value="BE" selected>' in html
    assert "Your working week is saved." in html


@pytest.mark.parametrize(
    "fields",
    [
        {"weekdays": []},
        {"weekdays": ["7"]},
        {"country": "XX"},
        {"country": "DE", "subdivision": "WY"},
        {"subdivision": "BE"},
        {"time_zone": "Mars/Base"},
    ],
    ids=str,
)
def test_what_is_not_on_the_lists_is_refused_and_nothing_is_kept(
    signed_in: Client, alice: User, fields: dict[str, Any]
) -> None:
    response = signed_in.post(PAGE, chosen(**fields))
    assert response.status_code == 422
    assert "Choose" in response.content.decode()
    assert memory.load_week_settings(alice.pk) == WeekSettings()


def test_a_country_without_parts_has_none_to_choose(signed_in: Client) -> None:
    signed_in.post(PAGE, chosen(country="IS"))
    assert 'name="subdivision"' not in signed_in.get(PAGE).content.decode()


def test_another_method_is_refused(signed_in: Client) -> None:
    assert signed_in.delete(PAGE).status_code == 405


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("09:30", time(9, 30)),
        ("9.30", time(9, 30)),
        ("9h30", time(9, 30)),
        ("9:30 am", time(9, 30)),
        ("2pm", time(14)),
        ("9", time(9)),
        (" 09:30 ", time(9, 30)),
        ("", None),
    ],
)
def test_the_standups_time_is_kept_as_people_write_it(
    signed_in: Client, alice: User, written: str, kept: time | None
) -> None:
    assert signed_in.post(PAGE, chosen(standup_time=written)).status_code == 303
    assert memory.load_week_settings(alice.pk).standup_time == kept
    assert ('value="09:30"' in signed_in.get(PAGE).content.decode()) == (kept == time(9, 30))


@pytest.mark.parametrize("written", ["25:00", "after lunch", "9:75"])
def test_what_is_no_time_of_day_is_said_kindly_and_stays_to_be_mended(
    signed_in: Client, alice: User, written: str
) -> None:
    response = signed_in.post(PAGE, chosen(standup_time=written))
    html = response.content.decode()
    assert response.status_code == 422
    assert "Write a time of day such as 9:30, or leave it empty." in html
    assert f'value="{written}"' in html
    assert memory.load_week_settings(alice.pk) == WeekSettings()
