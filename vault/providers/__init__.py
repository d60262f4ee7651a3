"""One module per provider: how its authorize, token, refresh, account and revocation requests differ."""
