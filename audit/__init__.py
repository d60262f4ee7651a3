"""Append-only record of every decision and every read, and the timeline page that shows it. Imports no other app."""
