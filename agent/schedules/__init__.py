"""Unattended briefings: when they are due, who may be read for them, and the one function that runs each."""
