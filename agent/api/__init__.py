"""Clients of the providers' APIs: the smallest correct requests, each with its source. They know no database."""
