"""Metrics and health for an operator, on a port of 127.0.0.1."""
