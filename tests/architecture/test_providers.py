"""Only registries, and what they register, name a provider: whatever else did would have to learn of a fourth."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from permissions.services import SERVICES
from tests.architecture.test_house_rules import ROOT, tracked

APPS = ("agent", "audit", "devcontext", "permissions", "vault")
MODULES = [slug.replace("-", "_") for slug in SERVICES]
# What a registry lists: a file or a folder with the provider's name.
OWN = re.compile(
    rf"(^|/)({'|'.join(MODULES)})(_\w+)?(/|\.)|^static/services/|^agent/api/queries/|/sandbox/faults/[\w-]+\.json$"
)
REGISTRIES = {
    "agent/api/refusals.py": "how each API says no",
    "agent/providers.py": "names, prefixes of evidence ids, how each wants to be asked",
    "agent/tools/__init__.py": "the tools",
    "devcontext/providers/__init__.py": "where each provider is",
    "devcontext/sandbox/stand_ins.py": "the stand-ins",
    "permissions/services/__init__.py": "the words",
    "vault/providers/registry.py": "OAuth",
}
EXCEPTIONS = {
    "agent/briefing/facts/writing.py": "sections of the briefing, which is made of the tools that its recipe reads",
    "devcontext/sandbox/claude/reading.py": "stands in for a model, which knows the services of the first tools",
    "devcontext/sandbox/claude/brain.py": "its rules look for a service's name in the question",
    "devcontext/sandbox/links.py": "addresses of the invented team's things",
    "static/account/account.css": "the picture on the sign-in page, of three strands",
    "templates/account/_strands.html": "the same picture",
}


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each string of a Python file that is no docstring, or each line of another file."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from enumerate(source.splitlines(), start=1)
        return
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def _named(*, pattern: re.Pattern[str]) -> dict[str, list[int]]:
    """Return the lines of the product that `pattern` finds, by file."""
    found: dict[str, list[int]] = {}
    for path in tracked(".py", ".html", ".css", ".js"):
        name = path.relative_to(ROOT).as_posix()
        if name.split("/")[0] not in (*APPS, "static", "templates") or OWN.search(name):
            continue
        lines = [line for line, text in _texts(path) if pattern.search(text)]
        if lines:
            found[name] = lines
    return found


def test_no_module_outside_the_registries_names_a_provider() -> None:
    """By its id, as a word of its own; `github_activity` is a tool, and `GitHub` in a sentence is prose."""
    ids = re.compile(rf"(?<![\w.-])({'|'.join(SERVICES)})(?![\w.-]|\.com)")
    found = _named(pattern=ids)
    assert {name: lines for name, lines in found.items() if name not in REGISTRIES | EXCEPTIONS} == {}
    assert EXCEPTIONS.keys() <= found.keys(), "An exception that is none any more goes out of the list."


def test_nothing_that_is_shown_lists_the_services_by_hand() -> None:
    names = "|".join(service.name for service in SERVICES.values())
    assert _named(pattern=re.compile(rf"({names})(,| and) ({names}|Calendar)")) == {}


@pytest.mark.parametrize("registry", REGISTRIES)
def test_a_registry_is_there(registry: str) -> None:
    assert (ROOT / registry).is_file()
