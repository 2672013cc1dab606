"""Copies of the store: one a day, on demand, and back again."""
