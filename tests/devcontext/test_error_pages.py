"""With DEBUG on, a person still meets our error pages, never Django's with its URL table and source lines."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import AsyncClient, Client, RequestFactory
from django.views.debug import technical_500_response

from devcontext.error_pages import OwnErrorPages

pytestmark = pytest.mark.django_db(databases=["default", "audit", "vault"])


@pytest.fixture(autouse=True)
def _debug(settings: Any) -> None:
    settings.DEBUG = True


def test_an_address_that_leads_nowhere_gets_our_page(client: Client) -> None:
    client.force_login(User.objects.create_user("alice", "alice@example.org"))
    answer = client.get("/nowhere/")
    assert answer.status_code == 404
    assert b"URLconf" not in answer.content
    assert b"DevContext" in answer.content


async def test_the_async_stack_does_the_same(async_client: AsyncClient) -> None:
    answer = await async_client.get("/nowhere/")
    assert answer.status_code == 404
    assert b"URLconf" not in answer.content


def test_an_error_of_ours_shows_no_source_line(rf: RequestFactory) -> None:
    def fail(request: HttpRequest) -> HttpResponse:
        try:
            raise RuntimeError("a line of source")
        except RuntimeError as error:
            return technical_500_response(request, type(error), error, error.__traceback__)

    assert b"a line of source" in fail(rf.get("/")).content
    answer = OwnErrorPages(fail)(rf.get("/"))
    assert isinstance(answer, HttpResponse)
    assert answer.status_code == 500
    assert b"a line of source" not in answer.content


def test_what_is_no_page_stays_as_it_is(rf: RequestFactory) -> None:
    refusal = JsonResponse({"error": "invalid_request"}, status=404)
    assert OwnErrorPages(lambda _: refusal)(rf.get("/")) is refusal


async def test_a_static_file_that_is_not_there_is_not_found(async_client: AsyncClient) -> None:
    answer = await async_client.get("/static/nowhere.css")
    assert answer.status_code == 404
    assert b"Traceback" not in answer.content
    assert (await async_client.get("/static/tokens.css")).status_code == 200


def test_who_signs_in_too_often_gets_our_page_in_the_shell(client: Client, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login": "1/m/ip"}
    # A test of its own address: what is counted outlives the test.
    tried = [
        client.post("/accounts/login/", {"login": "mallory@example.org", "password": "x"}, REMOTE_ADDR="203.0.113.77")
        for _ in range(2)
    ]
    assert [answer.status_code for answer in tried] == [200, 429]
    html = tried[1].content.decode()
    assert "Wait a minute; nothing was changed." in html
    assert 'href="/accounts/login/"' in html
    assert 'class="shell"' in html
