"""A process that posts, edits and finishes messages through the outbox; tests kill it midway."""

from __future__ import annotations

import asyncio
import warnings
from pathlib import Path

import aiosqlite  # noqa: F401  (imported before the fork, so no process pays for it)

from bot.chat import Draft
from bot.delivery.outbox import open_outbox
from core.backends.storage.store import open_store
from tests.harness.file_chat import FileChat, KillableOutbox, KillAt

SAID = ["Message 0", "Message 1", "Message 2", "Done", "Last"]
"""The texts people see in the end."""


def speak(url: str, path: Path, kill: KillAt, *, deduplicates: bool) -> None:
    warnings.simplefilter("error")
    asyncio.run(_speak(url, FileChat(path, kill, deduplicates=deduplicates), kill))


async def _speak(url: str, chat: FileChat, kill: KillAt) -> None:
    async with (
        open_store(url) as store,
        open_outbox(chat, KillableOutbox(store.outbox_entries, kill)) as outbox,
    ):
        for n in range(3):
            await outbox.post("a", Draft((f"Message {n}",)), key=f"message-{n}")
        live = await outbox.grow("a", Draft(("0 %",)), key="progress", owner="job")
        await live.delivered()
        for share in ("30 %", "60 %"):
            live.show(Draft((share,)))
            await live.delivered()
        await live.finish(Draft(("Done",)))
        last = await outbox.post("a", Draft(("Last",)), key="last")
        await live.delivered(), await last.delivered()
