"""Telegram through python-telegram-bot, which no other package imports."""
