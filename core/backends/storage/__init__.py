"""The store over SQLite or PostgreSQL: one module per port, the tables and their migrations."""
