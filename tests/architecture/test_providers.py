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
# A file, or a folder with a slash behind it.
EXCEPTIONS = {
    "agent/briefing/": "a briefing is made of the tools that its recipe reads, and tells them apart",
    "agent/export_views.py": "Slack as a form in which an answer is copied, not as a service that is read",
    "devcontext/management/commands/brief.py": "the same form",
    "static/agent/copy.js": "the same form",
    "templates/agent/_copy_forms.html": "the same form",
    "devcontext/sandbox/claude/": "stands in for a model, by rules about the first tools and services",
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
    listed = (*REGISTRIES, *EXCEPTIONS)
    assert {name: lines for name, lines in found.items() if not name.startswith(listed)} == {}
    needless = [exception for exception in EXCEPTIONS if not any(name.startswith(exception) for name in found)]
    assert needless == [], "An exception that is none any more goes out of the list."


def test_nothing_that_is_shown_lists_the_services_by_hand() -> None:
    names = "|".join(service.name for service in SERVICES.values())
    assert _named(pattern=re.compile(rf"({names})(,| and) ({names}|Calendar)")) == {}


@pytest.mark.parametrize("registry", REGISTRIES)
def test_a_registry_is_there(registry: str) -> None:
    assert (ROOT / registry).is_file()


def _recipe() -> str:
    return (
        (ROOT / "CONTRIBUTING.md")
        .read_text(encoding="utf-8")
        .partition("## Adding a provider")[2]
        .partition("\n## ")[0]
    )


def test_the_recipe_names_every_registry() -> None:
    assert {registry for registry in REGISTRIES if f"`{registry}`" not in _recipe()} == set()


@pytest.mark.parametrize("slug", SERVICES)
def test_the_recipe_names_files_that_each_provider_has(slug: str) -> None:
    named = re.findall(r"`([\w/<>.-]*<provider>[\w/<>.-]*)`", _recipe())
    assert len(named) >= 8
    for template in named:
        # Static files, specs and pages are called by the id or a part of it, modules by its name in Python.
        candidates = {template.replace("<provider>", name) for name in (slug, slug.replace("-", "_"), *slug.split("-"))}
        candidates |= {name.removesuffix(".py") for name in candidates}
        assert any((ROOT / name).exists() for name in candidates), template


def test_the_example_says_of_each_file_where_it_would_be() -> None:
    example = ROOT / "tests" / "example_provider"
    first_lines = " ".join(path.read_text(encoding="utf-8").partition("\n")[0] for path in example.glob("*.py"))
    named = re.findall(r"`((?:devcontext|vault|permissions|agent)/[\w/]*<provider>(?:\.py|/))`", _recipe())
    assert len(named) >= 4
    for template in named:
        assert f"`{template.replace('<provider>', 'tasklist')}`" in first_lines, template
