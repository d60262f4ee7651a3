"""What is wrong with a file or a repository that was to be the world."""


class WorldError(Exception):
    """The world cannot be made; the text is one sentence for the person who started the sandbox."""
