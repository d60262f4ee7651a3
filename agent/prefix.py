"""Marks what every question to the model begins with: no conversation goes on under what it was not signed under.

A mark tells releases and settings apart and proves nothing: it is no key and no signature.
"""

import hashlib
import json

from django.conf import settings

from agent.prompts import system_prompt
from agent.toolkit import describe
from agent.tools import TOOLS

# The column's length. Told apart are the few beginnings that one conversation lives through; nobody chooses them.
_CHARACTERS = 16


def mark() -> str:
    """Return the mark of the system prompt, the tools and the model that this process asks: 16 hex digits.

    Thinking signatures bind prompt and tools. The model is part of it because thinking of another model may not be
    accepted (NOT VERIFIED), and what the stand-in has signed says nothing to Claude. Source:
    https://platform.claude.com/docs/en/build-with-claude/preserved-thinking.
    """
    parts = [system_prompt(), describe(TOOLS), settings.CLAUDE_MODEL, settings.IS_MODEL_SIMULATED]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:_CHARACTERS]
