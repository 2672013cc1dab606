"""This file runs the whole program as a process over the Discord of the tests, to be killed and
started again. YouTube's answers are recorded: tests/fakes/recorded.py."""

from __future__ import annotations

import asyncio
import subprocess
from typing import Any

from tests.fakes.discord.front import API
from tests.fakes.discord.people import Seen
from tests.fakes.discord.server import TOKEN, DiscordServer
from tests.fakes.eventually import eventually
from tests.fakes.terminal import ROOT, Terminal

REPLAY = {"PYTHONPATH": str(ROOT / "tests" / "fakes" / "replay")}


class Program:
    """One data folder, and one process at a time."""

    def __init__(self, terminal: Terminal, platform: DiscordServer, **settings: Any) -> None:
        self.data = terminal.data
        self._terminal = terminal
        self._platform = platform
        addresses = {"api_base": platform.url + API, "gateway_url": platform.gateway.url}
        terminal.configure(discord={"token": TOKEN, **addresses}, **settings)
        self._process: subprocess.Popen[str]

    async def start(self) -> None:
        """Returns once people are heard."""
        self._process = self._terminal.start("run", **REPLAY)
        try:
            said = await asyncio.to_thread(self._process.stderr.readline)
            assert said == "Here on Discord. Stop with Ctrl-C.\n"
            await eventually(self._is_heard)
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """As a power cut would."""
        self._process.kill()
        self._process.communicate()

    def stop(self) -> str:
        """As Ctrl-C would. What it said on the way."""
        self._process.terminate()
        out, err = self._process.communicate(timeout=60)
        return out + err

    async def _is_heard(self) -> bool:
        """It also knows our commands: it asks for them when it is there."""
        known = any(one["name"] == "watch" for one in self._platform.world.commands.get(None, ()))
        return known and self._platform.gateway.connected == 1


def description(seen: Seen) -> str:
    """Of a message with a card."""
    return str(seen.embeds[0].get("description", "")) if seen.embeds else ""


def shown(seen: Seen) -> list[str]:
    """What a message with a card has shown so far, one after the other."""
    return [str(look.embeds[0].get("description", "")) for look in seen.looks if look.embeds]
