"""This file carries messages to one place, one after the other: new ones in their order, edits at
the platform's pace. What fails for the moment is tried until it works.
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
"""Between two tries: several fit into the few minutes for which Discord remembers a key."""
GIVE_UP_S = 24 * 3600.0


class PlaceQueue:
    """One place. It works as long as there is a message that is not over, then calls `idle`."""

    def __init__(
        self,
        chat: Chat,
        place: str,
        turn: Callable[[], AbstractAsyncContextManager[object]],
        idle: Callable[[], object],
        instead: Draft | None = None,
    ) -> None:
        self._chat = chat  # borrowed
        self._turn = turn
        """Held from posting a message until it is stored that it was."""
        self._idle = idle
        self._instead = instead
        """What is shown where the platform refuses the last text of a message."""
        self._lives: list[GrowingMessage] = []
        self._task: asyncio.Task[None] | None = None
        self._awake = asyncio.Event()
        self._closing = False
        self._clock = asyncio.get_running_loop().time
        self._not_before = 0.0
        self._failures = 0
        self._failing_since = math.inf
        self._dice = random.Random(place)

    def add(self, live: GrowingMessage) -> None:
        self._lives.append(live)
        self.wake()
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def wake(self) -> None:
        """There is something new to send."""
        self._awake.set()

    async def close(self, patience_s: float) -> None:
        """What is just being sent may come to its end; nothing else is begun."""
        self._closing = True
        self.wake()
        if task := self._task:
            await asyncio.wait([task], timeout=patience_s)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while self._lives and not self._closing:
            self._awake.clear()
            live = min(self._lives, key=self._due)
            pause_s = self._due(live)[0] - self._clock()
            if pause_s > 0:
                await self._doze(pause_s)
            else:
                await self._send(live)
            self._lives = [live for live in self._lives if not live.effect.over]
        self._task = None
        self._idle()

    def _due(self, live: GrowingMessage) -> tuple[float, bool, int]:
        """When it may be sent, and who goes first of those that may."""
        exists = bool(live.effect.target)
        when = max(self._not_before, live.edit_at if exists else 0.0)
        return when if live.pending else math.inf, exists, live.effect.number

    async def _doze(self, pause_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(None if math.isinf(pause_s) else pause_s):
                await self._awake.wait()

    async def _send(self, live: GrowingMessage) -> None:
        try:
            await live.store_newest()
        except CoreError as error:
            log.warning("not stored, so not sent: %s", error)
            await self._wait(live)
            return
        if live.effect.pending:
            await self._carry(live, live.effect)

    async def _carry(self, live: GrowingMessage, effect: OutboxEntry) -> None:
        try:
            await (self._edit(live, effect) if effect.target else self._post(live, effect))
        except Busy as busy:
            if busy.edits_only and busy.retry_after_s is not None:
                live.edit_at = self._clock() + busy.retry_after_s
            else:
                await self._wait(live, busy.retry_after_s)
        except TooOld:
            await self._surely(live.begin_anew)
        except MessageGone:
            await self._surely(live.drop)
        except PlaceClosed:
            log.info("a place is closed: %s messages dropped", len(self._lives))
            for other in self._lives:
                await self._surely(other.drop)
        except Exception as error:  # also an adapter's flaw, which must not silence the place
            is_usual = isinstance(error, Refused) and effect.kind == "thread"
            log.log(logging.INFO if is_usual else logging.ERROR, "not sent", exc_info=not is_usual)
            instead = self._instead if effect.kind == "message" else None
            await self._surely(lambda: live.skip(effect.revision, instead))

    async def _edit(self, live: GrowingMessage, effect: OutboxEntry) -> None:
        draft = from_json(Draft, effect.draft)
        if effect.kind == "thread":
            await self._chat.rename_thread(effect.target, draft.text)
        else:
            await self._chat.edit(effect.place, effect.target, draft)
        await self._mark(live, effect.target, effect.revision)

    async def _post(self, live: GrowingMessage, effect: OutboxEntry) -> None:
        draft = from_json(Draft, effect.draft)
        async with self._turn():
            if effect.kind == "thread":
                target = await self._chat.open_thread(
                    effect.place, effect.parent, draft.text, live.key
                )
            else:
                target = await self._chat.post(effect.place, draft, live.key)
            # An earlier try may have come through, and with an older text. An edit makes sure.
            sure = effect.revision == 1 or not self._chat.deduplicates
            await self._mark(live, target, effect.revision if sure else 0)

    async def _mark(self, live: GrowingMessage, target: str, revision: int) -> None:
        self._failures, self._failing_since = 0, math.inf
        live.edit_at = self._clock() + self._chat.edit_interval_s
        await self._surely(lambda: live.sent(target, revision))

    async def _wait(self, live: GrowingMessage, asked_s: float | None = None) -> None:
        now = self._clock()
        self._failing_since = min(self._failing_since, now)
        if now - self._failing_since > GIVE_UP_S:
            log.error("a message was tried in vain for %s hours", GIVE_UP_S // 3600)
            await self._surely(live.drop)
            return
        # Jittered: after an outage not everybody knocks at once.
        own_s = backoff_s(self._failures, LONGEST_PAUSE_S) * self._dice.uniform(0.5, 1)
        self._failures += 1
        self._not_before = now + (own_s if asked_s is None else asked_s)
        if asked_s is None:
            live.edit_at = now + self._chat.edit_interval_s  # it may have been done all the same

    async def _surely(self, change: Callable[[], Awaitable[None]]) -> None:
        """Tried until the store takes it: what is not marked as sent would be sent again."""
        for failures in count():
            try:
                await change()
            except CoreError as error:
                log.warning("not stored yet: %s", error)
            else:
                return
            await asyncio.sleep(backoff_s(failures, LONGEST_PAUSE_S, first_s=0.1))
