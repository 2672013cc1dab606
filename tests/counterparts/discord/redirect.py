"""Point discord.py at another address."""

from __future__ import annotations

import discord
import yarl


def addresses() -> tuple[str, str, str]:
    """discord.py's current addresses: API, gateway, files."""
    gateway = discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY
    return discord.http.Route.BASE, str(gateway), discord.asset.Asset.BASE


def point(api: str, gateway: str, files: str) -> None:
    discord.http.Route.BASE = api
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)
    discord.asset.Asset.BASE = files
