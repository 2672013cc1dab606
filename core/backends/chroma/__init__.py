"""A channel's vectors in Chroma."""
