"""Seals what is stored, in new columns. It needs `CONTENT_KEYS` where anything is stored."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db import migrations, models

from agent.sealing import Place, seal


def _seal(
    apps: Any, name: str, *, column: str, place: Callable[[Any], tuple[Any, ...]], text: Callable[[Any], str]
) -> None:
    model = apps.get_model("agent", name)
    for row in model.objects.iterator():
        setattr(row, column, seal(text(row), place=Place(*place(row))))
        row.save(update_fields=[column])


def seal_all(apps: Any, schema_editor: Any) -> None:
    try:
        seal("", place=Place("", UUID(int=0)))
    except ImproperlyConfigured:
        if apps.get_model("agent", "Conversation").objects.exists():
            raise ImproperlyConfigured("Conversations are stored. Set CONTENT_KEYS, so that they can be sealed.") from None
        return
    _seal(apps, "Conversation", column="sealed_title", text=lambda row: row.title,
          place=lambda row: ("conversation.title", row.id))
    _seal(apps, "Run", column="sealed_question", text=lambda row: row.question,
          place=lambda row: ("run.question", row.id))
    _seal(apps, "Run", column="sealed_answer", text=lambda row: row.answer,
          place=lambda row: ("run.answer", row.id))
    _seal(apps, "Event", column="sealed_frame", text=lambda row: row.frame,
          place=lambda row: ("event.frame", row.run_id, row.seq))
    _seal(apps, "Turn", column="sealed_content", text=lambda row: json.dumps(row.content, separators=(",", ":")),
          place=lambda row: ("turn.content", row.run_id, row.position))
    _seal(apps, "Evidence", column="sealed_item", text=lambda row: json.dumps([row.title, row.url]),
          place=lambda row: ("evidence.item", row.conversation_id, row.evidence_id))


COLUMNS = (
    ("conversation", "sealed_title"),
    ("run", "sealed_question"),
    ("run", "sealed_answer"),
    ("event", "sealed_frame"),
    ("turn", "sealed_content"),
    ("evidence", "sealed_item"),
)


class Migration(migrations.Migration):
    dependencies = [("agent", "0001_initial")]

    operations = [
        *(
            migrations.AddField(model, column, models.BinaryField(default=b""), preserve_default=column == "sealed_answer")
            for model, column in COLUMNS
        ),
        migrations.RunPython(seal_all, elidable=True),
    ]
