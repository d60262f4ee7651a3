"""What is on record as said to a question."""

from uuid import UUID

from permissions.models import ReadQuestion
from permissions.policy import Answer


def answer_of(question: UUID) -> Answer:
    """Return what was said, `UNASKED` while nothing was."""
    return Answer(ReadQuestion.objects.get(id=question).answer)
