"""Writes the stand-in's answer in Markdown from what the tools returned: sections, citations, and what was not read."""

from collections.abc import Iterable
from datetime import date, timedelta

from devcontext.sandbox.claude import lines
from devcontext.sandbox.claude.facts_prose import Section, write_sections
from devcontext.sandbox.claude.lines import Item
from devcontext.sandbox.claude.reading import Exchange, Reading

# A review that waits this long is somebody's blocker.
_OVERDUE_DAYS = 3
_LISTED = {
    "github_failing_checks": ("Failing checks", lines.failing_check),
    "github_mentions": ("Mentions on GitHub", lines.message),
    "github_assigned_issues": ("Assigned to you", lines.link),
    "github_pull_requests": ("Pull requests", lines.review_request),
    "github_commits": ("Commits", lines.link),
    "github_repositories": ("Repositories", lines.link),
    "calendar_free_slots": ("Free time", lines.link),
    "slack_search": ("Found in Slack", lines.message),
    "slack_direct_messages": ("Direct messages", lines.message),
    "slack_channels": ("Channels", lines.link),
}
# What is finished comes before what was touched.
_KINDS = ("merged", "opened", "commits", "reviewed", "issue_opened")


def write_answer(exchange: Exchange, *, about: str) -> str:
    """Return the answer to a question of the kind `about`; a narrow one gets only what it asks for."""
    if about == "connections" and exchange.items("connections"):
        return "\n".join(f"- {_connection(item)}" for item in exchange.items("connections"))
    if exchange.facts is not None:
        return _write_recipe(exchange)
    sections = [section for section in (*_sections(exchange, about=about), *_lists(exchange)) if section[1]]
    missing = _not_read(exchange.readings)
    body = [_write(title, bullets) for title, bullets in sections]
    if not body:
        body = ["Nothing was found in what could be read." if _has_read(exchange) else "Nothing could be read."]
    if missing:
        body.append(_write("Not read", missing))
    return "\n\n".join([*body, _coverage(exchange.readings)])


def _write_recipe(exchange: Exchange) -> str:
    """Return the answer to a recipe; what was read is for DevContext to say."""
    body = [_write(title, bullets) for title, bullets in write_sections(exchange) if bullets]
    if not body:
        body = ["Nothing was found in what could be read." if _has_read(exchange) else "Nothing could be read."]
    missing = _not_read(exchange.readings)
    return "\n\n".join([*body, _write("Not read", missing)] if missing else body)


def _sections(exchange: Exchange, *, about: str) -> list[Section]:
    if about == "reviews":
        return _review_sections(exchange)
    if exchange.is_about_yesterday:
        return _yesterday_sections(exchange)
    mine = exchange.items("github_my_pull_requests")
    reviews = sorted(exchange.items("github_review_requests"), key=lambda item: -_days(item))
    mentions = exchange.items("slack_mentions")
    urgent = [item for item in mine if item.get("waiting_on") == "me" and item.get("next_step") != "finish_draft"]
    overdue = [item for item in reviews if _days(item) >= _OVERDUE_DAYS]
    asks = [item for item in mentions if lines.is_ask(item)]
    needs = [
        *map(lines.own_pull_request, urgent),
        *(f"Review {lines.review_request(item)}" for item in overdue),
        *map(lines.message, asks),
    ]
    queue = [
        *map(lines.review_request, _without(reviews, overdue)),
        *(f"Yours: {lines.own_pull_request(item)}" for item in _without(mine, urgent)),
    ]
    before, today = _agenda(exchange)
    talk = [*_without(mentions, asks), *exchange.items("slack_channel_messages")]
    return [
        ("Needs you", needs),
        (f"Since {exchange.since:%A}, your last working day", _done(exchange) + _met(before)),
        ("Today" if about != "calendar" else "Your calendar", list(map(lines.event, today))),
        ("Review queue", queue),
        ("Slack", list(map(lines.message, talk))),
    ]


def _lists(exchange: Exchange) -> list[Section]:
    """Return what the tools of narrow questions returned, item by item."""
    return [(title, [write(item) for item in exchange.items(tool)]) for tool, (title, write) in _LISTED.items()]


