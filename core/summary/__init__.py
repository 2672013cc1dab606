"""A transcript → its summary: in one pass, by map and reduce, or extractive."""
