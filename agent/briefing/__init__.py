"""What makes a briefing one: recipes say what is read, facts what follows from it, documents how it is shown."""
