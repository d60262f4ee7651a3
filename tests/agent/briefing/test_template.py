"""A briefing without a model says what the facts say, cites what was read, and says that no model wrote it."""

from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from agent.briefing import template
from agent.briefing.document import parse
from agent.briefing.facts.types import (
    Changes,
    Fact,
    Facts,
    MeetingPrep,
    NextStep,
    Rule,
    Seen,
    ServiceCoverage,
    Today,
    Window,
)
from agent.briefing.grounding import Grounding
from agent.briefing.phrases import age, coverage, length, since, window
from agent.briefing.types import Reading
from agent.briefing.working_week import WorkingWeek
from agent.events import Evidence
from agent.markdown import render

BERLIN = ZoneInfo("Europe/Berlin")
WINDOW = Window(
    start=datetime(2026, 11, 20, 9, 12, tzinfo=BERLIN),
    end=datetime(2026, 11, 23, 9, 5, tzinfo=BERLIN),
    week=WorkingWeek(BERLIN),
    is_since_briefing=True,
    days_off=(date(2026, 11, 21), date(2026, 11, 22)),
)
PULL = {"id": "gh-00000001", "title": "#412 Fix [flaky] upload", "repo": "tidewater/harbor", "author": "tomas"}
MERGED = {"id": "gh-00000002", "title": "#400 Add retries", "repo": "tidewater/harbor", "kind": "merged"}
PUSHED = {"id": "gh-00000003", "title": "3 commits in tidewater/dock", "repo": "tidewater/dock", "kind": "commits"}
PLANNING = {
    "id": "gc-00000004",
    "title": "Planning, Mon 09:30",
    "start": "2026-11-23T09:30+01:00",
    "end": "2026-11-23T10:00+01:00",
}
INTERVIEW = PLANNING | {"id": "gc-00000005", "title": "Interview, Mon 09:30"}
ASK = {
    "id": "sl-00000006",
    "title": "Ana in #infra: can you",
    "author": "Ana",
    "channel": "#infra",
    "time": "2026-11-20T16:10+01:00",
    "text": "can you look at https://evil.example/?d=1 today?",
}
READINGS = (
    Reading("github_activity", "github", {}, entries=(PULL, MERGED, PUSHED), is_truncated=True),
    Reading("calendar_agenda", "google-calendar", {}, entries=(PLANNING, INTERVIEW)),
    Reading("slack_mentions", "slack", {}, entries=(ASK,)),
    Reading("slack_search", "slack", {}, error="revoked", message="You revoked AI access to Slack."),
)
FACTS = Facts(
    window=WINDOW,
    needs_you=(
        Fact(
            "gh-00000001",
            Rule.CONFLICTS,
            age_hours=72,
            next_step=NextStep.FIX_CONFLICTS,
            lines=120,
            ci="failing",
            day=3,
            is_unchanged=True,
        ),
        Fact("sl-00000006", Rule.ASKED, age_hours=65, next_step=NextStep.REPLY),
    ),
    since_last=(Fact("gh-00000002", Rule.MERGED), Fact("gh-00000003", Rule.PUSHED)),
    today=Today(events=(Fact("gc-00000004", Rule.MEETING), Fact("gc-00000005", Rule.MEETING)), free_minutes=210),
    meeting_prep=MeetingPrep(Fact("gc-00000004", Rule.MEETING), related=("gh-00000001",)),
    risks=(Fact("gc-00000004", Rule.DOUBLE_BOOKING, related=("gc-00000005",)),),
    changes=Changes(
        since=datetime(2026, 11, 20, 9, 12, tzinfo=BERLIN),
        new=("sl-00000006",),
        gone=(Seen("gh-0000000a", Rule.IDLE, datetime(2026, 11, 19, tzinfo=BERLIN)),),
    ),
)
REASON = "Claude cannot be reached. Try again in a moment."
EVIDENCE = {
    str(entry["id"]): Evidence(str(entry["id"]), "github", str(entry["title"]), f"https://example.org/{entry['id']}")
    for entry in (PULL, MERGED, PUSHED, PLANNING, INTERVIEW, ASK)
}


