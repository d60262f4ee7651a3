"""GitHub's consent, API and pages, over the world of the sandbox."""
