"""Child processes for heavy or hostile work: supervisor, protocol, limits."""
