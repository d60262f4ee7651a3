"""`migrate_all` brings the databases of a process up to date."""
