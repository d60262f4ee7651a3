"""What this machine is called from itself, where plain http leaves nothing open.

Source: W3C Secure Contexts, section 3.1.
"""

ADDRESSES = frozenset({"127.0.0.1", "::1"})
NAMES = ADDRESSES | {"localhost"}
