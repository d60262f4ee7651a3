"""Failures on demand: which there are (`cases`) and which were ordered (`orders`); `fault_gate` serves them."""
