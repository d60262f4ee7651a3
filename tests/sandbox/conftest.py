"""Fixtures of the sandbox's tests."""

from collections.abc import AsyncIterator

import pytest

from tests.sandbox.harness import Visitor


@pytest.fixture
async def visitor() -> AsyncIterator[Visitor]:
    """A visitor of a fresh sandbox that keeps its tokens in memory."""
    visitor = Visitor()
    async with visitor.http:
        yield visitor
