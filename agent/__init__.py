"""Runs: Claude's tool loop, the tools it may call, and the pages and commands that show what it does."""
