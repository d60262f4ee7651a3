"""A run as a terminal shows it: one status line per step on stderr, and the object of `brief --json`."""

from collections.abc import Mapping
from typing import Any, TextIO

from agent.briefing.phrases import count
from agent.types import RunAnswer
from permissions.services import SERVICES

_PERMISSION_WORDS = {
    "revoked": "revoked",
    "access_paused": "paused by you",
    "not_connected": "not connected",
    "reconnect_required": "must be reconnected",
    "policy_denied": "not allowed",
    "declined": "not allowed by you",
    "not_answered": "asks first, and nobody is asked here",
    "failed": "permission could not be checked",
}

# What every frame carries beside its event.
_ENVELOPE = frozenset({"v", "run", "seq", "t", "type"})


class StatusLines:
    """Writes what happens in a run, from its event frames; one that is not live says only what must not be missed."""

    def __init__(self, out: TextIO, *, is_live: bool) -> None:
        self._out = out
        self._is_live = is_live
        self._has_progress = False
        self._steps: dict[str, Mapping[str, Any]] = {}

    def show(self, frame: Mapping[str, Any]) -> None:
        """Write the line of this event, if it has one."""
        match frame["type"]:
            case "run.started" if frame["is_simulated"]:
                self._write("Sandbox: the model is a local stand-in, not Claude.")
            case "answer.restarted":
                self._write(frame["message"])
            case _ if self._is_live:
                self._show_step(frame)

    def _show_step(self, frame: Mapping[str, Any]) -> None:
        match frame["type"]:
            case "step.started":
                self._steps[frame["id"]] = frame
                self._write(f"{self._name(frame['id'])}{frame['label']}")
            case "step.permission" if frame["state"] != "allowed":
                self._write(f"{self._name(frame['id'])}{_PERMISSION_WORDS[frame['state']]}")
            case "step.exchanged":
                self._write(f"{self._name(frame['id'])}token exchanged in {frame['ms']} ms")
            case "step.progress":
                self._write(f"{self._name(frame['id'])}{frame['done']} of {frame['total']}", is_progress=True)
            case "step.finished":
                seconds = frame["ms"] / 1000
                self._write(f"{self._name(frame['id'])}✓ {count(frame['items'], 'item')} in {seconds:.1f} s")
            case "step.failed":
                self._write(f"{self._name(frame['id'])}✗ {frame['message']}")

    def _name(self, step: str) -> str:
        service = SERVICES.get(self._steps.get(step, {}).get("provider", ""))
        return f"{service.name}: " if service else ""

    def _write(self, line: str, *, is_progress: bool = False) -> None:
        # On a terminal, progress stands on one line that the next one replaces; elsewhere it would fill pages.
        if is_progress and not self._out.isatty():
            return
        start = "\r\x1b[K" if self._has_progress else ""
        self._out.write(f"{start}{line}{'' if is_progress else chr(10)}")
        self._out.flush()
        self._has_progress = is_progress


class Report:
    """Collects a run's frames into one JSON object."""

    def __init__(self) -> None:
        self._tools: dict[str, dict[str, Any]] = {}
        self._exchanges: list[dict[str, Any]] = []
        self._evidence: dict[str, dict[str, str]] = {}
        self._said: dict[str, dict[str, Any]] = {}
        self.last: Mapping[str, Any] = {}

    def add(self, frame: Mapping[str, Any]) -> None:
        """Take note of one event."""
        self.last = frame
        match frame["type"]:
            case "run.window" | "usage" as kind:
                self._said[kind] = {name: value for name, value in frame.items() if name not in _ENVELOPE}
            case "step.started":
                self._tools[frame["id"]] = {"name": frame["tool"], "provider": frame["provider"]}
            case "step.exchanged":
                tool = self._tools[frame["id"]]
                self._exchanges.append({"id": frame["exchange"], "ms": frame["ms"], **tool})
            case "step.finished":
                self._tools[frame["id"]] |= {"outcome": "read", "ms": frame["ms"]}
            case "step.failed":
                # A call of a tool that does not exist fails without having begun.
                tool = self._tools.setdefault(frame["id"], {"name": "", "provider": ""})
                tool |= {"outcome": frame["code"], "ms": frame["ms"]}
            case "answer.restarted":
                self._evidence = {}
            case "block.final":
                self._evidence |= {item["id"]: item for item in frame["evidence"]}

    def as_json(self, answer: RunAnswer) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        cost = self.last.get("cost_micro_usd")
        return {
            "run": str(answer.run),
            "text": answer.text,
            "window": self._said.get("run.window"),
            "tools": list(self._tools.values()),
            "exchanges": self._exchanges,
            "evidence": [{name: item[name] for name in ("id", "title", "url")} for item in self._evidence.values()],
            "grounding": self.last["grounding"],
            "ignored": self.last["ignored"],
            "written_by": self.last["written_by"],
            "coverage": list(self.last.get("coverage", ())),
            "usage": self._said.get("usage", {}),
            "cost_usd": None if cost is None else cost / 1_000_000,
            "elapsed_ms": self.last["elapsed_ms"],
            "model": answer.model,
            "simulated": answer.is_simulated,
        }
