"""No page without its examination: each address is in a list of `tests.e2e.pages`, or there with why it is no page."""

import re
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve

from tests.e2e import pages

# Each kind of place in an address, as an example of it.
EXAMPLES = {
    r"<uuid:\w+>": "7d9f3a3e-1111-4222-8333-123456789abc",
    r"<int:\w+>": "1",
    r"<slug:provider>": "github",
    r"<slug:\w+>": "markdown",
    r"<str:\w+>": "out-of-date",
}
UUID = EXAMPLES[r"<uuid:\w+>"]
PLACES = {"chat": UUID, "run": UUID, "schedule": UUID, "event": "1", "key": "1"}
# The vault's own endpoints, for clients with a signed token; all answer POST alone, with JSON.
FOR_MACHINES = ("vault/", "oauth/")


def addresses(resolver: URLResolver, *, prefix: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    """Return each address's name and pattern; one without a name is called by its pattern."""
    for pattern in resolver.url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from addresses(pattern, prefix=path, space=inner)
        else:
            assert isinstance(pattern, URLPattern)
            yield (f"{space}{pattern.name}" if pattern.name else path), path


ALL = {name: path for name, path in addresses(get_resolver()) if not path.startswith(FOR_MACHINES)}


def examined() -> set[str]:
    """Return the name of each address that the browser tests look at."""
    found: set[str] = set()
    lists = (pages.STRANGERS, pages.NEWCOMER, pages.REGULAR, pages.HOLDER, pages.AUDITOR, pages.ON_THE_WAY)
    for address in (address for each in lists for address in each):
        try:
            found.add(resolve(address.format(**PLACES).partition("?")[0]).view_name)
        except Resolver404:
            # The sheet of components, which is there with DEBUG alone, and an address that leads nowhere.
            assert address in {"/debug/components/", "/nowhere/"}
    return found


def test_every_address_is_examined_or_is_no_page() -> None:
    assert len(ALL) > 60
    assert sorted(ALL.keys() - examined() - pages.NO_PAGES.keys()) == []


def test_what_is_listed_as_no_page_has_an_address_and_is_not_examined_as_well() -> None:
    assert sorted(pages.NO_PAGES.keys() - ALL.keys()) == []
    assert sorted(pages.NO_PAGES.keys() & examined()) == []


@pytest.mark.django_db(databases=["default", "audit", "vault"])
def test_what_is_listed_as_no_page_shows_none() -> None:
    """Asked for as a page is, by somebody who is signed in: it refuses, leads on, or answers with something else."""
    client = Client()
    client.force_login(User.objects.create_user("alice", email="alice@example.org"))
    assert [name for name, reason in pages.NO_PAGES.items() if not is_true(reason, of=client.get(example(name)))] == []


def example(name: str) -> str:
    """Return an address with this name."""
    address = f"/{ALL[name]}"
    for place, value in EXAMPLES.items():
        address = re.sub(place, value, address)
    return address


def is_true(reason: str, *, of: HttpResponse) -> bool:
    """Tell whether the answer is one that the reason leads to expect."""
    if reason == pages.POST:
        return of.status_code == 405
    if reason == pages.LEADS_ON:
        return of.status_code in {301, 302, 303}
    if reason == pages.PART:
        return b"<html" not in of.content or of.status_code != 200
    return of.status_code != 200 or not of["Content-Type"].startswith("text/html")
