"""Commands of the vault: they run wherever its database is, with the settings of the vault or of the web process."""
