"""Discord through discord.py, which no other package imports."""
