"""Scopes in plain words."""

from permissions import scopes


def test_a_known_scope_is_told_in_words_and_a_new_one_as_it_is() -> None:
    assert scopes.words_of("search:read", provider="slack") == "Search the messages you can see"
    assert scopes.words_of("chat:write", provider="slack") == "chat:write"
