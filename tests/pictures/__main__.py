"""`make pictures`: draw the README's pictures from messages that the bot really sends.

Needs Chromium: `apt install chromium`, or set its path in CHROMIUM.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.counterparts.discord.server import DiscordServer
from tests.counterparts.telegram.server import TelegramServer
from tests.pictures import discord_page, discord_scene, telegram_page, telegram_scene
from tests.pictures.drawing import draw

DOCS = Path(__file__).resolve().parents[2] / "docs"


def main() -> int:
    DOCS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, page in {**_discord(Path(folder)), **_telegram(Path(folder))}.items():
            draw(page, DOCS / f"{name}.png", Path(folder))
    return 0


def _discord(folder: Path) -> dict[str, str]:
    with DiscordServer(window_s=0.2) as platform:
        scene = asyncio.run(discord_scene.play(platform, folder))
    summary = discord_page.page([scene.link, scene.summary], scene.names, scene.thread)
    answer = discord_page.page([scene.question, scene.answer], scene.names)
    return {"discord-summary": summary, "discord-answer": answer}


def _telegram(folder: Path) -> dict[str, str]:
    with TelegramServer(chat_s=0, group_s=0, overall_s=0) as platform:
        scene = asyncio.run(telegram_scene.play(platform, folder))
    summary = telegram_page.page([scene.link, scene.summary], scene.names)
    answer = telegram_page.page([scene.question, scene.answer], scene.names)
    return {"telegram-summary": summary, "telegram-answer": answer}


if __name__ == "__main__":
    sys.exit(main())
