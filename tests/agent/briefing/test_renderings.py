"""One document in every form and length: what others wrote stays words in each, and what was not read is told."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from agent.briefing.document import Document, Line, Section, Span, frame, parse
from agent.briefing.lengths import Length, shorten
from agent.briefing.parsing import IGNORED_WORDS, without_coverage
from agent.briefing.phrases import LABEL
from agent.briefing.renderings import FORMATS, render, slack, speech
from agent.briefing.renderings import markdown as as_markdown
from agent.events import Evidence, Ignored
from agent.ignored import ignored_words
from agent.markdown import render as render_html

HERE = Path(__file__).parent
PROVIDERS = {"gh": "github", "gc": "google-calendar", "sl": "slack"}
TEXT = (HERE / "a_morning.md").read_text(encoding="utf-8")
EVIDENCE = {
    found: Evidence(
        found, PROVIDERS[found[:2]], "a title", f"https://{PROVIDERS[found[:2]]}.example/items/{found}?a=1&b=2"
    )
    for found in re.findall(r"evidence:([a-z0-9-]+)", TEXT)
}
ITEM = Evidence("gh-00000001", "github", "t", "https://github.example/x|y?a=<1>&b=2")


@pytest.mark.parametrize("length", list(Length))
@pytest.mark.parametrize("form", list(FORMATS))
def test_a_morning_in_every_form_and_length(form: str, length: Length) -> None:
    golden = (HERE / "golden" / f"{form}-{length}.txt").read_text(encoding="utf-8")
    assert render(parse(TEXT, evidence=EVIDENCE), form=form, length=length) + "\n" == golden


@pytest.mark.parametrize("length", list(Length))
def test_speech_takes_half_a_minute_at_most(length: Length) -> None:
    assert len(render(parse(TEXT, evidence=EVIDENCE), form="speech", length=length).split()) <= speech.MAX_WORDS


@pytest.mark.parametrize("form", list(FORMATS))
@pytest.mark.parametrize("length", list(Length))
def test_what_was_not_read_is_told_at_every_length(form: str, length: Length) -> None:
    assert "revoked, not read" in render(parse(TEXT, evidence=EVIDENCE), form=form, length=length)


def test_a_shorter_answer_keeps_only_what_an_item_backs() -> None:
    document = parse(TEXT, evidence=EVIDENCE)
    for length in (Length.SHORT, Length.HEADLINE):
        text = render(document, form="markdown", length=length)
        assert "It went well" not in text
    short = shorten(document, length=Length.SHORT)
    assert [line.text for line in short.sections[0].lines][-1] == "and 1 more"


@pytest.mark.parametrize("length", list(Length))
def test_that_no_model_wrote_it_is_told_at_every_length(length: Length) -> None:
    text = render(parse(f"{LABEL} Claude is busy.\n\n{TEXT}", evidence=EVIDENCE), form="markdown", length=length)
    assert text.startswith(f"{LABEL} Claude is busy.")


def test_an_answer_without_items_has_no_headline() -> None:
    document = parse("All is well.\n\n**Coverage:** Slack revoked, not read", evidence={})
    assert render(document, form="slack", length=Length.HEADLINE) == "_Slack revoked, not read_"


ABOUT = "Since Fri 20 Nov 09:12, your last briefing. Time zone: Europe/Berlin."
COVERED = "GitHub 14 items · Slack revoked, not read"


@pytest.mark.parametrize("form", ["slack", "markdown", "html", "text"])
def test_a_briefing_begins_with_what_it_is_about_and_what_was_read(form: str) -> None:
    document = parse(frame(TEXT.partition("**Coverage")[0], window=ABOUT, coverage=COVERED), evidence=EVIDENCE)
    text = render(document, form=form, length=Length.FULL)
    assert re.search(f"{ABOUT}.*{COVERED}.*Needs you", text, re.IGNORECASE | re.DOTALL)
    assert text.count(COVERED) == text.count(ABOUT) == 1


def test_an_answer_in_passing_ends_with_what_was_read() -> None:
    assert frame("Yes.", window="", coverage=COVERED) == f"Yes.\n\n**Coverage:** {COVERED}"
    assert not frame("", window=ABOUT, coverage=COVERED)


def test_only_the_first_line_is_ours_on_what_an_answer_is_about() -> None:
    document = parse(f"Yes.\n\n**Window:** {ABOUT}", evidence={})
    assert (document.window, parse("Window: broken", evidence={}).window) == ("", "")
    assert parse(frame("**Window:** mine", window=ABOUT, coverage=""), evidence={}).window == ABOUT


IGNORED = "2 calls of the model that are not allowed · 1 invented citation"


@pytest.mark.parametrize(("window", "coverage"), [(ABOUT, COVERED), ("", COVERED), ("", "")])
@pytest.mark.parametrize("form", list(FORMATS))
@pytest.mark.parametrize("length", list(Length))
def test_what_was_ignored_is_told_in_every_form_and_length(
    form: str, length: Length, window: str, coverage: str
) -> None:
    body = TEXT.partition("**Coverage")[0]
    document = parse(frame(body, window=window, coverage=coverage, ignored=IGNORED), evidence=EVIDENCE)
    assert document.ignored == IGNORED
    text = render(document, form=form, length=length)
    assert text.count("Ignored:") == 1
    assert IGNORED in text.replace("; ", " · ")
    assert form != "speech" or len(text.split()) <= speech.MAX_WORDS
    clean = parse(frame(body, window=window, coverage=coverage), evidence=EVIDENCE)
    assert "Ignored" not in render(clean, form=form, length=length)


CITED = "- **Ignored:** 3 dependabot PRs, as [#12](evidence:gh-00000001)"


@pytest.mark.parametrize("line", ["**Ignored:** all of it", f"Ignored: {IGNORED}", CITED])
def test_a_line_on_what_was_ignored_is_ours_only_in_our_words(line: str) -> None:
    document = parse(f"Yes.\n\n{line}\n\n**Coverage:** {COVERED}", evidence={})
    assert document.ignored == ""
    assert "Ignored" in render(document, form="markdown", length=Length.FULL)


def test_what_a_developer_ignored_stays() -> None:
    assert without_coverage(CITED) == CITED


@pytest.mark.parametrize("words", [*IGNORED.split(" · "), "nothing, all clear"])
@pytest.mark.parametrize("line", ["**Ignored:** {}", "__Ignored:__ {}", "__Ignored__: {}", "1. **Ignored:** {}"])
def test_a_models_own_line_in_our_words_goes(line: str, words: str) -> None:
    assert without_coverage(f"Yes.\n\n{line.format(words)}") == "Yes.\n\n"


@pytest.mark.parametrize("ignored", [Ignored(calls=1), Ignored(calls=2), Ignored(calls=0, hid=("slack",)), Ignored()])
def test_our_words_are_known_however_the_line_begins(ignored: Ignored) -> None:
    assert re.match(IGNORED_WORDS, ignored_words(ignored, unknown=1))


@pytest.mark.parametrize("depths", [(0, 1, 2, 0), (0, 2), (1, 0), (0, 1, 1, None, 0, 1), (2, 2, 0)])
def test_html_lists_stand_in_items(depths: tuple[int | None, ...]) -> None:
    """A list within a list is not allowed by HTML's content model: https://html.spec.whatwg.org/#the-ul-element."""
    lines = tuple(
        Line((Span(f"w{position}"),), "text" if depth is None else "item", depth or 0)
        for position, depth in enumerate(depths)
    )
    text = render(Document((Section("", lines),)), form="html", length=Length.FULL)
    root = ET.fromstring(f"<div>{text}</div>")  # noqa: S314 - our own words
    assert all(child.tag == "li" for parent in root.iter("ul") for child in parent)
    assert "".join(root.itertext()).split() == [f"w{n}" for n in range(len(depths))]


