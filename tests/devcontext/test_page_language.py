"""A page speaks the language that its reader chose or their browser asks for; a program's route has none."""

import json
import re
from html import unescape
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory
from django.utils import translation

from devcontext.page_language import PageLanguage
from tools import pseudo_locale
from tools.catalogue import Message

LOGIN = "/accounts/login/"


@pytest.fixture
def _arabic(settings: Any) -> None:
    """A language that Django itself brings, and that is written from right to left."""
    settings.LANGUAGES = [("en", "English"), ("ar", "العربيّة")]


pytestmark = [pytest.mark.django_db(databases=["default", "vault", "audit"]), pytest.mark.usefixtures("_arabic")]


def test_the_page_names_its_language_and_direction(client: Client) -> None:
    english = client.get(LOGIN)
    assert '<html lang="en" dir="ltr">' in english.content.decode()
    assert english.headers["Content-Language"] == "en"
    arabic = client.get(LOGIN, headers={"accept-language": "ar"})
    assert '<html lang="ar" dir="rtl">' in arabic.content.decode()
    assert "Accept-Language" in arabic.headers["Vary"]


async def test_a_page_of_an_asynchronous_server_does_too(async_client: AsyncClient) -> None:
    page = await async_client.get(LOGIN, headers={"accept-language": "ar"})
    assert '<html lang="ar" dir="rtl">' in page.content.decode()


def test_a_choice_outweighs_the_browser_and_needs_the_form_token() -> None:
    browser = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
    assert browser.post("/language/", {"language": "ar"}).status_code == HTTPStatus.FORBIDDEN
    token = browser.get(LOGIN).context["csrf_token"]
    chosen = browser.post("/language/", {"language": "ar", "next": LOGIN, "csrfmiddlewaretoken": token})
    assert chosen.headers["Location"] == LOGIN
    assert chosen.cookies["language"]["samesite"] == "Lax"
    assert 'dir="rtl"' in browser.get(LOGIN).content.decode()


def test_a_choice_leads_to_no_other_site(client: Client) -> None:
    """An open redirect would lend our address to whoever writes a link."""
    chosen = client.post("/language/", {"language": "ar", "next": "https://evil.example/"})
    assert chosen.headers["Location"] == "/"


def test_a_language_that_is_not_offered_is_english(client: Client) -> None:
    client.cookies["language"] = "xx"
    assert 'lang="en"' in client.get(LOGIN).content.decode()


def test_the_choice_is_offered_where_there_is_one(client: Client, settings: Any) -> None:
    assert 'action="/language/"' in client.get(LOGIN).content.decode()
    client.force_login(User.objects.create_user("alice", "alice@example.com"))
    assert client.get("/settings/working-week/").content.decode().count('action="/language/"') == 1
    settings.LANGUAGES = [("en", "English")]
    assert 'action="/language/"' not in client.get("/settings/working-week/").content.decode()


@pytest.mark.parametrize("path", ["/oauth/token", "/vault/connections/list", "/.well-known/jwks.json", "/static/a.css"])
def test_programs_get_no_language(path: str) -> None:
    """Their answers are the same for all; looking for a language would only cost them."""
    answer = PageLanguage(lambda _request: HttpResponse("an answer"))
    response = answer(RequestFactory().get(path, headers={"accept-language": "ar"}))
    assert isinstance(response, HttpResponse)
    assert "Content-Language" not in response.headers
    assert "Vary" not in response.headers


def test_the_language_of_one_request_is_not_left_for_the_next() -> None:
    """A thread serves many people; what runs in it between two pages is English."""
    seen: list[str] = []

    def view(_request: HttpRequest) -> HttpResponse:
        seen.append(translation.get_language())
        return HttpResponse("an answer")

    PageLanguage(view)(RequestFactory().get("/", headers={"accept-language": "ar"}))
    assert seen == ["ar"]
    assert translation.get_language() == "en"


def test_scripts_get_their_words_with_the_page_and_none_in_english(
    client: Client, settings: Any, tmp_path: Path
) -> None:
    message = Message("You are online again.")
    pseudo_locale.make(tmp_path, {"django": [], "djangojs": [message]})
    settings.LOCALE_PATHS = [tmp_path]
    settings.LANGUAGES = [("en", "English"), ("en-xa", "pseudo")]
    assert "catalogue" not in client.get(LOGIN).content.decode()
    page = client.get(LOGIN, headers={"accept-language": "en-xa"}).content.decode()
    content = re.search(r'<meta name="catalogue" content="([^"]*)">', page)
    assert content is not None
    assert json.loads(unescape(content.group(1))) == {message.text: pseudo_locale.lengthened(message.text)}
