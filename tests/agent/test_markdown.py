"""Model output becomes HTML with nothing in it that the model could steer: no address but the user's own evidence."""

from html.parser import HTMLParser

import pytest

from agent.events import Evidence
from agent.markdown import render, split_closed, without_unfinished_end

PULL = Evidence("gh-00000001", "github", "Fix upload", "https://github.com/tidewater/harbor/pull/412")
BRACKETS = Evidence("sl-00000002", "slack", "A (b)", "https://tidewater.slack.com/archives/C1/p1?x=(1)")


class Elements(HTMLParser):
    """Collects what a browser would build: elements with their attributes, not escaped text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))


EVIDENCE = {item.id: item for item in (PULL, BRACKETS)}


def test_a_citation_becomes_a_link_to_its_evidence() -> None:
    block = render(f"See [Fix [infra] upload](evidence:{PULL.id}).", evidence=EVIDENCE)
    assert f'<a href="{PULL.url}" class="evidence" target="_blank" data-provider="github"' in block.html
    assert 'rel="noopener noreferrer"' in block.html
    assert block.text == f"See [Fix [infra] upload]({PULL.url})."
    assert block.evidence == (PULL,)


def test_an_address_with_parentheses_survives() -> None:
    block = render(f"[A](evidence:{BRACKETS.id})", evidence=EVIDENCE)
    assert f'href="{BRACKETS.url}"' in block.html


def test_an_invented_citation_loses_its_link_and_is_counted() -> None:
    block = render("[Made up](evidence:gh-ffffffff)", evidence=EVIDENCE)
    assert block.html == "<p>Made up</p>\n"
    assert block.unknown_citations == 1
    assert block.evidence == ()


@pytest.mark.parametrize(
    "text",
    [
        "[x](https://evil.example/?q=secret)",
        "![x](https://evil.example/pixel.png)",
        "![x](data:image/png;base64,AAAA)",
        "[x](javascript:alert(1))",
        "<https://evil.example>",
        "https://evil.example/plain",
        "[x][ref]\n\n[ref]: https://evil.example",
        "<img src=https://evil.example/x onerror=alert(1)>",
        "<script>alert(1)</script>",
        '<a href="https://evil.example">x</a>',
        "<svg><use href='https://evil.example'/></svg>",
        "| a |\n|---|\n| [x](https://evil.example) |",
        "[x]( <https://evil.example> )",
        "[![x](https://evil.example/a.png)](https://evil.example)",
        "[x](//evil.example)",
        "[x](evidence:gh-00000001 'https://evil.example')",
    ],
)
def test_no_other_address_becomes_a_link_or_an_image(text: str) -> None:
    elements = Elements()
    elements.feed(render(text, evidence=EVIDENCE).html)
    assert {name for name, _ in elements.found} <= {"p", "table", "thead", "tbody", "tr", "th", "td"}
    assert not any(attributes for _, attributes in elements.found)


def test_text_for_the_terminal_carries_no_foreign_link() -> None:
    block = render("[x](https://evil.example) and ![y](https://evil.example/y.png)", evidence=EVIDENCE)
    assert block.text == "x and y"


def test_tables_code_and_lists_are_kept() -> None:
    html = render("- a\n\n```py\n1 < 2\n```\n\n| a |\n|---|\n| 1 |\n\n~~no~~", evidence={}).html
    for tag in ("<li>a</li>", "<code>1 &lt; 2", "<table>", "<s>no</s>"):
        assert tag in html


def test_all_blocks_but_the_last_are_closed() -> None:
    assert split_closed("# A\n\npara\nmore\n\n- a\n- b\n") == (["# A\n\n", "para\nmore\n\n"], "- a\n- b\n")


def test_a_list_stays_open_over_a_blank_line() -> None:
    assert split_closed("- a\n\n- b\n") == ([], "- a\n\n- b\n")


def test_nothing_is_lost_between_closed_and_open() -> None:
    text = "intro\n\n## Today\n\n1. one\n2. two\n\n> quote\n\nend"
    closed, rest = split_closed(text)
    assert "".join(closed) + rest == text


@pytest.mark.parametrize("end", ["[PR", "[PR #4]", "[PR #4](evid", "[a [b] c](evidence:gh-00", "\n  -", "\n---"])
def test_an_end_that_has_only_partly_arrived_is_not_shown(end: str) -> None:
    assert without_unfinished_end(f"See {end}") == "See "


def test_a_finished_link_is_shown() -> None:
    assert without_unfinished_end("See [a](b)") == "See [a](b)"
