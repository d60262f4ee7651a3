"""The token vault: keeps upstream tokens sealed and exchanges subject tokens for them (RFC 8693).

It knows no users table, no session and no agent; other apps reach it through `vault.client` only.
"""
