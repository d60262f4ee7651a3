"""The page of requirements and the tests that prove them are one table."""

import re
from collections import Counter

from tests.vault.rfc.page import FOLDER, PAGE, load_rows, render, section_of


def test_every_test_states_its_requirement_and_is_named_by_its_section() -> None:
    rows, bare = load_rows()
    assert bare == []
    assert len(rows) >= 120
    for row in rows:
        assert row.test.startswith(f"test_{section_of(row).lower().replace('.', '_')}_"), row.test


def test_the_page_and_the_tests_agree_row_by_row() -> None:
    """A row without a test, a test without a row, another sentence or section: each is a difference."""
    rows, _ = load_rows()
    assert PAGE.read_text(encoding="utf-8") == render(rows)
    stated = re.findall(r"^\| \S+ \| .+ \| `(test_\w+)` \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    written = [
        name
        for path in FOLDER.glob("test_rfc*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert Counter(stated) == Counter(written)


def test_no_requirement_is_stated_twice() -> None:
    rows, _ = load_rows()
    assert [key for key, count in Counter((row.rfc, row.sentence) for row in rows).items() if count > 1] == []
