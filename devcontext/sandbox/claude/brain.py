"""What the stand-in does next, by rules: calls the tools that the words of the question ask for, then writes.

It is no model and does not pretend to be one; it shows what the rest of DevContext does with a model's requests.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from devcontext.sandbox.claude import replies
from devcontext.sandbox.claude.prose import write_answer
from devcontext.sandbox.claude.reading import Exchange, read_exchange
from devcontext.sandbox.claude.replies import Reply
from devcontext.sandbox.claude.request import Question

_GREETING = "Hello. Ask me to brief you for standup, what needs your review, or what you missed in Slack."
_NOTHING_READ = "I have read nothing for this question, so I cannot say anything about your work."
_EVERYTHING = ("github_activity", "calendar_agenda", "slack_mentions")
_BRIEFING = (
    "github_activity",
    "github_review_requests",
    "github_my_pull_requests",
    "calendar_agenda",
    "slack_mentions",
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


_SEARCHED = re.compile(r"(?:said about|search (?:slack )?for) (.{1,60})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rule:
    """Words that a question may hold, and the tools that answer it. The first rule that fits decides."""

    name: str
    words: re.Pattern[str]
    tools: tuple[str, ...]


def _rule(name: str, words: str, *tools: str) -> Rule:
    return Rule(name, re.compile(words, re.IGNORECASE), tools)


_RULES = (
    _rule("connections", r"\bconnect(ed|ions?)\b|what can you (read|see)", "connections"),
    _rule("channel", r"(?<!\w)#[a-z][\w-]*", "slack_channel_messages"),
    _rule("briefing", r"\bbrief|\bstand-?up\b", *_BRIEFING),
    _rule("free time", r"\bfree\b|\bfocus time\b|\bhours? for\b", "calendar_free_slots"),
    _rule("direct messages", r"\bDMs?\b|direct messages?", "slack_direct_messages"),
    _rule("search", r"\bsaid about\b|\bsearch (slack )?for\b", "slack_search"),
    _rule("channels", r"\bwhich (slack )?channels\b", "slack_channels"),
    _rule("repositories", r"\brepositor(y|ies)\b|\brepos\b", "github_repositories"),
    _rule("issues", r"\bissues\b|\bassigned\b|\bon my plate\b", "github_assigned_issues"),
    _rule("commits", r"\bcommits?\b|\bcommitted\b", "github_commits"),
    _rule(
        "who needs me",
        r"^(?!.*\bslack\b).*\b(who (needs|mentioned|is waiting for)|mentioned in)\b",
        "slack_mentions",
        "github_mentions",
    ),
    _rule(
        "red checks",
        r"\bwhy\b.*\b(CI|checks?|red)\b|\bfailing checks?\b|\bchecks? (are )?fail",
        "github_failing_checks",
    ),
    _rule("team", r"\bis (the|my) team\b|\bwas merged\b", "github_pull_requests"),
    _rule("preparation", r"\bprep", "calendar_agenda", "github_my_pull_requests", "slack_mentions"),
    _rule("reviews", r"\breview", "github_review_requests", "github_my_pull_requests"),
    _rule("pull requests", r"\bPRs?\b|pull request|\bblocked\b|\bchecks?\b|\bCI\b", "github_my_pull_requests"),
    _rule("calendar", r"\bmeeting|\bcalendar\b|\bagenda\b|\bschedule\b", "calendar_agenda"),
    _rule("slack", r"\bslack\b|\bmention|\bmessages?\b", "slack_mentions"),
    _rule("greeting", r"^\W*(hi|hello|hey|thanks|thank you|good (morning|afternoon|evening))\b[\w\s]{0,16}\W*$"),
    _rule("work", r"", *_EVERYTHING),
)


def reply(question: Question) -> Reply:
    """Return the tools to call, or the answer once something was read."""
    exchange = read_exchange(question)
    rule = choose(exchange.text)
    if not exchange.readings and question.may_call_tools:
        wanted = [(tool["name"], _arguments(tool, exchange)) for tool in question.tools if tool["name"] in rule.tools]
        if wanted:
            return replies.calls(wanted)
    if exchange.readings:
        return replies.text(write_answer(exchange, about=rule.name))
    return replies.text(_GREETING if rule.name == "greeting" else _NOTHING_READ)


def choose(text: str) -> Rule:
    """Return the first rule whose words `text` holds; the last one fits everything."""
    return next(rule for rule in _RULES if rule.words.search(text))


def _arguments(tool: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
    """Return what the tool's schema asks for and the question or its context gives."""
    since, until = _days(exchange)
    channel = re.search(r"(?<!\w)#([a-z][\w-]*)", exchange.text, re.IGNORECASE)
    known = {
        "since": since.isoformat(),
        "start": since.isoformat(),
        "end": until.isoformat(),
        "channel": channel[1].lower() if channel else "general",
    }
    if words := _SEARCHED.search(exchange.text):
        known["query"] = words[1].strip(" ?.!")
    if tool["name"] == "calendar_free_slots":
        # Free time lies ahead: without a day in the question, today.
        known |= {"start": max(since, exchange.today).isoformat(), "end": max(until, exchange.today).isoformat()}
    if tool["name"] == "github_pull_requests" and "merged" in exchange.text.lower():
        known["state"] = "merged"
    if exchange.is_about_yesterday:
        known["until"] = until.isoformat()
    return {name: known[name] for name in tool["input_schema"].get("properties", {}) if name in known}


def _days(exchange: Exchange) -> tuple[date, date]:
    """Return the first and the last day that the question is about."""
    text, today = exchange.text.lower(), exchange.today
    if "tomorrow" in text:
        return today + timedelta(days=1), today + timedelta(days=1)
    if "did we decide" in text or "this week" in text:
        # A decision is looked up later than a message is missed.
        return today - timedelta(days=7 if "decide" in text else today.weekday()), today
    if named := re.search(rf"since ({'|'.join(_WEEKDAYS)})", text):
        back = (today.weekday() - _WEEKDAYS.index(named[1])) % 7 or 7
        return today - timedelta(days=back), today
    if exchange.is_about_yesterday:
        return exchange.since, exchange.since
    if "today" in text or choose(exchange.text).name in ("calendar", "preparation"):
        return today, today
    return exchange.since, today
