"""Answers in our own fixed words, before a model is asked and anything is read, to what is not about anybody's work.

Only a text that is nothing but a greeting or a question for the services counts; one word more goes to the model, which
shows no text before it has read.
"""

from collections.abc import Sequence
from typing import Literal

from agent.briefing.recipes import plain
from agent.tool import ServiceFact

Kind = Literal["greeting", "services"]

_PHRASES: dict[Kind, tuple[str, ...]] = {
    "greeting": (
        *("hi", "hello", "hey", "hi there", "hello there", "hey there", "good morning", "good afternoon"),
        *("good evening", "thanks", "thank you", "many thanks", "thanks a lot", "ok", "okay", "ok thanks", "help"),
        *("who are you", "what can you do", "what do you do", "how are you"),
    ),
    "services": (
        *("what is connected", "whats connected", "which services are connected", "what services are connected"),
        *("what can you read", "what can you see", "what do you have access to", "what am i connected to"),
    ),
}
_BY_PHRASE: dict[str, Kind] = {phrase: kind for kind, phrases in _PHRASES.items() for phrase in phrases}
_GREETING = "Hello. I brief you on your work from the services that you connect, and read them only when you ask."
_EXAMPLES = "Try “Brief me for standup” or “What needs my review?”."


def find(text: str) -> Kind | None:
    """Return what kind of small talk `text` is, None for all else."""
    return _BY_PHRASE.get(plain(text))


def greet() -> tuple[str, ...]:
    """Return the sentences that answer a greeting."""
    return (_GREETING, _EXAMPLES)


def tell(services: Sequence[ServiceFact]) -> tuple[str, ...]:
    """Return the sentences that say how the services stand."""
    return tuple(f"{service.name} is {service.state}." for service in services)
