"""One settings module per process: `web`, `vault` and `test`, all on `base`."""
