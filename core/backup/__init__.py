"""Backups of the store: daily, on demand, and restoring them."""
