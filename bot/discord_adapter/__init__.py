"""This package is Discord as a chat platform, through discord.py, which nothing else imports."""