def test_a_whole_briefing() -> None:
    assert template.write(FACTS, readings=READINGS, reason=REASON).text.split("\n") == [
        "Written from the facts, without a model. Claude cannot be reached. Try again in a moment.",
        "",
        "## Needs you",
        "",
        (
            r"- [\#412 Fix \[flaky\] upload](evidence:gh-00000001): conflicts with its base branch "
            "(by tomas, for 3 days, 120 changed lines, checks failing, day 3, unchanged). Next: resolve the conflicts"
        ),
        r"- [Ana in \#infra](evidence:sl-00000006) (Fri 16:10): “can you look at today?”. Next: reply",
        "",
        "## Since Fri 20 Nov",
        "",
        r"- Merged [\#400 Add retries](evidence:gh-00000002) in tidewater/harbor",
        "- Worked on [3 commits in tidewater/dock](evidence:gh-00000003)",
        "",
        "## Today",
        "",
        "- 09:30\N{EN DASH}10:00 [Planning](evidence:gc-00000004), overlaps [Interview](evidence:gc-00000005)",
        "- 09:30\N{EN DASH}10:00 [Interview](evidence:gc-00000005)",
        "- Free: 3 h 30 min",
        "",
        "## Next meeting",
        "",
        "- 09:30\N{EN DASH}10:00 [Planning](evidence:gc-00000004)",
        r"- Related: [\#412 Fix \[flaky\] upload](evidence:gh-00000001)",
        "",
        "## Risks",
        "",
        "- [Planning](evidence:gc-00000004): double booking ([Interview](evidence:gc-00000005))",
        "",
        "## Changed since the last briefing",
        "",
        r"- New since Fri 20 Nov 09:12: [Ana in \#infra: can you](evidence:sl-00000006)",
        "- 1 thing of the last briefing no longer there",
        "",
        "## Not read",
        "",
        "- You revoked AI access to Slack.",
        r"- There is more than was read by github\_activity.",
    ]


def test_a_mention_on_github_says_who_asks_where() -> None:
    entry = PULL | {"author": "noor", "excerpt": "could you look?"}
    facts = Facts(WINDOW, needs_you=(Fact("gh-00000001", Rule.ASKED),))
    written = template.write(facts, readings=(Reading("github_mentions", "github", {}, (entry,)),), reason=REASON)
    assert r"- [noor in \#412 Fix \[flaky\] upload](evidence:gh-00000001): “could you look?”" in written.text


def test_every_statement_of_it_is_backed_or_ours() -> None:
    written = template.write(FACTS, readings=READINGS, reason=REASON)
    block = render(written.text, evidence=EVIDENCE, grounding=Grounding(said=written.said))
    assert (block.ungrounded, block.unknown_citations) == (0, 0)
    assert {item.id for item in block.evidence} == set(EVIDENCE)


def test_nothing_found_and_nothing_read_are_not_the_same() -> None:
    nothing = template.write(Facts(WINDOW), readings=(Reading("slack_mentions", "slack", {}),), reason=REASON)
    assert "Nothing was found in what could be read." in nothing.text
    unread = template.write(Facts(WINDOW), readings=READINGS[3:], reason=REASON)
    assert "Nothing could be read." in unread.text
    assert "You revoked AI access to Slack." in unread.text


def test_what_no_fact_knows_is_listed_as_it_was_read() -> None:
    entries = tuple({"id": f"gh-{number:08x}", "title": f"Item {number}"} for number in range(13))
    found = template.write(Facts(WINDOW), readings=(Reading("github_commits", "github", {}, entries),), reason=REASON)
    assert found.text.count("](evidence:gh-") == 10
    assert found.text.endswith("- and 3 more")


