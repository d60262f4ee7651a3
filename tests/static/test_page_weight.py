"""What a page makes the browser load: at most 40 kB of scripts on the chat, 30 elsewhere, 15 kB of styles anywhere."""

import gzip
import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "static"
TEMPLATES = STATIC.with_name("templates")
SHELL = (
    *("tokens.css", "base.css", "controls.css", "surfaces.css", "shell/shell.css", "shell/overlays.css"),
    *(path.relative_to(STATIC).as_posix() for path in sorted(STATIC.glob("services/*.css"))),
)
KILOBYTE = 1000


def weight(*names: str) -> int:
    """Return the bytes of the files as a server that compresses sends them."""
    return sum(len(gzip.compress((STATIC / name).read_bytes())) for name in names)


def styles(template: Path) -> set[str]:
    """Return the styles that a page links besides those of the shell, with those of what it extends."""
    text = template.read_text()
    linked = set(re.findall(r"{% static ['\"]([^'\"]+\.css)['\"] %}", text))
    for parent in re.findall(r'{% extends "([^"]+)" %}', text):
        if (TEMPLATES / parent).is_file():
            linked |= styles(TEMPLATES / parent)
    return linked - set(SHELL)


PAGES = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html") if styles(path))


def test_the_styles_of_the_pages_are_found() -> None:
    assert {"agent/chat.html", "agent/schedule.html", "agent/plan.html", "agent/export.html"} <= set(PAGES)
    assert styles(TEMPLATES / "agent/chat.html") == {"agent/chat.css", "agent/turn.css", "agent/answer.css"}


@pytest.mark.parametrize("page", PAGES)
def test_styles_of_a_page_are_within_their_budget(page: str) -> None:
    assert weight(*SHELL, *styles(TEMPLATES / page)) <= 15 * KILOBYTE


def scripts(folder: str) -> list[str]:
    """Return the modules in a folder of `static`."""
    return [path.relative_to(STATIC).as_posix() for path in STATIC.glob(f"{folder}/*.js")]


def test_scripts_of_the_account_pages_are_within_their_budget() -> None:
    shell = [path.relative_to(STATIC).as_posix() for path in STATIC.glob("shell/*.js")]
    assert weight(*shell, "account/passkeys.js") <= 30 * KILOBYTE


def test_scripts_of_the_chat_are_within_their_budget() -> None:
    assert weight("theme.js", *scripts("shell"), *scripts("agent")) <= 40 * KILOBYTE


@pytest.mark.parametrize("folder", ["shell", "audit", "setup"])
def test_scripts_of_every_other_page_are_within_their_budget(folder: str) -> None:
    assert weight("theme.js", *{*scripts("shell"), *scripts(folder)}) <= 30 * KILOBYTE


def test_only_one_line_makes_html_of_text_and_it_goes_through_the_policy() -> None:
    """A second way from a string to markup would be a second place where the server's sanitizer could be missed."""
    sinks = re.compile(r"innerHTML\s*=|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|\beval\(")
    found = [
        (path.name, line.strip())
        for path in sorted(STATIC.rglob("*.js"))
        for line in path.read_text().splitlines()
        if sinks.search(line)
    ]
    assert found == [("dom.js", "element.innerHTML = policy ? policy.createHTML(html) : html;")]


def test_every_module_that_is_imported_exists() -> None:
    for path in STATIC.rglob("*.js"):
        for name in re.findall(r'from "(\.{1,2}/[^"]+)"', path.read_text()):
            assert (path.parent / name).is_file(), f"{path.name} imports {name}"
