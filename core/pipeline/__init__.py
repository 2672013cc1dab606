"""The front of the core and the order of its steps."""
