"""An installation from before its content was sealed is taken over, and nothing of it stays in the open."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devcontext.local_postgres import serve_postgres

ROOT = Path(__file__).resolve().parents[2]
CANARY = "canary-5b1f"
# As the first version stored a finished run with its events; enough of them that the tables have pages to spare.
LEAVE_OPEN_ROWS = """
import uuid
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
user, run, conversation, now = User.objects.create_user("alice"), uuid.uuid4(), uuid.uuid4(), timezone.now()
is_sqlite = connection.vendor == "sqlite"
run, conversation = (run.hex, conversation.hex) if is_sqlite else (run, conversation)
def insert(table, **values):
    columns = ", ".join(values)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO agent_{table} ({columns}) VALUES ({', '.join(['%s'] * len(values))})",
                       list(values.values()))
insert("conversation", id=conversation, title="canary-5b1f title", created_at=now, updated_at=now, user_id=user.pk)
insert("run", id=run, key="k" * 12, question="canary-5b1f question", status="finished", model="m", is_simulated=True,
       answer="canary-5b1f answer", owner="o", started_at=now, heartbeat_at=now, is_stop_asked=False,
       conversation_id=conversation, user_id=user.pk)
for seq in range(1, 400):
    insert("event", seq=seq, frame="canary-5b1f frame %s" % seq, run_id=run)
insert("turn", position=0, role="user", content='["canary-5b1f turn"]', run_id=run)
insert("evidence", evidence_id="gh-00000001", provider="github", title="canary-5b1f item",
       url="https://example.org/canary-5b1f", conversation_id=conversation)
"""
SHOW = """
import json
from django.contrib.auth.models import User
from agent import conversations, earlier, store
from agent.models import Run
run = Run.objects.get()
found = {
    "recent": [row.title for row in conversations.list_recent(User.objects.get().pk)],
    "answer": store.load_answer(run.id, user=run.user_id).text,
    "frames": store.list_frames(run.id, user=run.user_id, after=397),
    "history": earlier.list_history(run.conversation_id),
    "evidence": [[item.title, item.url] for item in earlier.list_evidence(run.conversation_id).values()],
}
print(json.dumps(found))
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    variables = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path)}
    if request.param == "sqlite":
        yield variables
        return
    with serve_postgres(is_durable=False) as url:
        yield variables | {"DATABASE_URL": f"{url}postgres"}


def manage(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def shell(environment: dict[str, str], code: str) -> str:
    done = manage(environment, "shell", "--no-imports", "-v0", "-c", code)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_was_stored_in_the_open_is_sealed(environment: dict[str, str], tmp_path: Path) -> None:
    for arguments in (("auth",), ("agent", "0001")):
        assert manage(environment, "migrate", *arguments, "-v0").returncode == 0
    shell(environment, LEAVE_OPEN_ROWS)
    without_key = environment | {"DEBUG": "0", "SECRET_KEY": "x" * 60}
    refused = manage(without_key, "migrate", "--skip-checks", "-v0")
    assert "Conversations are stored. Set CONTENT_KEYS, so that they can be sealed." in refused.stderr
    assert manage(environment, "migrate_all").returncode == 0
    found: dict[str, Any] = json.loads(shell(environment, SHOW))
    assert found == {
        "recent": [f"{CANARY} title"],
        "answer": f"{CANARY} answer",
        "frames": [[398, f"{CANARY} frame 398"], [399, f"{CANARY} frame 399"]],
        "history": [{"role": "user", "content": [f"{CANARY} turn"]}],
        "evidence": [[f"{CANARY} item", f"https://example.org/{CANARY}"]],
    }
    written = [path for path in tmp_path.iterdir() if path.is_file() and CANARY.encode() in path.read_bytes()]
    assert written == []
