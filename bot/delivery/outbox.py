"""This file stores everything people shall see before it is sent, and takes up after a restart
what had not been sent, or not been finished.

What is asked for under one key is seen once, however often it is asked for and whatever is killed
in between, for as long as the platform remembers keys. On a platform without keys a message may be
seen twice: at most one for each kill, and one for each answer of the platform that was lost, or
that had not come within five seconds when we were killed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from weakref import WeakValueDictionary

from bot.chat import Chat, Draft
from bot.delivery.growing_message import GrowingMessage
from bot.delivery.place_queue import PlaceQueue
from core.chat_records import OutboxEntry
from core.errors import CoreError
from core.json_values import to_json
from core.ports import OutboxEntries

log = logging.getLogger(__name__)

KEPT = timedelta(days=30)
"""How long a key is remembered: a job that was stopped for longer may speak twice."""
_DAY_S = 24 * 3600.0
_PATIENCE_S = 5.0
_HUNG_S = 5.0
"""So long everybody waits for the platform's answer to one of them."""


class Outbox:
    """What one platform shows of us. Use open_outbox."""

    def __init__(
        self, chat: Chat, outbox_entries: OutboxEntries, instead: Draft | None = None
    ) -> None:
        self._chat = chat  # borrowed
        self._outgoing = outbox_entries  # borrowed
        self._instead = instead
        lock = asyncio.Lock()
        self._turn = nullcontext if chat.deduplicates else partial(_holding, lock)
        self._lanes: dict[str, PlaceQueue] = {}
        self._lives: WeakValueDictionary[str, GrowingMessage] = WeakValueDictionary()

    async def post(self, place: str, draft: Draft, *, key: str) -> GrowingMessage:
        """A message that stays as it is. It will be seen once this returns, after those that were
        posted there before."""
        return await self._add(OutboxEntry(self._chat.name, key, place, to_json(draft)))

    async def grow(self, place: str, draft: Draft, *, key: str, owner: str) -> GrowingMessage:
        """A message that changes until it is finished; `owner` will know it after a restart."""
        stored = to_json(draft)
        return await self._add(
            OutboxEntry(self._chat.name, key, place, stored, owner=owner, finished=False)
        )

    async def open_thread(
        self, place: str, title: str, *, key: str, owner: str, message_id: str = ""
    ) -> GrowingMessage:
        """A thread, whose title may change until it is finished; its place once it is `seen`."""
        stored = to_json(Draft((title,)))
        thread = OutboxEntry(self._chat.name, key, place, stored, "thread", owner, message_id)
        return await self._add(replace(thread, finished=False))

    def growing(self) -> dict[str, list[GrowingMessage]]:
        """The messages that are not finished, by owner; also those that a killed process left."""
        found: defaultdict[str, list[GrowingMessage]] = defaultdict(list)
        for live in self._lives.values():
            if not live.effect.finished:
                found[live.effect.owner].append(live)
        return dict(found)

    async def resume(self) -> None:
        """Takes up what a former process left."""
        for effect in await self._outgoing.unsettled(self._chat.name):
            self._take(effect)

    async def tidy(self) -> None:
        """Forgets, day by day, what has long been seen."""
        while True:
            try:
                await self._outgoing.purge(datetime.now(UTC) - KEPT)
            except CoreError as error:
                log.warning("not tidied: %s", error)
            await asyncio.sleep(_DAY_S)

    async def close(self) -> None:
        """What is just being sent is sent to its end; the rest waits for the next start."""
        await asyncio.gather(*(lane.close(_PATIENCE_S) for lane in self._lanes.values()))

    async def _add(self, effect: OutboxEntry) -> GrowingMessage:
        # What is under way is not looked up: by the time it is read it may have gone further.
        return self._lives.get(effect.key) or self._take(await self._outgoing.add(effect))

    def _take(self, effect: OutboxEntry) -> GrowingMessage:
        if live := self._lives.get(effect.key):
            return live
        if effect.over:
            return GrowingMessage(effect, self._outgoing, wake=lambda: None)
        lane = self._lanes.get(effect.place)
        if lane is None:
            place = effect.place

            def idle() -> None:
                self._lanes.pop(place, None)

            lane = PlaceQueue(self._chat, place, self._turn, idle, self._instead)
            self._lanes[place] = lane
        live = self._lives[effect.key] = GrowingMessage(effect, self._outgoing, lane.wake)
        lane.add(live)
        return live


@asynccontextmanager
async def _holding(lock: asyncio.Lock) -> AsyncIterator[None]:
    """Two that post at once are two that a kill may double. But what hangs is not waited for."""
    await lock.acquire()
    released = False

    def release() -> None:
        nonlocal released
        if not released:
            released = True
            lock.release()

    hung = asyncio.get_running_loop().call_later(_HUNG_S, release)
    try:
        yield
    finally:
        hung.cancel()
        release()


@asynccontextmanager
async def open_outbox(
    chat: Chat, outbox_entries: OutboxEntries, instead: Draft | None = None
) -> AsyncIterator[Outbox]:
    """Works until it is closed, beginning with what was left. `instead`: what is shown where the
    platform will never take a message. Raises StoreBroken."""
    outbox = Outbox(chat, outbox_entries, instead)
    await outbox.resume()
    tidying = asyncio.create_task(outbox.tidy())
    try:
        yield outbox
    finally:
        tidying.cancel()
        with suppress(asyncio.CancelledError):
            await tidying
        await outbox.close()
