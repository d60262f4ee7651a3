"""Slack's consent, Web API and pages, over the world of the sandbox."""
