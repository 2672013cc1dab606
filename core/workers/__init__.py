"""Run libraries that are large, or read untrusted files, in child processes."""
