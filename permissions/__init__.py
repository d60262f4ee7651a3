"""Policy: what the agent may use, now, for this user. The gate, the switches, and the pages that connect services."""
