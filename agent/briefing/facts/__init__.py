"""What is true of a person's work, worked out from what was read: no model, no clock, no network."""
