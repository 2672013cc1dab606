"""Durable jobs on DBOS: submit them, watch them, work on them."""
