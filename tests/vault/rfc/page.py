"""Reads the requirements off the tests in this folder and writes `docs/rfc-requirements.md`.

`.venv-test/bin/python tests/vault/rfc/page.py` writes the page; `test_page.py` fails while the two differ.
"""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
PAGE = FOLDER.parents[2] / "docs" / "rfc-requirements.md"

# Appendices come after the sections.
_APPENDIX = 1000

_TITLES = {
    "6749": "The OAuth 2.0 Authorization Framework",
    "6750": "Bearer Token Usage",
    "7009": "Token Revocation",
    "7515": "JSON Web Signature",
    "7517": "JSON Web Key",
    "7519": "JSON Web Token",
    "7521": "Assertion Framework for OAuth 2.0 Client Authentication",
    "7523": "JWT Profile for OAuth 2.0 Client Authentication",
    "7636": "Proof Key for Code Exchange",
    "7638": "JSON Web Key Thumbprint",
    "7662": "Token Introspection",
    "8414": "Authorization Server Metadata",
    "8693": "Token Exchange",
    "8707": "Resource Indicators",
    "8725": "JSON Web Token Best Current Practices",
    "9068": "JWT Profile for OAuth 2.0 Access Tokens",
    "9207": "Authorization Server Issuer Identification",
}
_HEAD = """# What the RFCs require, and the test of each

Every row is a requirement that applies to the vault, as an authorization server or as the providers' client, and the
one test in `tests/vault/rfc/` that proves it. The page is written from the tests by
`.venv-test/bin/python tests/vault/rfc/page.py`; a row without a test, or a test without a row, fails `./dev test`.
Requirements that TLS, browsers or people fulfil are not listed.

{count} requirements of {documents} RFCs.
"""


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """One requirement; `section` sorts by its numbers."""

    rfc: str
    section: tuple[tuple[int, str], ...]
    sentence: str
    test: str


def load_rows() -> tuple[list[Row], list[str]]:
    """Return the requirements of all tests, and the names of the tests that state none."""
    rows: list[Row] = []
    bare: list[str] = []
    for path in sorted(FOLDER.glob("test_rfc*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found = _row_of(node, rfc=path.stem.removeprefix("test_rfc").partition("_")[0])
                if found is None:
                    bare.append(f"{path.name}::{node.name}")
                else:
                    rows.append(found)
    return sorted(rows), bare


def render(rows: list[Row]) -> str:
    """Return the page."""
    documents = sorted({row.rfc for row in rows})
    parts = [_HEAD.format(count=len(rows), documents=len(documents))]
    for rfc in documents:
        parts.append(f"## RFC {rfc}: {_TITLES[rfc]}\n\n| section | requirement | test |\n|---|---|---|")
        parts.extend(f"| {section_of(row)} | {row.sentence} | `{row.test}` |" for row in rows if row.rfc == rfc)
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def section_of(row: Row) -> str:
    """Return the section as it is written: `4.1.2`, `B`."""
    return ".".join(letter or str(number) for number, letter in row.section)


def _row_of(node: ast.FunctionDef | ast.AsyncFunctionDef, *, rfc: str) -> Row | None:
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "requires":
            section, sentence = (ast.literal_eval(argument) for argument in decorator.args)
            return Row(rfc=rfc, section=_numbers(section), sentence=sentence, test=node.name)
    return None


def _numbers(section: str) -> tuple[tuple[int, str], ...]:
    parts = (re.fullmatch(r"(\d*)([A-Z]?)", part) for part in section.split("."))
    return tuple((int(part[1] or _APPENDIX), part[2]) for part in parts if part)


if __name__ == "__main__":
    PAGE.write_text(render(load_rows()[0]), encoding="utf-8")
