"""What the stand-ins answer with: an invented team, or a real repository's history among invented people."""

from devcontext.sandbox.world.git import GitWorldError, git_world
from devcontext.sandbox.world.invented import tidewater_world

__all__ = ["GitWorldError", "git_world", "tidewater_world"]
