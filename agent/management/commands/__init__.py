"""`content_generate_key` makes a key that seals content."""
