"""Durable orders and the work on them, on DBOS."""
