"""All ORM code of the vault, and the only code that seals and opens secrets: short, sync functions by subject.

Nothing here asks a provider or decides a policy; a transaction never waits for the network.
"""
