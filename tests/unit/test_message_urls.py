"""Addresses of the bot's own messages."""

from __future__ import annotations

import pytest

from bot.chat import Where
from bot.discord_adapter.adapter import Discord
from bot.telegram_adapter.adapter import Telegram


@pytest.mark.parametrize(("server", "shown"), [("7", "7"), ("", "@me")])
async def test_discord_names_server_channel_and_message(server, shown):
    url = Discord(None, None).message_url(Where("42", "discord:42", server), "99")
    assert url == f"https://discord.com/channels/{shown}/42/99"


@pytest.mark.parametrize(
    ("message_id", "url"),
    [
        ("-1001234567890:45", "https://t.me/c/1234567890/45"),
        ("-4567:45", ""),  # a basic group
        ("4567:45", ""),  # a private chat
    ],
)
async def test_telegram_has_addresses_in_supergroups_alone(message_id, url):
    where = Where("-4567/2", "telegram:-4567", "-4567")
    assert Telegram(None, None, None).message_url(where, message_id) == url
