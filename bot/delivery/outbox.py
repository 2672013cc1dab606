"""Store every message before it is sent, and resume after a restart what was not sent or finished.

A key stands for one message: asking for it again returns the same message, whatever is killed in
between, as long as the platform remembers idempotency keys. On a platform without them people may
see a message twice: at most once per kill, and once per response that was lost or took longer than
five seconds when the process was killed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
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
"""How long keys are remembered. A job resumed after a longer stop may post its messages again."""
_RECENT = 300
"""Messages whose id can be looked up after they were delivered."""
_DAY_S = 24 * 3600.0
_CLOSE_TIMEOUT_S = 5.0
_POST_LOCK_TIMEOUT_S = 5.0
"""How long a post that gets no response blocks the posts to other places."""


class Outbox:
    """The messages of one platform. Use open_outbox."""

    def __init__(
        self, chat: Chat, outbox_entries: OutboxEntries, fallback: Draft | None = None
    ) -> None:
        self._chat = chat  # borrowed
        self._entries = outbox_entries  # borrowed
        self._fallback = fallback
        lock = asyncio.Lock()
        self._post_lock = nullcontext if chat.deduplicates else partial(_locked, lock)
        self._queues: dict[str, PlaceQueue] = {}
        self._messages: WeakValueDictionary[str, GrowingMessage] = WeakValueDictionary()
        self._recent: deque[GrowingMessage] = deque(maxlen=_RECENT)

    async def post(self, place: str, draft: Draft, *, key: str) -> GrowingMessage:
        """Post a message that does not change. Once this returns it is stored, and will be
        delivered after the messages posted to the place before it."""
        message = await self._add(OutboxEntry(self._chat.name, key, place, to_json(draft)))
        self._recent.append(message)
        return message

    def posted_id(self, key: str) -> str:
        """The platform's id of a message that this process posted lately; "" if it is not known."""
        message = self._messages.get(key)
        return message.entry.target if message else ""

    def post_unstored(self, place: str, draft: Draft, *, key: str) -> None:
        """As `post`, for when the store fails: the message is lost if the process ends first."""
        self._queue(OutboxEntry(self._chat.name, key, place, to_json(draft)), is_stored=False)

    async def grow(self, place: str, draft: Draft, *, key: str, owner: str) -> GrowingMessage:
        """Post a message that changes until it is finished. `growing` finds it by its owner."""
        stored = to_json(draft)
        return await self._add(
            OutboxEntry(self._chat.name, key, place, stored, owner=owner, finished=False)
        )

    async def open_thread(
        self, place: str, title: str, *, key: str, owner: str, message_id: str = ""
    ) -> GrowingMessage:
        """Open a thread whose title may change until it is finished. `delivered` returns its
        place."""
        stored = to_json(Draft((title,)))
        thread = OutboxEntry(self._chat.name, key, place, stored, "thread", owner, message_id)
        return await self._add(replace(thread, finished=False))

    def growing(self) -> dict[str, list[GrowingMessage]]:
        """Unfinished messages by owner, including those of an earlier process."""
        found: defaultdict[str, list[GrowingMessage]] = defaultdict(list)
        for message in self._messages.values():
            if not message.entry.finished:
                found[message.entry.owner].append(message)
        return dict(found)

    async def resume(self) -> None:
        """Queue the messages that an earlier process left. Raises StoreBroken."""
        for entry in await self._entries.unfinished(self._chat.name):
            self._queue(entry)

    async def purge_daily(self) -> None:
        """Delete old delivered messages from the store, once a day."""
        while True:
            try:
                await self._entries.purge(datetime.now(UTC) - KEPT)
            except CoreError as error:
                log.warning("old messages not purged: %s", error)
            await asyncio.sleep(_DAY_S)

    async def close(self) -> None:
        """Let running calls end, within a limit. The rest waits for the next start."""
        await asyncio.gather(*(queue.close(_CLOSE_TIMEOUT_S) for queue in self._queues.values()))

    async def _add(self, entry: OutboxEntry) -> GrowingMessage:
        # A queued message is not read from the store: it may be ahead of what is stored.
        return self._messages.get(entry.key) or self._queue(await self._entries.add(entry))

    def _queue(self, entry: OutboxEntry, *, is_stored: bool = True) -> GrowingMessage:
        if message := self._messages.get(entry.key):
            return message
        if entry.over:
            return GrowingMessage(entry, self._entries, wake=lambda: None)
        queue = self._queues.get(entry.place)
        if queue is None:
            place = entry.place

            def on_empty() -> None:
                self._queues.pop(place, None)

            queue = PlaceQueue(self._chat, place, self._post_lock, on_empty, self._fallback)
            self._queues[place] = queue
        entries = self._entries if is_stored else None
        message = self._messages[entry.key] = GrowingMessage(entry, entries, queue.wake)
        queue.add(message)
        return message


@asynccontextmanager
async def _locked(lock: asyncio.Lock) -> AsyncIterator[None]:
    """Hold the lock, but for a limited time: a kill may double every post in flight, so there is
    one at a time; a post that hangs must not block the others."""
    await lock.acquire()
    released = False

    def release() -> None:
        nonlocal released
        if not released:
            released = True
            lock.release()

    timeout = asyncio.get_running_loop().call_later(_POST_LOCK_TIMEOUT_S, release)
    try:
        yield
    finally:
        timeout.cancel()
        release()


@asynccontextmanager
async def open_outbox(
    chat: Chat, outbox_entries: OutboxEntries, fallback: Draft | None = None
) -> AsyncIterator[Outbox]:
    """Deliver messages until closed, beginning with those left by an earlier process.

    `fallback`: shown instead of a message that the platform refuses. Raises StoreBroken."""
    outbox = Outbox(chat, outbox_entries, fallback)
    await outbox.resume()
    purging = asyncio.create_task(outbox.purge_daily())
    try:
        yield outbox
    finally:
        purging.cancel()
        with suppress(asyncio.CancelledError):
            await purging
        await outbox.close()
