"""A transcript → its summary: in one call, by map and reduce, or extractive."""
