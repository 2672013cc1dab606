"""Run the whole program as a process against the platform counterparts, and kill and restart it.
YouTube's responses are recorded: tests/counterparts/youtube/recorded_videos.py."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.counterparts.discord.http_front import API
from tests.counterparts.discord.server import TOKEN as DISCORD_TOKEN
from tests.counterparts.discord.server import DiscordServer
from tests.counterparts.telegram.server import TOKEN as TELEGRAM_TOKEN
from tests.counterparts.telegram.server import TelegramServer
from tests.harness.eventually import eventually
from tests.harness.forked_program import ForkedProgram
from tests.harness.terminal import REPLAY, Terminal


class Program:
    """One data folder with one process at a time. `webhook_port`: where Telegram delivers updates;
    0 for long polling. `said`: terminal output of ended processes, after their greeting."""

    def __init__(
        self,
        terminal: Terminal,
        *,
        discord: DiscordServer | None = None,
        telegram: TelegramServer | None = None,
        webhook_port: int = 0,
        **settings: Any,
    ) -> None:
        self.data = terminal.data
        self.said = ""
        self._terminal = terminal
        self._discord, self._telegram = discord, telegram
        self._process: ForkedProgram
        if discord:
            addresses = {"api_base": discord.url + API, "gateway_url": discord.gateway.url}
            settings["discord"] = {"token": DISCORD_TOKEN, **addresses}
        if telegram:
            settings["telegram"] = {"token": TELEGRAM_TOKEN, "api_base": telegram.url}
        if webhook_port:
            url = f"http://127.0.0.1:{webhook_port}/telegram"
            settings["telegram"] |= {"webhook_url": url, "webhook_port": webhook_port}
        terminal.configure(**settings)

    async def start(self, *, away: str = "") -> None:
        """Start the process; return once it receives messages on every platform except `away`."""
        self._process = self._terminal.fork("run", **REPLAY)
        served = {"Discord": self._discord, "Telegram": self._telegram}
        here = [name for name, platform in served.items() if platform and name != away]
        try:
            await self.says(*(f"Connected to {name}. Press Ctrl-C to stop.\n" for name in here))
            await eventually(lambda: all(self._is_heard(name) for name in here))
        except BaseException:
            self.kill()
            raise

    async def says(self, *lines: str) -> None:
        """Wait for `lines` as the next output, in any order."""
        said = {await asyncio.to_thread(self._process.stderr.readline) for _ in lines}
        assert said == set(lines)

    def kill(self) -> None:
        """SIGKILL the process, as a power cut would."""
        self._process.kill()
        self._end()

    def stop(self) -> str:
        """Stop the process as Ctrl-C does; return what it printed meanwhile."""
        self._process.terminate()
        return self._end()

    def _end(self) -> str:
        out, err = self._process.communicate(timeout=60)
        self.said += out + err
        return out + err

    def _is_heard(self, platform: str) -> bool:
        """Whether the platform delivers messages to the bot and knows its commands, which are
        registered once the bot is ready."""
        if platform == "Telegram":
            return self._telegram is not None and bool(self._telegram.world.commands)
        assert self._discord
        known = any(one["name"] == "watch" for one in self._discord.world.commands.get(None, ()))
        return known and self._discord.gateway.connected == 1
