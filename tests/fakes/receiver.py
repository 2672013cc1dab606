"""An event receiver that records events and returns scripted answers."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import TypeVar

from bot.chat import Command, Draft, Message, Press

PATIENCE_S = 10.0
T = TypeVar("T")


class ScriptedReceiver:
    """Record events and return scripted answers. `answers` maps a button's id or a command's name
    to the reply that only the person sees. `choices` maps an option to its autocomplete choices."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[Message] = asyncio.Queue()
        self.presses: asyncio.Queue[Press] = asyncio.Queue()
        self.commands: asyncio.Queue[Command] = asyncio.Queue()
        self.gone: asyncio.Queue[str] = asyncio.Queue()
        self.memberships: asyncio.Queue[tuple[str, object]] = asyncio.Queue()
        self.typed: list[tuple[Command, str, str]] = []
        self.answers: dict[str, Draft] = {}
        self.choices: dict[str, Sequence[tuple[str, str]]] = {}

    async def message(self, message: Message) -> None:
        self.messages.put_nowait(message)

    async def press(self, press: Press) -> Draft | None:
        self.presses.put_nowait(press)
        return self.answers.get(press.button_id)

    async def command(self, command: Command) -> Draft | None:
        self.commands.put_nowait(command)
        return self.answers.get(command.name)

    async def suggest(self, command: Command, option: str, typed: str) -> Sequence[tuple[str, str]]:
        self.typed.append((command, option, typed))
        return self.choices.get(option, ())

    async def place_gone(self, place: str) -> None:
        self.gone.put_nowait(place)

    async def removed(self, server: str, places: Sequence[str]) -> None:
        self.memberships.put_nowait(("removed", (server, list(places))))

    async def joined(self, server: str) -> None:
        self.memberships.put_nowait(("joined", server))

    async def is_in(self, servers: Collection[str]) -> None:
        self.memberships.put_nowait(("is in", set(servers)))


async def soon(heard: asyncio.Queue[T]) -> T:
    """Return the next item, waiting a few seconds at most."""
    return await asyncio.wait_for(heard.get(), PATIENCE_S)
