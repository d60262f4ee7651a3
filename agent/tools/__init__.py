"""The closed registry of read-only tools."""
