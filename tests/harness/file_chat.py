"""A chat platform stored in a file, and an outbox store; both can kill their own process at a
chosen moment."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from bot.chat import Draft, Where
from core.chat_records import OutboxEntry
from core.ports import OutboxEntries

Event = dict[str, str]


class KillAt:
    """SIGKILL this process when it reaches `moment` for the `n`th time."""

    def __init__(self, moment: str, n: int) -> None:
        self._moment, self._left = moment, n

    def meet(self, moment: str) -> None:
        if moment == self._moment:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class FileChat:
    """`Chat` that survives its process: the file shows what people would see."""

    name = "file"
    localised_commands = False
    edit_interval_s = 0.0

    def __init__(self, path: Path, kill: KillAt, *, deduplicates: bool) -> None:
        self.deduplicates = deduplicates
        self._path, self._kill = path, kill

    async def post(self, place: str, draft: Draft, key: str) -> str:
        self._kill.meet("before posting")
        known = [
            post["id"] for post in posts(self._path) if self.deduplicates and post["key"] == key
        ]
        message_id = known[0] if known else f"m{len(events(self._path))}"
        if not known:
            self._write({"id": message_id, "place": place, "key": key, "text": draft.text})
        self._kill.meet("after posting")
        return message_id

    async def edit(self, place: str, message_id: str, draft: Draft) -> None:
        self._kill.meet("before editing")
        self._write({"id": message_id, "text": draft.text})
        self._kill.meet("after editing")

    async def open_thread(self, place: str, message_id: str, title: str, key: str) -> str:
        raise NotImplementedError

    def message_url(self, where: Where, message_id: str) -> str:
        raise NotImplementedError

    def _write(self, event: Event) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps(event) + "\n")


class KillableOutbox:
    """`outbox_entries` with moments at which the process can be killed."""

    def __init__(self, outbox_entries: OutboxEntries, kill: KillAt) -> None:
        self._entries, self._kill = outbox_entries, kill
        self.unfinished, self.purge = outbox_entries.unfinished, outbox_entries.purge

    async def add(self, effect: OutboxEntry) -> OutboxEntry:
        self._kill.meet("before adding")
        stored = await self._entries.add(effect)
        self._kill.meet("after adding")
        return stored

    async def save(self, effect: OutboxEntry) -> None:
        self._kill.meet("before saving")
        await self._entries.save(effect)
        self._kill.meet("after saving")


def events(path: Path) -> list[Event]:
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def posts(path: Path) -> list[Event]:
    return [event for event in events(path) if "key" in event]


def texts(path: Path) -> list[str]:
    """The final text of every message, in the order of posting."""
    said: dict[str, str] = {}
    for event in events(path):
        said[event["id"]] = event["text"]
    return list(said.values())
