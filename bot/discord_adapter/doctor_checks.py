"""`doctor`'s checks of Discord: the token, reading messages, and permissions on each server."""

from __future__ import annotations

import logging

import discord

from bot.chat import ChatError
from bot.config import Discord as Section
from bot.discord_adapter.connect import log_in, open_client, use_addresses
from bot.discord_adapter.errors import translate_errors
from core.errors import ConfigInvalid
from core.model import Check

log = logging.getLogger(__name__)

NEEDED = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    create_public_threads=True,
    embed_links=True,
    attach_files=True,
    read_message_history=True,
)
"""The permissions that the invitation link requests."""


async def check_discord(config: Section) -> list[Check]:
    """Check Discord without appearing online."""
    use_addresses(config)
    async with open_client(config) as (client, _):
        try:
            if await log_in(client, config):
                return await _findings(client, config)
        except ConfigInvalid as error:
            return [Check("discord", "fail", error=error)]
        except ChatError as error:
            log.warning("Discord stopped responding: %s", error.__cause__)
        return [Check("discord", "fail", "unreachable")]


async def _findings(client: discord.Client, config: Section) -> list[Check]:
    async with translate_errors(client):
        servers = await client.http.get_guilds(limit=200)
    assert client.application  # known since the login
    name = client.application.name
    return [
        Check("discord", "ok", facts={"name": name, "servers": len(servers)}),
        _messages(config, client.application.flags),
        _permissions({one["name"]: int(one["permissions"]) for one in servers}),
    ]


def _messages(config: Section, flags: discord.ApplicationFlags) -> Check:
    if not config.message_content:
        return Check("discord_messages", "ok", "unwanted")
    granted = flags.gateway_message_content or flags.gateway_message_content_limited
    return Check("discord_messages", *(("ok",) if granted else ("warn", "not_granted")))


def _permissions(servers: dict[str, int]) -> Check:
    """Report the first server on which a permission is missing."""
    for name, value in servers.items():
        granted = discord.Permissions(value)
        missing = [right for right, needed in NEEDED if needed and not getattr(granted, right)]
        if missing and not granted.administrator:
            rights = ", ".join(right.replace("_", " ").title() for right in missing)
            return Check("discord_rights", "warn", "missing", {"server": name, "rights": rights})
    return Check("discord_rights", "ok")
