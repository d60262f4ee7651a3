"""What the stand-ins answer with: an invented team, or what somebody gives of their own among invented people."""

from devcontext.sandbox.world.errors import WorldError
from devcontext.sandbox.world.invented import tidewater_world
from devcontext.sandbox.world.own import Sources, own_world

__all__ = ["Sources", "WorldError", "own_world", "tidewater_world"]
