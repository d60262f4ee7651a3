"""Google's consent, Calendar's API and its pages, over the world of the sandbox."""