def _yesterday_sections(exchange: Exchange) -> list[Section]:
    """Return what happened on the last working day, whatever else was read."""
    met = [item for item in exchange.items("calendar_agenda") if item.get("kind") == "meeting"]
    told = exchange.items("slack_mentions") + exchange.items("slack_channel_messages")
    return [
        (f"On {exchange.since:%A}, your last working day", _done(exchange)),
        ("Meetings", [lines.event(item) for item in _on(exchange.since, met, key="start")]),
        ("Slack", [lines.message(item) for item in _on(exchange.since, told, key="time")]),
    ]


def _done(exchange: Exchange) -> list[str]:
    items = sorted(exchange.items("github_activity"), key=_rank)
    if exchange.is_about_yesterday:
        items = _on(exchange.since, items, key="occurred_at")
    return list(map(lines.activity, items))


def _met(meetings: list[Item]) -> list[str]:
    return [f"Met: {', '.join(lines.link(item, text=lines.name_of(item)) for item in meetings)}"] if meetings else []


def _on(day: date, items: list[Item], *, key: str) -> list[Item]:
    """Return the items of `day`; one that has no time counts."""
    times = [lines.day_of(item, key=key) for item in items]
    return [item for item, at in zip(items, times, strict=True) if at is None or at.date() == day]


def _review_sections(exchange: Exchange) -> list[Section]:
    waiting = sorted(exchange.items("github_review_requests"), key=lambda item: -_days(item))
    mine = exchange.items("github_my_pull_requests")
    return [
        ("Waits for your review", list(map(lines.review_request, waiting))),
        ("Your pull requests", list(map(lines.own_pull_request, mine))),
    ]


def _agenda(exchange: Exchange) -> tuple[list[Item], list[Item]]:
    """Return the meetings that are over since the last working day, and the entries from today on."""
    before, later = [], []
    for item in exchange.items("calendar_agenda"):
        start, end = lines.day_of(item, key="start"), lines.day_of(item, key="end")
        # The end of a whole day is the midnight after it.
        last = (end - timedelta(minutes=1) if end and item.get("all_day") else end) or start
        if last is None or last.date() >= exchange.today:
            later.append(item)
        elif item.get("kind") == "meeting" and start and start.date() >= exchange.since:
            before.append(item)
    return before, later


def _not_read(readings: Iterable[Reading]) -> list[str]:
    """Return what is missing, in the words the tools gave, each once."""
    found = [_sentence(reading) for reading in readings if reading.error]
    found += [f"{reading.service}: {warning}" for reading in readings for warning in reading.warnings]
    found += [f"{reading.service}: there is more than was read." for reading in readings if reading.is_truncated]
    return list(dict.fromkeys(found))


def _sentence(reading: Reading) -> str:
    is_named = reading.service in reading.error
    return reading.error if is_named else f"{reading.service or reading.tool}: {reading.error}"


def _coverage(readings: Iterable[Reading]) -> str:
    by_service: dict[str, list[Reading]] = {}
    for reading in readings:
        if reading.service:
            by_service.setdefault(reading.service, []).append(reading)
    parts = [f"{service} {_covered(of_service)}" for service, of_service in by_service.items()]
    return f"**Coverage:** {' · '.join(parts)}" if parts else ""


def _covered(readings: list[Reading]) -> str:
    read = [reading for reading in readings if not reading.error]
    if not read:
        return "not read"
    count = len({item.get("id") or item.get("title") for reading in read for item in reading.items})
    items = "nothing found" if not count else f"{count} item" if count == 1 else f"{count} items"
    return items if len(read) == len(readings) else f"{items}, read in part"


def _connection(item: Item) -> str:
    account = f" as {item['account']}" if item.get("account") else ""
    return f"{item.get('title', '')}{account}"


def _write(title: str, bullets: list[str]) -> str:
    return "\n".join([f"## {title}", "", *(f"- {bullet}" for bullet in bullets)])


def _rank(item: Item) -> int:
    kind = item.get("kind")
    return _KINDS.index(kind) if kind in _KINDS else len(_KINDS)


def _days(item: Item) -> int:
    days = item.get("age_days")
    return days if isinstance(days, int) else 0


def _without(items: list[Item], left_out: list[Item]) -> list[Item]:
    return [item for item in items if item not in left_out]


def _has_read(exchange: Exchange) -> bool:
    return any(reading.service and not reading.error for reading in exchange.readings)