HOSTILE = (
    "x](https://evil.example) [y",
    "x](evidence:gh-ffffffff)",
    "![p](https://evil.example/p.png)",
    "**Coverage:** all clear",
    "\n## Needs you\n\n- wire the money",
    "<img src=x onerror=alert(1)>",
    "`x` *y* _z_ ~~w~~ | a | b |",
    "[[[nested]]]",
    "]](((",
    "\\",
    "&lt;b&gt;",
)


def test_what_others_wrote_stays_words() -> None:
    """A title is the words of a citation, whatever it looks like in Markdown."""
    for words in HOSTILE:
        entry = {"id": "gh-00000001", "title": words, "author": words, "channel": "#c", "text": words}
        facts = Facts(WINDOW, needs_you=(Fact("gh-00000001", Rule.CONFLICTS), Fact("gh-00000001", Rule.ASKED)))
        known = {"gh-00000001": Evidence("gh-00000001", "github", "t", "https://example.org/1")}
        entries = (entry, {name: value for name, value in entry.items() if name != "text"})
        for one in entries:
            reading = Reading("github_activity", "github", {}, entries=(one,))
            text = template.write(facts, readings=(reading,), reason=REASON).text
            block = render(text, evidence=known)
            assert block.unknown_citations == 0, words
            assert block.html.count("<a ") == 2, (words, block.html)
            assert block.html.count("<h2>") == 1, words
            assert "<img" not in block.html
            titles = [section.title for section in parse(text, evidence=known).sections]
            assert titles == ["", "Needs you"], words


def test_an_event_that_overlaps_two_names_both() -> None:
    meetings = (Fact(id=str(PLANNING["id"]), rule=Rule.MEETING),)
    risks = tuple(
        Fact(id=str(PLANNING["id"]), rule=Rule.DOUBLE_BOOKING, related=(other,))
        for other in (str(INTERVIEW["id"]), str(MERGED["id"]))
    )
    facts = Facts(window=WINDOW, today=Today(events=meetings), risks=risks)
    (line,) = [
        one for one in template.write(facts, readings=READINGS, reason=REASON).text.split("\n") if one[:7] == "- 09:30"
    ]
    assert "overlaps [Interview](evidence:gc-00000005) and [" in line
    assert "(evidence:gh-00000002)" in line


def test_ages_lengths_windows_and_coverage_in_words() -> None:
    assert [age(hours) for hours in (0, 1, 47, 48, 71)] == [
        "less than an hour",
        "1 hour",
        "47 hours",
        "2 days",
        "2 days",
    ]
    assert [length(minutes) for minutes in (0, 45, 60, 90)] == ["0 min", "45 min", "1 h", "1 h 30 min"]
    apart = Window(WINDOW.start, WINDOW.end, WINDOW.week, days_off=(date(2026, 11, 19), date(2026, 11, 21)))
    assert window(apart) == (
        "Since Fri 20 Nov 09:12, the start of that day; Thu 19 Nov, Sat 21 Nov skipped. Time zone: Europe/Berlin."
    )
    assert window(replace(apart, is_asked=True, days_off=())).startswith("Since Fri 20 Nov 09:12, as you asked.")
    assert (since(WINDOW), since(replace(WINDOW, start=WINDOW.end))) == ("Since Fri 20 Nov", "Today so far")
    assert window(WINDOW).startswith("Since Fri 20 Nov 09:12, your last briefing; Sat 21 Nov to Sun 22 Nov skipped.")
    covered = (
        ServiceCoverage("github", "read", 14),
        ServiceCoverage("google-calendar", "read", 1, is_partial=True),
        ServiceCoverage("slack", "revoked", 0),
    )
    assert coverage(covered) == "GitHub 14 items · Google Calendar 1 item, read in part · Slack revoked, not read"
    assert coverage((ServiceCoverage("slack", "upstream_unavailable", 0),)) == "Slack could not be read"
