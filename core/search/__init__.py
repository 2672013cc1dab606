"""Chunks, indexing, a channel's caches, and retrieval."""
