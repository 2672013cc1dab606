"""Chunks, their index, a channel's caches, and retrieval."""
