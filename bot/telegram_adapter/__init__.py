"""This package is the only one that knows python-telegram-bot."""
