"""Index each channel's vectors in Chroma."""
