"""One message that the outbox delivers and that may change until it is finished: the newest text
replaces older ones, and the last one is always delivered. bot/delivery/place_queue.py sends it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace

from bot.chat import Draft
from core.chat_records import OutboxEntry
from core.json_values import to_json
from core.ports import OutboxEntries

KEY_CHARACTERS = 25


class GrowingMessage:
    """A stored message. Its author calls `show`, `finish`, `drop` and `delivered`; its queue the
    rest."""

    def __init__(
        self, entry: OutboxEntry, outbox_entries: OutboxEntries | None, wake: Callable[[], None]
    ) -> None:
        """Without `outbox_entries` it is kept in memory only."""
        self.entry = entry
        """The message as it is stored."""
        self.edit_at = 0.0
        """Earliest time of the next edit, on the loop's clock."""
        self.must_arrive = False
        """Where people have deleted the message, the last text is posted as a new one. Not stored:
        a crash in between leaves the message deleted."""
        self._entries = outbox_entries  # borrowed
        self._wake = wake
        self._newest: str | None = None
        """A draft that is not stored yet."""
        self._refused = 0
        """The last revision that the platform refused."""
        self._saving = asyncio.Lock()
        self._settled = asyncio.Event()
        self._update_settled()

    def show(self, draft: Draft) -> None:
        """Replace the text, unless the message is finished. Returns at once.

        The draft is stored and sent when its turn comes, if there is no newer one by then. A crash
        may lose it; the resumed request shows a newer one."""
        if not self.entry.finished:
            self._newest = to_json(draft)
            self._update_settled()
            self._wake()

    async def finish(self, draft: Draft, *, must_arrive: bool = False) -> None:
        """Set the last text. It is stored when this returns, and will be delivered even after a
        crash. Does nothing to a message that is finished or known to be deleted by people."""
        self.must_arrive = must_arrive
        last = to_json(draft)
        if not self.entry.finished:
            await self._change(lambda entry: self._finished(entry, last))
            self._wake()

    async def delivered(self) -> str:
        """Wait until the platform shows the newest text. Return the message's id there, or "" if it
        was dropped."""
        await self._settled.wait()
        return self.entry.target

    @property
    def key(self) -> str:
        """The idempotency key for the platform; each attempt has its own."""
        name = f"{self.entry.platform}\n{self.entry.key}\n{self.entry.attempt}"
        return hashlib.sha256(name.encode()).hexdigest()[:KEY_CHARACTERS]

    @property
    def pending(self) -> bool:
        return self.entry.pending or self._newest is not None

    async def store_newest(self) -> None:
        """Store the newest draft, so that `entry` has it."""
        if (newest := self._newest) is not None:
            await self._change(lambda entry: _redrafted(entry, newest))
            if self._newest is newest:
                self._newest = None
            self._update_settled()

    async def mark_sent(self, target: str, revision: int) -> None:
        """Record which revision the platform shows; 0 if that is not certain."""
        await self._change(lambda entry: replace(entry, target=target, shown=revision))

    async def skip(self, revision: int, fallback: Draft | None = None) -> None:
        """Give up a revision. A later one is still sent; instead of the last, `fallback` is."""
        other = to_json(fallback) if fallback else ""

        def skipped(entry: OutboxEntry) -> OutboxEntry:
            is_last = entry.finished and entry.revision == revision
            if is_last and other not in ("", entry.draft):
                return replace(entry, draft=other, revision=revision + 1, shown=revision)
            return replace(entry, shown=revision)

        self._refused = revision
        await self._change(skipped)

    async def repost(self) -> None:
        """Leave the posted message as it is, and post another one in its place."""
        await self._change(lambda entry: replace(entry, target="", attempt=entry.attempt + 1))

    async def drop(self) -> None:
        """Send nothing more of this message."""
        await self._change(lambda entry: replace(entry, finished=True, shown=entry.revision))

    def _finished(self, entry: OutboxEntry, last: str) -> OutboxEntry:
        if entry.revision == self._refused:  # a last text equal to the refused one is still tried
            entry = replace(entry, draft="")
        return replace(_redrafted(entry, last), finished=True)

    async def _change(self, change: Callable[[OutboxEntry], OutboxEntry]) -> None:
        """Store a change, then apply it in memory. One change at a time."""
        async with self._saving:
            changed = change(self.entry)
            if changed != self.entry and self._entries:
                await self._entries.save(changed)
            self.entry = changed
            if changed.finished:
                self._newest = None
        self._update_settled()

    def _update_settled(self) -> None:
        if self.pending:
            self._settled.clear()
        else:
            self._settled.set()


def _redrafted(entry: OutboxEntry, draft: str) -> OutboxEntry:
    # Drafts after the last are ignored; an unchanged draft causes no edit.
    if entry.finished or draft == entry.draft:
        return entry
    return replace(entry, draft=draft, revision=entry.revision + 1)
