"""Configuration is read strictly: a value that is wrong stops the start with one sentence."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from devcontext import env


def test_an_unset_name_gives_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_NAME", raising=False)
    assert env.text("SOME_NAME", "default") == "default"
    assert env.integer("SOME_NAME", 7) == 7
    assert env.boolean("SOME_NAME", default=True) is True
    assert env.names("SOME_NAME") == []


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("TRUE", True), ("no", False), ("0", False)])
def test_booleans_have_six_spellings(monkeypatch: pytest.MonkeyPatch, value: str, expected: bool) -> None:
    monkeypatch.setenv("SOME_NAME", value)
    assert env.boolean("SOME_NAME", default=not expected) is expected


def test_a_boolean_that_is_none_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_NAME", "maybe")
    with pytest.raises(ImproperlyConfigured, match="SOME_NAME must be one of"):
        env.boolean("SOME_NAME", default=True)


def test_a_number_that_is_none_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_NAME", "many")
    with pytest.raises(ImproperlyConfigured, match="SOME_NAME must be a whole number"):
        env.integer("SOME_NAME", 1)


def test_an_address_loses_its_trailing_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_NAME", "https://vault.example/")
    assert env.url("SOME_NAME") == "https://vault.example"


def test_an_address_of_another_scheme_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_NAME", "file:///etc/passwd")
    with pytest.raises(ImproperlyConfigured, match="http"):
        env.url("SOME_NAME")


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    monkeypatch.setenv("SOME_NAME_FILE", str(tmp_path / "secret"))
    assert env.secret("SOME_NAME") == "from the file"


def test_a_secret_from_two_places_stops_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SOME_NAME", "here")
    monkeypatch.setenv("SOME_NAME_FILE", str(tmp_path / "secret"))
    with pytest.raises(ImproperlyConfigured, match="not both"):
        env.secret("SOME_NAME")


def test_a_secret_file_that_cannot_be_read_stops_the_start_without_naming_its_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SOME_NAME_FILE", str(tmp_path / "missing"))
    with pytest.raises(ImproperlyConfigured, match="SOME_NAME_FILE cannot be read"):
        env.secret("SOME_NAME")


def test_a_number_may_have_a_fraction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_NUMBER", "0.5")
    assert (env.number("A_NUMBER", 5), env.number("ANOTHER_NUMBER", 5)) == (0.5, 5)


@pytest.mark.parametrize("value", ["five", "-1", "inf", "nan"])
def test_what_is_no_number_of_at_least_zero_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("A_NUMBER", value)
    with pytest.raises(ImproperlyConfigured, match="A_NUMBER must be a number of at least 0"):
        env.number("A_NUMBER", 5)
