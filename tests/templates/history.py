"""What the views of the history and of a run's own page give their templates, hostile titles included."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from agent import events
from agent.event_log import encode
from agent.search import Found, Said
from agent.transcript import Transcript, tell
from agent.types import ConversationRow, RunRow

NOW = datetime(2026, 5, 6, 7, 0, tzinfo=UTC)
RUN = UUID("7d9f3a3e-1111-4222-8333-123456789abc")
HOSTILE = "<script>alert(1)</script>"
ROW = ConversationRow(id=RUN, title=HOSTILE, started_at=NOW, updated_at=NOW)
CHATS: dict[str, Any] = {
    "q": "",
    "deleted": ROW,
    "pinned": [replace(ROW, is_pinned=True, id=UUID(int=1))],
    "days": [(NOW.date(), [ROW])],
    "next_before": NOW.isoformat(),
}
FOUND = Found(Said(RUN, RUN, HOSTILE, HOSTILE, "", NOW), "a ", "<b>", " c")
TOLD = tell(
    encode(event, run=RUN, seq=seq)
    for seq, event in enumerate(
        (
            events.RunStarted(question=HOSTILE, model="m", is_simulated=True, replaces=str(RUN)),
            events.StepStarted(id="t", tool="t", provider="github", label="Fetching…", args={"since": "x"}),
            events.StepPermission(id="t", state="allowed"),
            events.StepExchanged(id="t", ms=12, scopes="repo", exchange="ex-1"),
            events.StepFinished(id="t", ms=9, items=1, bytes=10, titles=("<i>",), warnings=("Some.",)),
            events.BlockFinal(block=0, html="<p>Hello<script>alert(2)</script></p>", evidence=()),
            events.RunFinished(
                elapsed_ms=9,
                coverage=(events.Coverage("github", "read", 1, 1),),
                grounding=events.GroundingCounts(unknown=1, ungrounded=2),
                ignored=events.Ignored(calls=8, hid=("github",)),
            ),
        )
    )
)
RUN_PAGE: dict[str, Any] = {
    "run": RunRow(id=RUN, conversation=RUN, started_at=NOW, replacement=None, has_expired=False),
    "told": TOLD,
    "calls": list(TOLD.calls.values()),
}
HISTORY_PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "chats": ("agent/chats.html", CHATS),
    "chats, none": ("agent/chats.html", CHATS | {"pinned": [], "days": [], "deleted": None, "next_before": ""}),
    "chats, found": (
        "agent/chats.html",
        CHATS | {"q": "rebase", "found_days": [(NOW.date(), [FOUND])], "is_cut": True},
    ),
    "chats, nothing found": ("agent/chats.html", CHATS | {"q": "x", "found_days": [], "mistakes": ["No day."]}),
    "run": ("agent/run.html", RUN_PAGE),
    "run, replaced and gone": (
        "agent/run.html",
        {"run": replace(RUN_PAGE["run"], replacement=RUN, has_expired=True), "told": Transcript(), "calls": []},
    ),
    "run, budget spent": ("agent/run.html", RUN_PAGE | {"told": replace(TOLD, code="budget_spent")}),
}
