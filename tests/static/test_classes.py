"""One vocabulary for all pages: each class that is written has a rule, and each rule is written somewhere."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
# The server's renderer of answers and the framework's forms write these.
WRITTEN_IN_PYTHON = {"evidence", "no-source", "ungrounded", "errorlist"}
TEMPLATE_TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)


def names(text: str) -> set[str]:
    """Return the classes in the value of an attribute, whatever its template tags would make of it."""
    return set(TEMPLATE_TAG.sub(" ", text).split())


def used_in_templates() -> set[str]:
    """Return each class that a template writes."""
    found: set[str] = set()
    for path in (ROOT / "templates").rglob("*.html"):
        for value in re.findall(r'\bclass="((?:\{%.*?%\}|\{\{.*?\}\}|[^"])*)"', path.read_text(), re.DOTALL):
            found |= names(value)
    return found


def used_in_scripts() -> set[str]:
    """Return each class that a script writes or looks for."""
    found: set[str] = set()
    for path in (ROOT / "static").rglob("*.js"):
        text = path.read_text()
        for written in re.findall(r'\bmake\("\w+", "([^"]*)"|classList\.\w+\("([^"]+)"|className = "([^"]+)"', text):
            found |= set(" ".join(written).split())
        for selector in re.findall(r'(?:querySelector(?:All)?|closest|matches)\(["`]([^"`]+)["`]', text):
            found |= set(re.findall(r"\.([a-z][\w-]*)", selector))
    return found


def styled() -> set[str]:
    """Return each class that a style sheet has a rule for."""
    found: set[str] = set()
    for path in (ROOT / "static").rglob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
        selectors = re.findall(r"([^{};]+)\{", text)
        for selector in selectors:
            found |= set(re.findall(r"\.([a-z][\w-]*)", selector))
    return found


def test_every_class_that_is_written_has_a_rule() -> None:
    written = used_in_templates() | used_in_scripts() | WRITTEN_IN_PYTHON
    assert len(written) > 100
    assert sorted(written - styled()) == []


def test_every_rule_is_for_a_class_that_is_written() -> None:
    assert sorted(styled() - used_in_templates() - used_in_scripts() - WRITTEN_IN_PYTHON) == []


def test_styles_name_colours_in_the_tokens_alone() -> None:
    """Colours live in the tokens, where both themes are decided together; a service's are tokens of its own."""
    literal = re.compile(
        r"#[0-9a-f]{3,8}\b|\b(?:rgb|hsl|hwb|lab|lch|oklab|oklch|color)a?\(|light-dark\(", re.IGNORECASE
    )
    sheets = list((ROOT / "static").rglob("*.css"))
    assert len(sheets) > 5
    for path in sheets:
        if path.name != "tokens.css":
            rules = (
                path.read_text().rpartition("@layer base")[2] if path.parent.name == "services" else path.read_text()
            )
            assert not literal.search(rules), path.name
