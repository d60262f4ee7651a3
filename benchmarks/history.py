"""What a search of one's own chats costs: ten thousand sealed answers, opened one by one; on SQLite.

`python -m benchmarks.history --answers 10000`: texts are drawn from a fixed seed. Processor time is printed beside the
clock's, since the latter says little on a busy machine; the load average stands in the first line.
"""
# ruff: noqa: E402  (the settings are read where the folder is known)

import argparse
import os
import random
import tempfile
import time
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="devcontext-bench-history-")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "devcontext.settings.web")

import django

django.setup()

from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

from agent import conversations, search
from agent.models import Conversation, Run
from agent.sealing import Place, seal
from agent.types import RunStatus

_RANDOM = random.Random(8)
_WORDS = [
    "rebase",
    "upload",
    "retry",
    "queue",
    "review",
    "merge",
    "deploy",
    "ledger",
    "harbor",
    "tide",
    "window",
    "meeting",
    "blocked",
    "waiting",
    "checks",
    "green",
    "red",
    "pull",
    "request",
    "comment",
    "thread",
    "channel",
    "decision",
]
_PER_CHAT = 10
_QUERIES = {
    "a word that is nowhere": "zebra",
    "two words that are nowhere": "zebra giraffe",
    "three frequent words in a row": '"harbor tide window"',
}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=10_000)
    options = parser.parse_args()
    call_command("migrate", database="default", verbosity=0)
    user = User.objects.create_user("maya")
    characters = _fill(user, answers=options.answers)
    print(
        f"{time.strftime('%Y-%m-%d')}, load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors, SQLite, "
        f"{options.answers} answers of {characters} characters"
    )
    for told, text in _QUERIES.items():
        _measure(told, text=text, user=user.pk)


def _fill(user: User, *, answers: int) -> int:
    chats, runs, characters = [], [], 0
    for _ in range(answers // _PER_CHAT):
        chat = uuid4()
        chats.append(
            Conversation(id=chat, user=user, sealed_title=seal("Chat", place=Place("conversation.title", chat)))
        )
        for _ in range(_PER_CHAT):
            answer = _answer()
            characters += len(answer)
            runs.append(_run(user, chat=chat, answer=answer))
    Conversation.objects.bulk_create(chats, batch_size=500)
    Run.objects.bulk_create(runs, batch_size=500)
    return characters // max(1, len(runs))


def _answer() -> str:
    lines = [
        f"- [#{number} {_some(5)}](https://github.example/acme/harbor/pull/{number}) **{_some(6)}**, `{_some(1)}`"
        for number in _RANDOM.sample(range(1, 1000), 18)
    ]
    return "\n".join(("**Coverage:** GitHub 14 items", "## Needs you", "", *lines))


def _some(count: int) -> str:
    return " ".join(_RANDOM.choices(_WORDS, k=count))


def _run(user: User, *, chat: UUID, answer: str) -> Run:
    run = uuid4()
    return Run(
        id=run,
        conversation_id=chat,
        user=user,
        key=run.hex,
        sealed_question=seal("Brief me for standup, please", place=Place("run.question", run)),
        sealed_answer=seal(answer, place=Place("run.answer", run)),
        status=RunStatus.FINISHED,
        model="a-model",
        is_simulated=True,
        owner="a-process",
        heartbeat_at=timezone.now(),
    )


def _measure(told: str, *, text: str, user: int) -> None:
    query = search.parse(text, zone=ZoneInfo("UTC"), recipes=(), services=())
    clock, processor = time.perf_counter(), time.process_time()
    found = sum(1 for _ in search.find(conversations.list_said(user, query=query), query=query))
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    print(f"{told}: {found} found, {clock:.1f} s, of which {processor:.1f} s of processor")


if __name__ == "__main__":
    main()
