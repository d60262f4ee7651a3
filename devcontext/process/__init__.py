"""What every process of an installation brings, web and vault alike: its migrations, and checks of what it may hold."""
