"""`brief` asks for a briefing in a terminal."""
