"""Commands that every process has."""
