"""The core's front, the steps of an ingest, and questions."""
