"""How rules, steps, ages and instants read in a briefing that no model wrote. Pure; no provider's text in here."""

from datetime import date, timedelta
from itertools import pairwise

from agent.briefing.facts.types import NextStep, Rule, ServiceCoverage, Window
from agent.providers import PROVIDERS

STATES = {
    Rule.CONFLICTS: "conflicts with its base branch",
    Rule.CHECKS_FAILING: "checks are failing",
    Rule.CHANGES_REQUESTED: "changes are requested",
    Rule.READY_TO_MERGE: "nothing blocks it",
    Rule.REVIEW_OVERDUE: "waits for your review",
    Rule.ASKED: "asks you",
    Rule.MENTIONED: "mentions you",
    Rule.MERGED: "merged",
    Rule.OPENED: "opened",
    Rule.PUSHED: "worked on",
    Rule.REVIEWED: "reviewed",
    Rule.ISSUE_OPENED: "filed",
    Rule.MET: "met",
    Rule.REVIEW_REQUESTED: "waits for your review",
    Rule.TEAM_REVIEW_REQUESTED: "waits for a review by your team",
    Rule.AWAITS_REVIEW: "waits for review",
    Rule.AWAITS_CHECKS: "checks are running",
    Rule.DRAFT: "still a draft",
    Rule.OPEN: "open",
    Rule.ASSIGNED: "assigned to you",
    Rule.RED_CI: "checks red for more than 24 hours",
    Rule.IDLE: "nothing happened for more than 5 days",
    Rule.MERGE_CONFLICTS: "merge conflicts",
    Rule.REVIEW_LATE: "review waits for more than 24 hours",
    Rule.DOUBLE_BOOKING: "double booking",
    Rule.UNANSWERED: "no answer from you for more than 4 hours",
}
STEPS = {
    NextStep.REVIEW: "review it",
    NextStep.REPLY: "reply",
    NextStep.FIX_CONFLICTS: "resolve the conflicts",
    NextStep.FIX_CHECKS: "fix the checks",
    NextStep.ADDRESS_REVIEW: "answer the review",
    NextStep.MERGE: "merge it",
    NextStep.FINISH_DRAFT: "finish the draft",
    NextStep.ANSWER_INVITATION: "accept or decline",
    NextStep.CHOOSE_ONE: "choose one",
}
_UNREAD = {
    "revoked": "revoked, not read",
    "access_paused": "paused, not read",
    "not_connected": "not connected, not read",
    "reconnect_required": "needs reconnecting, not read",
    "away": "not allowed while you are away, not read",
    "not_granted": "not granted to its schedule, not read",
    "declined": "not read, you said no",
    "not_answered": "not read, nobody answered whether it may be",
    "nothing_asked": "not asked",
}
# Begins every answer that no model wrote, at every length.
LABEL = "Written from the facts, without a model."
_HOURS_PER_DAY = 24
# Up to here hours tell more than days.
_HOURS_TOLD = 48
_MINUTES_PER_HOUR = 60


def count(number: int, noun: str) -> str:
    """Return `1 item`, `14 items`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def age(hours: int) -> str:
    """Return an age: in hours up to two days, then in days."""
    if hours < 1:
        return "less than an hour"
    return count(hours, "hour") if hours < _HOURS_TOLD else count(hours // _HOURS_PER_DAY, "day")


def length(minutes: int) -> str:
    """Return `45 min`, `2 h`, `1 h 30 min`."""
    hours, rest = divmod(minutes, _MINUTES_PER_HOUR)
    return " ".join(
        part for part in (f"{hours} h" if hours else "", f"{rest} min" if rest or not hours else "") if part
    )


def window(about: Window) -> str:
    """Return what a briefing is about: since when and why then, the days skipped, and the time zone."""
    own = "as you asked" if about.is_asked else "the start of that day"
    began = "your last briefing" if about.is_since_briefing else own
    since = f"Since {about.start:%a %d %b %H:%M}, {began}"
    skipped = f"; {', '.join(_ranges(about.days_off))} skipped" if about.days_off else ""
    return f"{since}{skipped}. Time zone: {about.week.time_zone.key}."


def since(about: Window) -> str:
    """Return the title of what was done in a window, `Since Fri 20 Nov`, or `Today so far`."""
    return f"Since {about.start:%a %d %b}" if about.start.date() < about.today else "Today so far"


def coverage(covered: tuple[ServiceCoverage, ...]) -> str:
    """Return the line about what was read, `GitHub 14 items · Slack revoked, not read`; "" for no service."""
    return " · ".join(f"{_name(one.provider)} {_covered(one)}" for one in covered)


def _covered(one: ServiceCoverage) -> str:
    if one.state != "read":
        return _UNREAD.get(one.state, "could not be read")
    return f"{count(one.items, 'item')}{', read in part' if one.is_partial else ''}"


def _name(provider: str) -> str:
    facts = PROVIDERS.get(provider)
    return facts.name if facts else provider


def _ranges(days: tuple[date, ...]) -> list[str]:
    """Return days in a row as one range each."""
    starts = [days[0], *(later for earlier, later in pairwise(days) if later - earlier > timedelta(days=1))]
    ends = [*(earlier for earlier, later in pairwise(days) if later - earlier > timedelta(days=1)), days[-1]]
    return [
        f"{start:%a %d %b}" if start == end else f"{start:%a %d %b} to {end:%a %d %b}"
        for start, end in zip(starts, ends, strict=True)
    ]
