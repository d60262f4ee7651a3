"""Saved searches: named, shown to their owner alone, replaced, deleted, and gone with the account."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from audit.saved import MAX_NAME_CHARACTERS, MAX_SAVED
from permissions import searches
from permissions.models import TimelineSearch
from permissions.subjects import subject_of

pytestmark = pytest.mark.django_db(databases=["default", "audit", "vault"])

TOKEN = "ghu_16C7e42F292c6912E7710c838347Ae178B4a"


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice")


@pytest.fixture
def signed_in(alice: User, client: Client) -> Client:
    """Return a browser in which Alice is signed in."""
    client.force_login(alice)
    return client


def save(client: Client, *, name: str = "Denied", q: str = "outcome:denied") -> Any:
    return client.post("/audit/saved/", {"name": name, "q": q}, follow=True)


def saved(user: User) -> list[tuple[str, str]]:
    return [(one.name, one.text) for one in searches.list_searches(subject_of(user.pk))]


def test_a_search_is_saved_and_offered_above_the_search(alice: User, signed_in: Client) -> None:
    answer = save(signed_in, name="  Denied\tby Slack ", q="outcome:denied  service:slack mentions")
    assert answer.redirect_chain == [("/audit/?q=outcome%3Adenied+service%3Aslack+mentions", 303)]
    assert saved(alice) == [("Denied by Slack", "outcome:denied service:slack mentions")]
    page = answer.content.decode()
    assert "“Denied by Slack” is saved." in page
    assert 'href="/audit/?q=outcome%3Adenied%20service%3Aslack%20mentions" aria-current="true"' in page


def test_a_name_stands_for_what_was_saved_last(alice: User, signed_in: Client) -> None:
    save(signed_in)
    save(signed_in, q="outcome:failed")
    assert saved(alice) == [("Denied", "outcome:failed")]


@pytest.mark.parametrize("name", ["", " \n ", "x" * (MAX_NAME_CHARACTERS + 1), f"my {TOKEN}"])
def test_a_name_that_is_none_is_refused(alice: User, signed_in: Client, name: str) -> None:
    answer = save(signed_in, name=name).content.decode()
    assert "Give the search a name of at most 60 characters." in answer
    assert TOKEN not in answer
    assert saved(alice) == []


@pytest.mark.parametrize("q", ["", "colour:red", f"token:{TOKEN}", f"slack {TOKEN}"])
def test_what_is_no_search_is_not_saved(alice: User, signed_in: Client, q: str) -> None:
    answer = save(signed_in, q=q)
    assert "There is nothing to save" in answer.content.decode()
    assert TOKEN not in answer.redirect_chain[0][0]
    assert saved(alice) == []


def test_nobody_saves_more_than_they_may_and_what_is_there_can_be_replaced(alice: User, signed_in: Client) -> None:
    for number in range(MAX_SAVED):
        assert searches.save_search(subject_of(alice.pk), name=f"{number:02}", text="outcome:denied")
    assert "You have 20 saved searches." in save(signed_in).content.decode()
    save(signed_in, name="00", q="outcome:failed")
    assert (len(saved(alice)), saved(alice)[0]) == (MAX_SAVED, ("00", "outcome:failed"))


def test_what_is_deleted_is_shown_once_more(alice: User, signed_in: Client) -> None:
    save(signed_in)
    number = TimelineSearch.objects.get().pk
    answer = signed_in.post(f"/audit/saved/{number}/delete/", follow=True)
    assert answer.redirect_chain == [("/audit/?q=outcome%3Adenied", 303)]
    assert "“Denied” is deleted." in answer.content.decode()
    assert "Save this search" in answer.content.decode()
    assert saved(alice) == []
    assert signed_in.post(f"/audit/saved/{number}/delete/").status_code == 404
    assert signed_in.post(f"/audit/saved/{10**30}/delete/").status_code == 404


def test_another_users_searches_are_neither_shown_nor_deleted(alice: User, signed_in: Client) -> None:
    mallory = User.objects.create_user("mallory")
    searches.save_search(subject_of(mallory.pk), name="Theirs", text="outcome:denied")
    assert "Theirs" not in signed_in.get("/audit/").content.decode()
    assert signed_in.post(f"/audit/saved/{TimelineSearch.objects.get().pk}/delete/").status_code == 404
    assert saved(mallory) == [("Theirs", "outcome:denied")]


def test_searches_go_with_the_account(alice: User, signed_in: Client) -> None:
    save(signed_in)
    User.objects.filter(pk=alice.pk).delete()
    assert not TimelineSearch.objects.exists()


@pytest.mark.parametrize("address", ["/audit/saved/", "/audit/saved/1/delete/"])
def test_a_change_is_a_post_of_somebody_who_is_signed_in(address: str, signed_in: Client) -> None:
    assert signed_in.get(address).status_code == 405
    assert Client().post(address).status_code == 302
    assert Client(enforce_csrf_checks=True).post(address).status_code == 403


@pytest.mark.parametrize(("query", "can_be_saved"), [("", False), ("q=service:slack", True), ("q=colour:red", False)])
def test_saving_is_offered_where_something_is_searched_for(
    signed_in: Client, query: str, *, can_be_saved: bool
) -> None:
    assert ("Save this search" in signed_in.get(f"/audit/?{query}").content.decode()) is can_be_saved
