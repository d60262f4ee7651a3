"""Commands of the agent: they run in the place of a web process."""
