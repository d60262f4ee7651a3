"""What a terminal shows of a run: each step on a line, progress on one that is replaced, nothing in a pipe."""

import io

import pytest

from devcontext.terminal import Report, StatusLines

FRAMES = (
    {"type": "run.started", "is_simulated": True},
    {"type": "step.started", "id": "t1", "provider": "github", "label": "Fetching…", "tool": "x"},
    {"type": "step.permission", "id": "t1", "state": "allowed"},
    {"type": "step.exchanged", "id": "t1", "ms": 12, "exchange": "ex-1"},
    {"type": "step.progress", "id": "t1", "done": 1, "total": 2},
    {"type": "step.progress", "id": "t1", "done": 2, "total": 2},
    {"type": "step.finished", "id": "t1", "ms": 812, "items": 14},
    {"type": "step.started", "id": "t2", "provider": "slack", "label": "Looking…", "tool": "y"},
    {"type": "step.permission", "id": "t2", "state": "revoked"},
    {"type": "step.failed", "id": "t2", "ms": 1, "code": "revoked", "message": "You revoked AI access to Slack."},
    {"type": "answer.restarted", "code": "cut_short", "message": "Claude's answer broke off."},
)
MUST_BE_SAID = "Sandbox: the model is a local stand-in, not Claude.\nClaude's answer broke off.\n"


class Terminal(io.StringIO):
    """A text stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def shown(out: io.StringIO, *, is_live: bool) -> str:
    lines = StatusLines(out, is_live=is_live)
    for frame in FRAMES:
        lines.show(frame)
    return out.getvalue()


def test_a_pipe_gets_what_must_not_be_missed() -> None:
    assert shown(io.StringIO(), is_live=False) == MUST_BE_SAID


@pytest.mark.parametrize("out", [Terminal(), io.StringIO()])
def test_each_step_has_its_line(out: io.StringIO) -> None:
    text = shown(out, is_live=True)
    for line in (
        "GitHub: Fetching…",
        "GitHub: token exchanged in 12 ms",
        "Slack: revoked",
        "Slack: ✗ You revoked",
    ):
        assert line in text
    assert "GitHub: ✓ 14 items in 0.8 s\n" in text


def test_progress_stands_on_one_line_of_a_terminal_and_in_no_file() -> None:
    assert "GitHub: 1 of 2\r\x1b[KGitHub: 2 of 2\r\x1b[KGitHub: ✓" in shown(Terminal(), is_live=True)
    assert "of 2" not in shown(io.StringIO(), is_live=True)


def test_the_report_forgets_what_a_voided_answer_cited() -> None:
    report = Report()
    report.add({"type": "block.final", "evidence": [{"id": "gh-1", "title": "t", "url": "u"}]})
    report.add({"type": "answer.restarted"})
    counts = {"grounding": {}, "ignored": {}, "coverage": []}
    report.add({"type": "run.finished", "written_by": "template", "elapsed_ms": 1, **counts})
    assert report._evidence == {}
