"""What a run was asked, in its owner's own words. The agent says so; this app neither imports it nor keeps them."""

from collections.abc import Callable

# Takes a subject and the id of a run; gives the question, "" where the subject has no such run.
Questions = Callable[[str, str], str]

_questions: list[Questions] = []


def register_questions(questions: Questions) -> None:
    """Take what runs were asked from `questions`, each time one is told."""
    _questions.append(questions)


def question_of(run: str, *, user: str) -> str:
    """Return what the subject's own run was asked, "" if they have none of this id. Sync, since it may read a table."""
    return next(filter(None, (find(user, run) for find in _questions)), "")