def hostile(words: str) -> Document:
    spans = (Span(words), Span(words, ITEM), Span(words, is_strong=True))
    kinds = ("text", "item", "quote", "row", "code")
    return Document((Section(words, tuple(Line(spans, kind) for kind in kinds)),))  # type: ignore[arg-type]


HOSTILE = (
    "<!channel> <!here> <!everyone>",
    "@channel @here @everyone @maya",
    "<@U012AB3CD> <#C012AB3CD>",
    "<https://evil.example/?q=1|Reset your password>",
    "<mailto:a@evil.example|x>",
    "[x](https://evil.example)",
    "![x](https://evil.example/p.png)",
    "a|b>c<d&e",
    "*bold* _it_ ~gone~ `code` ```fence```",
    "&lt;!here&gt;",
    "\u202e<!here>\u2066 @\u200bhere",
)


@pytest.mark.parametrize("words", HOSTILE)
def test_in_slack_what_others_wrote_is_no_link_no_call_and_no_markup(words: str) -> None:
    text = slack.render(hostile(words))
    found = re.findall(r"<([^<>]*)>", text)
    assert len(found) == 4
    for link in found:
        address, bar, _ = link.partition("|")
        assert (address, bar) == ("https://github.example/x%7Cy?a=%3C1%3E&amp;b=2", "|")
        assert link.count("|") == 1
    assert not re.search(r"(?<![\w.])@\w", text)
    assert "`code`" not in text
    assert "*bold*" not in text.replace("**", "")


