"""Commands that check the audit and take it along."""
