"""Send messages to one place, one at a time: new messages in order, edits at the platform's rate.
Temporary failures are retried with backoff.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from itertools import count

from bot.backoff import backoff_s
from bot.chat import Busy, Chat, Draft, MessageGone, PlaceClosed, Refused, TooOld
from bot.delivery.growing_message import GrowingMessage
from core.chat_records import OutboxEntry
from core.errors import CoreError
from core.json_values import from_json

log = logging.getLogger(__name__)

LONGEST_PAUSE_S = 20.0
"""Longest backoff: several attempts fit into the minutes for which Discord remembers a key."""
GIVE_UP_S = 24 * 3600.0


class PlaceQueue:
    """The queue of one place. Runs while it has unfinished or unsent messages, then calls
    `on_empty`. `post_lock`: held from posting a message until that is stored. `fallback`: shown
    instead of a message whose last text the platform refuses."""

    def __init__(
        self,
        chat: Chat,
        place: str,
        post_lock: Callable[[], AbstractAsyncContextManager[object]],
        on_empty: Callable[[], object],
        fallback: Draft | None = None,
    ) -> None:
        self._chat = chat  # borrowed
        self._post_lock = post_lock
        self._on_empty = on_empty
        self._fallback = fallback
        self._messages: list[GrowingMessage] = []
        self._task: asyncio.Task[None] | None = None
        self._awake = asyncio.Event()
        self._closing = False
        self._clock = asyncio.get_running_loop().time
        self._not_before = 0.0
        self._failures = 0
        self._failing_since = math.inf
        self._random = random.Random(place)

    def add(self, message: GrowingMessage) -> None:
        self._messages.append(message)
        self.wake()
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def wake(self) -> None:
        """Look for something to send."""
        self._awake.set()

    async def close(self, timeout_s: float) -> None:
        """Let the running call end, within the timeout. Start no other."""
        self._closing = True
        self.wake()
        if task := self._task:
            await asyncio.wait([task], timeout=timeout_s)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while self._messages and not self._closing:
            self._awake.clear()
            message = min(self._messages, key=self._due)
            pause_s = self._due(message)[0] - self._clock()
            if pause_s > 0:
                await self._sleep(pause_s)
            else:
                await self._send(message)
            self._messages = [message for message in self._messages if not message.entry.over]
        self._task = None
        self._on_empty()

    def _due(self, message: GrowingMessage) -> tuple[float, bool, int]:
        """Sort key: the time at which it may be sent, then posts before edits, then its number."""
        is_posted = bool(message.entry.target)
        due_at = max(self._not_before, message.edit_at if is_posted else 0.0)
        return due_at if message.pending else math.inf, is_posted, message.entry.number

    async def _sleep(self, pause_s: float) -> None:
        """Sleep until the time is over or `wake` is called."""
        with suppress(TimeoutError):
            async with asyncio.timeout(None if math.isinf(pause_s) else pause_s):
                await self._awake.wait()

    async def _send(self, message: GrowingMessage) -> None:
        try:
            await message.store_newest()
        except CoreError as error:
            log.warning("message not sent because it could not be stored: %s", error)
            await self._back_off(message)
            return
        if message.entry.pending:
            await self._deliver(message, message.entry)

    async def _deliver(self, message: GrowingMessage, entry: OutboxEntry) -> None:
        try:
            await (self._edit(message, entry) if entry.target else self._post(message, entry))
        except Busy as busy:
            if busy.edits_only and busy.retry_after_s is not None:
                message.edit_at = self._clock() + busy.retry_after_s
            else:
                await self._back_off(message, busy.retry_after_s)
        except TooOld:
            await self._retry_until_stored(message.repost)
        except MessageGone:
            await self._retry_until_stored(message.repost if message.must_arrive else message.drop)
        except PlaceClosed:
            log.info("place closed: dropped %s messages", len(self._messages))
            for other in self._messages:
                await self._retry_until_stored(other.drop)
        except Exception as error:  # also an adapter's bug, which must not stop the whole queue
            is_usual = isinstance(error, Refused) and entry.kind == "thread"
            level = logging.INFO if is_usual else logging.ERROR
            log.log(level, "%s refused", entry.kind, exc_info=not is_usual)
            fallback = self._fallback if entry.kind == "message" else None
            await self._retry_until_stored(lambda: message.skip(entry.revision, fallback))

    async def _edit(self, message: GrowingMessage, entry: OutboxEntry) -> None:
        draft = from_json(Draft, entry.draft)
        if entry.kind == "thread":
            await self._chat.rename_thread(entry.target, draft.text)
        else:
            await self._chat.edit(entry.place, entry.target, draft)
        await self._mark_sent(message, entry.target, entry.revision)

    async def _post(self, message: GrowingMessage, entry: OutboxEntry) -> None:
        draft = from_json(Draft, entry.draft)
        async with self._post_lock():
            if entry.kind == "thread":
                target = await self._chat.open_thread(
                    entry.place, entry.parent, draft.text, message.key
                )
            else:
                target = await self._chat.post(entry.place, draft, message.key)
            # An earlier attempt may have posted an older text; then an edit follows.
            is_certain = entry.revision == 1 or not self._chat.deduplicates
            await self._mark_sent(message, target, entry.revision if is_certain else 0)

    async def _mark_sent(self, message: GrowingMessage, target: str, revision: int) -> None:
        self._failures, self._failing_since = 0, math.inf
        message.edit_at = self._clock() + self._chat.edit_interval_s
        await self._retry_until_stored(lambda: message.mark_sent(target, revision))

    async def _back_off(self, message: GrowingMessage, requested_s: float | None = None) -> None:
        """Pause the queue after a failure; drop the message after a day of failures."""
        now = self._clock()
        self._failing_since = min(self._failing_since, now)
        if now - self._failing_since > GIVE_UP_S:
            log.error("dropped a message that could not be sent for %s hours", GIVE_UP_S // 3600)
            await self._retry_until_stored(message.drop)
            return
        # Jitter: after an outage the queues must not all retry at the same moment.
        own_s = backoff_s(self._failures, LONGEST_PAUSE_S) * self._random.uniform(0.5, 1)
        self._failures += 1
        self._not_before = now + (own_s if requested_s is None else requested_s)
        if requested_s is None:  # the failed call may have changed the message all the same
            message.edit_at = now + self._chat.edit_interval_s

    async def _retry_until_stored(self, change: Callable[[], Awaitable[None]]) -> None:
        """Retry a change until the store accepts it: a message not marked as sent is sent again."""
        for failures in count():
            try:
                await change()
            except CoreError as error:
                log.warning("message not stored yet: %s", error)
            else:
                return
            await asyncio.sleep(backoff_s(failures, LONGEST_PAUSE_S, first_s=0.1))
