"""One line of Markdown for one item that a tool returned, citing it; nothing is said that the item does not say."""

import re
from datetime import datetime
from typing import Any

Item = dict[str, Any]

_QUOTE_CHARACTERS = 180
_ASKS = ("?", "please", "can you", "could you")
_ESCAPES = str.maketrans({character: f"\\{character}" for character in "\\[]<*"})
_REVIEW_STATES = {
    "approved": "approved",
    "changes_requested": "changes requested",
    "commented": "commented",
    "dismissed": "dismissed",
}
# How a pull request stands, and what its author does next.
_NEXT_STEPS = {
    "fix_conflicts": ("conflicts with its base branch", "resolve them"),
    "fix_checks": ("checks are failing", "fix them"),
    "address_review": ("changes are requested", "answer the review"),
    "merge": ("nothing blocks it", "merge"),
    "finish_draft": ("still a draft", ""),
    "wait_for_checks": ("checks are running", ""),
    "wait_for_review": ("waits for review", ""),
}
_ADDRESS = re.compile(r"\s*\(https?://[^)\s]*\)|\s*https?://\S+")


def link(item: Item, *, text: str = "") -> str:
    """Return a citation of `item`: its title, or `text`, as a link to its evidence; plain text if it has none."""
    words = plain(text or str(item.get("title", "")))
    return f"[{words}](evidence:{item['id']})" if item.get("id") else words


def plain(words: str) -> str:
    """Return somebody else's words on one line, so that they are no link, HTML or emphasis in Markdown."""
    return " ".join(words.split()).translate(_ESCAPES)


def activity(item: Item) -> str:
    """Return what the user did: merged, opened, pushed to, reviewed or filed."""
    place = f" in {item['repo']}" if item.get("repo") else ""
    match item.get("kind"):
        case "merged":
            return f"Merged {link(item)}{place}{_headlines(item)}"
        case "opened":
            return f"Opened {link(item)}{place}{_headlines(item)}"
        case "reviewed":
            verdict = _REVIEW_STATES.get(str(item.get("state")), "")
            return f"Reviewed {link(item)}{place}{f': {verdict}' if verdict else ''}"
        case "issue_opened":
            return f"Filed {link(item)}{place}"
        case "commits" if item.get("number"):
            return f"Worked on {link(item)}{place}{_headlines(item)}"
        case _:
            return f"{link(item)}{_headlines(item)}"


def own_pull_request(item: Item) -> str:
    """Return how a pull request of the user stands, who waits, and what has to happen next."""
    state, step = _NEXT_STEPS.get(str(item.get("next_step")), ("open", ""))
    reviewers = ", ".join(map(str, item.get("reviewers") or []))
    facts = [_age(item, word="open"), f"{reviewers} to review" if reviewers else ""]
    known = "; ".join(fact for fact in facts if fact)
    return f"{link(item)}: {state}{f' ({known})' if known else ''}.{f' Next: {step}.' if step else ''}"


def review_request(item: Item) -> str:
    """Return who waits for the user's review, since when, and how large it is."""
    facts = [f"by {item['author']}" if item.get("author") else "", _age(item, word="waiting")]
    if "additions" in item:
        size = f"+{item['additions']} \N{MINUS SIGN}{item.get('deletions', 0)}"
        facts.append(f"{size} in {_count(item.get('files', 0), 'file')}")
    if item.get("ci") in ("passing", "failing", "pending"):
        facts.append(f"checks {item['ci']}")
    return f"{link(item)}: {', '.join(fact for fact in facts if fact)}"


def failing_check(item: Item) -> str:
    """Return which check fails, where, and what it says."""
    summary = plain(str(item["summary"])) if item.get("summary") else ""
    where = plain(str(item.get("pull_request", "")))
    return f"{link(item)}{f' ({where})' if where else ''}{f': {summary}' if summary else ''}"


def event(item: Item) -> str:
    """Return a calendar entry with its time, and what it collides with."""
    others = " and ".join(plain(str(other)) for other in item.get("conflicts_with") or [])
    notes = [f"**overlaps {others}**"] if others else []
    if item.get("my_response") in ("needsAction", "tentative"):
        notes.append("not accepted yet")
    if item.get("location"):
        notes.append(plain(str(item["location"])))
    noted = f" ({', '.join(notes)})" if notes else ""
    return f"{_span(item)} {link(item, text=name_of(item))}{noted}"


def message(item: Item) -> str:
    """Return who said what, where and when."""
    # Addresses say nothing to a reader, and the citation leads to the message.
    words = " ".join(_ADDRESS.sub("", str(item.get("text") or item.get("excerpt") or "")).split())
    quote = plain(words if len(words) <= _QUOTE_CHARACTERS else f"{words[: _QUOTE_CHARACTERS - 1].rstrip()}…")
    where = item.get("channel") or item.get("title") or "Slack"
    place = f"{item.get('author', 'Someone')} in {where}"
    at = day_of(item, key="time") or day_of(item, key="mentioned_at")
    when = f" ({at:%a %H:%M})" if at else ""
    return f"{link(item, text=place)}{when}{f': “{quote}”' if quote else ''}"


def name_of(item: Item) -> str:
    """Return what a calendar entry is called, without the time in its title."""
    return str(item.get("title", "")).rpartition(", ")[0] or str(item.get("title", ""))


def is_ask(item: Item) -> bool:
    """Whether a message asks for something."""
    text = str(item.get("text", "")).lower()
    return any(word in text for word in _ASKS)


def day_of(item: Item, *, key: str) -> datetime | None:
    """Return the local time that `item` has under `key`, or None; a date is its midnight."""
    try:
        return datetime.fromisoformat(str(item.get(key, "")))
    except ValueError:
        return None


def _span(item: Item) -> str:
    start, end = day_of(item, key="start"), day_of(item, key="end")
    if item.get("all_day") or start is None:
        return "All day"
    return f"{start:%H:%M}\N{EN DASH}{end:%H:%M}" if end else f"{start:%H:%M}"


def _headlines(item: Item) -> str:
    headlines = [str(one) for one in item.get("headlines") or []]
    if not headlines:
        return ""
    more = f" and {len(headlines) - 2} more" if len(headlines) > 2 else ""  # noqa: PLR2004, as many as are shown below
    return f": {plain('; '.join(headlines[:2]))}{more}"


def _age(item: Item, *, word: str) -> str:
    days = item.get("age_days")
    return f"{word} {_count(days, 'day')}" if isinstance(days, int) and days > 0 else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
