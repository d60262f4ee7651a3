"""Tidewater: an invented team of seven whose one story runs through its code, its calendar and its conversations.

Maya fixed a bug that billed harbours twice. The fix is merged, a backfill of the wrong rows waits on a red check and
on a go/no-go this afternoon, and half the team wants something from her meanwhile.
"""
