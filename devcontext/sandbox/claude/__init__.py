"""A stand-in for the Messages API of Claude, with no model in it."""
