"""What the linters cannot say: file sizes, forbidden switches, and nothing in the tree that belongs to one machine."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAX_LINES = 400
# The last letter in brackets, so that this file does not find itself.
REGISTRY_HOSTS = re.compile(r"pypi\.or[g]|pythonhoste[d]|registry\.npmj[s]|deb\.debia[n]")


def tracked(*endings: str) -> list[Path]:
    """Return the files that git tracks and that still exist, by ending; recordings of others are not ours."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    paths = (ROOT / name for name in listed if "/specs/" not in name)
    return [path for path in paths if path.is_file() and (not endings or path.suffix in endings)]


def test_no_file_is_longer_than_a_person_reads() -> None:
    sources = [path for path in tracked(".py", ".js", ".css", ".html") if "migrations" not in path.parts]
    assert len(sources) > 100
    too_long = {
        str(path.relative_to(ROOT)): lines
        for path in sources
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MAX_LINES
    }
    assert too_long == {}


@pytest.mark.parametrize("word", ["DJANGO_ALLOW_ASYNC_" + "UNSAFE", "csrf_" + "exempt(agent", "mark_" + "safe"])
def test_forbidden_words_are_absent(word: str) -> None:
    assert [path for path in tracked(".py") if word in path.read_text(encoding="utf-8")] == []


def test_no_file_names_a_package_registry() -> None:
    texts = {path: path.read_bytes().decode("utf-8", errors="ignore") for path in tracked()}
    assert [path for path, text in texts.items() if REGISTRY_HOSTS.search(text)] == []


def test_locks_hold_hashes_and_no_address() -> None:
    locks = sorted((ROOT / "requirements").glob("*.txt"))
    assert len(locks) > 1
    for lock in locks:
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text
        assert text.count("==") <= text.count("--hash=sha256:")


def test_templates_hold_nothing_inline() -> None:
    """The Content Security Policy forbids inline scripts, styles and handlers; a page would break silently."""
    inline = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", re.IGNORECASE)
    assert [path for path in tracked(".html") if inline.search(path.read_text(encoding="utf-8"))] == []


def test_setting_django_up_does_not_import_the_model_sdk() -> None:
    code = "import django, sys; django.setup(); sys.exit('anthropic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert done.returncode == 0


def test_each_decision_has_a_number_of_its_own_and_says_it() -> None:
    names = [path.stem for path in sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))]
    numbers = [name.partition("-")[0] for name in names]
    assert sorted(set(numbers)) == numbers
    titles = [(ROOT / f"docs/decisions/{name}.md").read_text(encoding="utf-8").splitlines()[0] for name in names]
    assert [title.partition(".")[0] for title in titles] == [f"# {int(number)}" for number in numbers]


def test_each_variable_of_the_environment_is_in_the_page_of_settings() -> None:
    read = re.compile(r"\benv\.\w+\(\s*[\"']([A-Z][A-Z0-9_]+)[\"']")
    sources = [path for path in tracked(".py") if "tests" not in path.parts]
    names = {name for path in sources for name in read.findall(path.read_text(encoding="utf-8"))}
    assert len(names) > 50
    told = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")))
    assert names - told == set()