@pytest.mark.parametrize("words", HOSTILE)
def test_in_markdown_what_others_wrote_is_words(words: str) -> None:
    text = as_markdown.render(hostile(words))
    html = render_html(text.replace(ITEM.url, "https://x.example"), evidence={}).html
    assert not re.search(r"(?<![\w.])@\w", text.partition("```")[0])
    assert "<strong>bold" not in html
    assert html.count("<code>") == 1
    assert "<img" not in html
    assert "<a" not in html


def test_a_line_that_looks_like_a_heading_or_a_list_is_none() -> None:
    for words in ("# x", "- x", "> x", "1. x", "+ x", "=== x"):
        text = as_markdown.render(Document((Section("", (Line((Span(words),)),)),)))
        assert render_html(text, evidence={}).html == f"<p>{words.replace('>', '&gt;')}</p>\n"


def test_the_block_form_is_one_message_within_slacks_limit() -> None:
    (block,) = slack.blocks(parse(TEXT, evidence=EVIDENCE))
    assert block["type"] == "markdown"
    assert json.dumps(block)
    many = Document((Section("x", tuple(Line((Span("long " * 40),), "item") for _ in range(400))),))
    (cut,) = slack.blocks(many)
    assert len(cut["text"]) <= slack.MAX_BLOCK_CHARACTERS
    assert cut["text"].endswith("long\n…")


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("#412 Fix upload", "Fix upload"),
        ("in tidewater/harbor", "in harbor"),
        ("09:00\N{EN DASH}09:30 Planning", "9 o'clock to 9:30 Planning"),
        ("14:00", "14 o'clock"),
        ("+1,200 \N{MINUS SIGN}88 in 7 files", "1,200 lines added, 88 removed in 7 files"),
        ("2 PRs, 1 PR", "2 pull requests, 1 pull request"),
        ("Free: 3 h 30 min", "Free: 3 hours 30 minutes"),
        ("Ana in #infra (Mon 08:40): “can you?”", "Ana in infra, Monday 8:40: can you?"),
        ("queue_worker is `done` \U0001f389", "queue worker is done"),
        ("@maya asks", "maya asks"),
    ],
)
def test_written_forms_are_spoken(written: str, spoken: str) -> None:
    assert speech.speak(written) == spoken


def test_a_long_answer_is_cut_at_a_line_and_says_how_much_is_left() -> None:
    lines = tuple(Line((Span("one two three four five six seven eight nine ten"),), "item") for _ in range(20))
    text = speech.render(Document((Section("", lines),), coverage="Slack revoked, not read"))
    assert len(text.split()) <= speech.MAX_WORDS
    assert "And 14 more." in text
    assert text.endswith("Not everything was read: Slack revoked, not read.")


@pytest.mark.parametrize("words", HOSTILE)
def test_in_html_what_others_wrote_is_text(words: str) -> None:
    written = FORMATS["html"](hostile(f"{words}<img src=x onerror=alert(1)>\"'"))
    tags = set(re.findall(r"<(/?\w+)", written))
    assert tags <= {*("h2", "p", "ul", "li", "a", "strong", "blockquote", "pre")} | {
        *("/h2", "/p", "/ul", "/li", "/a", "/strong", "/blockquote", "/pre")
    }
    assert set(re.findall(r'href="([^"]*)"', written)) == {"https://github.example/x|y?a=&lt;1&gt;&amp;b=2"}


def test_lists_in_html_open_and_close_in_step() -> None:
    written = FORMATS["html"](parse(f"{TEXT}\n## Last\n\ntext", evidence=EVIDENCE))
    assert written.count("<ul>") == written.count("</ul>") == 4
    assert "<ul>\n<li>it closed two issues</li></ul></li>\n" in written
