"""Commands of the composition root: they may use every app."""
