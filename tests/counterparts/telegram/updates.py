"""Keep the updates that the bot has not fetched, and serve them to getUpdates."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.counterparts.telegram.api_check import description
from tests.counterparts.telegram.refusal import OTHER_POLLER, WEBHOOK_ACTIVE, Refusal

Update = dict[str, Any]
ON_REQUEST = {"chat_member", "message_reaction", "message_reaction_count"}
"""Kinds of updates that a bot receives only on request."""
LONGEST_POLL_S = 50
FIRST = 7001


@dataclass
class Updates:
    """The bot's updates. `conflict_pause_s`: minimum time between two 409s of competing pollers.
    `allowed`: None for all but ON_REQUEST. `is_held`: new updates wait until `release`."""

    conflict_pause_s: float = 3.0
    pending: list[Update] = field(default_factory=list)
    told: list[Update] = field(default_factory=list)
    """Every update since the start."""
    allowed: set[str] | None = None
    webhook: str = ""
    is_held: bool = False
    on_new: Callable[[], None] = lambda: None
    _held: list[Update] = field(default_factory=list)
    _again: list[Update] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _polling: asyncio.Event = field(default_factory=asyncio.Event)
    _poll: asyncio.Future[str] | None = None
    _next: int = FIRST
    _next_conflict: float = 0.0

    def tell(self, kind: str, content: dict[str, Any]) -> None:
        if (kind in ON_REQUEST) if self.allowed is None else (kind not in self.allowed):
            return
        update = {"update_id": self._next, kind: content}
        self._next += 1
        self.told.append(update)
        (self._held if self.is_held else self.pending).append(update)
        self._wake()

    async def repeat(self, times: int = 1) -> None:
        """Send the last updates again with their ids, as after a lost confirmation."""
        (self.pending if self.webhook else self._again).extend(self.told[-times:])
        self._wake()

    async def polled(self) -> None:
        """Wait until a client polls."""
        async with asyncio.timeout(10):
            await self._polling.wait()

    async def drop(self) -> None:
        """Discard the pending updates."""
        self.pending.clear()

    async def hold(self) -> None:
        self.is_held = True

    async def release(self) -> None:
        """Deliver the held updates, after those that arrived meanwhile."""
        self.is_held = False
        late, self._held = self._held, []
        self.pending += late
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
        self.on_new()

    def allow(self, kinds: list[str] | None) -> None:
        """Set the allowed kinds until another list arrives; an empty list restores the default."""
        if kinds is not None:
            known = description()["types"]["Update"]["fields"].keys() - {"update_id"}
            self.allowed = set(kinds) & known or None

    async def fetch(self, given: dict[str, Any]) -> list[Update]:
        """Handle getUpdates. Raises Refusal."""
        if self.webhook:
            raise Refusal(WEBHOOK_ACTIVE, 409)
        self.allow(given.get("allowed_updates"))
        self.end_poll(OTHER_POLLER)
        self._confirm(given.get("offset", 0))
        limit = given.get("limit", 100)
        if not (self.pending or self._again):
            await self._wait(min(given.get("timeout", 0), LONGEST_POLL_S))
        again, self._again = self._again, []
        return again + self.pending[:limit]

    def _confirm(self, offset: int) -> None:
        """Discard all updates before the offset; a negative offset counts from the end."""
        if offset < 0:
            self.pending = self.pending[offset:]
        else:
            self.pending = [one for one in self.pending if one["update_id"] >= offset]

    async def _wait(self, timeout_s: float) -> None:
        """Wait for an update, the timeout, or another call, which ends the wait with a 409."""
        poll: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._poll, ends = poll, time.monotonic() + timeout_s
        self._polling.set()
        try:
            while not (self.pending or self._again) and (left := ends - time.monotonic()) > 0:
                changed = asyncio.ensure_future(self._changed.wait())
                try:
                    await asyncio.wait({changed, poll}, timeout=left, return_when="FIRST_COMPLETED")
                finally:
                    changed.cancel()
                if poll.done():
                    await self._conflict(poll.result())
        finally:
            if self._poll is poll:
                self._poll = None
                self._polling.clear()

    def end_poll(self, words: str) -> None:
        """End the current long poll with a 409."""
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(words)
        self._poll = None

    async def _conflict(self, words: str) -> None:
        now = time.monotonic()
        if now < self._next_conflict:
            await asyncio.sleep(self.conflict_pause_s)
        self._next_conflict = max(now, self._next_conflict) + self.conflict_pause_s
        raise Refusal(words, 409)
