"""This file is one message on its way to people, growing until it is finished: the newest text
wins, and the last one always lands. bot/delivery/place_queue.py carries it there.
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
    """A stored message. `show` and `finish` are for whoever writes it, the rest for its lane."""

    def __init__(
        self, effect: OutboxEntry, outbox_entries: OutboxEntries, wake: Callable[[], None]
    ) -> None:
        self.effect = effect
        """As it is stored."""
        self.edit_at = 0.0
        """On the loop's clock: no edit may go out before."""
        self._outgoing = outbox_entries  # borrowed
        self._wake = wake
        self._newest: str | None = None
        self._refused = 0
        """The last revision that the platform did not take."""
        self._saving = asyncio.Lock()
        self._settled = asyncio.Event()
        self._tell()

    def show(self, draft: Draft) -> None:
        """Returns at once. It is stored and sent when its turn comes, unless there is a newer one
        by then; what a crash forgets, whoever makes the message grow shows again."""
        if not self.effect.finished:
            self._newest = to_json(draft)
            self._tell()
            self._wake()

    async def finish(self, draft: Draft) -> None:
        """The last text. Once this returns people will see it, whatever happens to us.

        Does nothing to a message that is finished, or that people deleted."""
        last = to_json(draft)
        if not self.effect.finished:
            await self._become(lambda effect: self._finished(effect, last))
            self._wake()

    async def seen(self) -> str:
        """Waits until people can see what was asked for. The platform's id of the message; "" if
        they never will."""
        await self._settled.wait()
        return self.effect.target

    @property
    def key(self) -> str:
        """What the platform may know the message by: another one for every attempt."""
        name = f"{self.effect.platform}\n{self.effect.key}\n{self.effect.attempt}"
        return hashlib.sha256(name.encode()).hexdigest()[:KEY_CHARACTERS]

    @property
    def pending(self) -> bool:
        return self.effect.pending or self._newest is not None

    async def store_newest(self) -> None:
        """From now on `effect` has the newest text."""
        if (newest := self._newest) is not None:
            await self._become(lambda effect: _redrafted(effect, newest))
            if self._newest is newest:
                self._newest = None
            self._tell()

    async def sent(self, target: str, revision: int) -> None:
        """The platform shows this revision, or 0 if it is not known which."""
        await self._become(lambda effect: replace(effect, target=target, shown=revision))

    async def skip(self, revision: int, instead: Draft | None = None) -> None:
        """This revision will not be shown. A later one may; where it is the last, `instead` is."""
        other = to_json(instead) if instead else ""

        def skipped(effect: OutboxEntry) -> OutboxEntry:
            is_last = effect.finished and effect.revision == revision
            if is_last and other not in ("", effect.draft):
                return replace(effect, draft=other, revision=revision + 1, shown=revision)
            return replace(effect, shown=revision)

        self._refused = revision
        await self._become(skipped)

    async def begin_anew(self) -> None:
        """What was posted stays as it is, and another message will take its place."""
        await self._become(lambda e: replace(e, target="", attempt=e.attempt + 1))

    async def drop(self) -> None:
        """Nothing of it will be sent any more."""
        await self._become(lambda e: replace(e, finished=True, shown=e.revision))

    def _finished(self, effect: OutboxEntry, last: str) -> OutboxEntry:
        if effect.revision == self._refused:  # also if it is the same: what is last is not skipped
            effect = replace(effect, draft="")
        return replace(_redrafted(effect, last), finished=True)

    async def _become(self, change: Callable[[OutboxEntry], OutboxEntry]) -> None:
        """Stored first, then believed; changes come one after the other."""
        async with self._saving:
            changed = change(self.effect)
            if changed != self.effect:
                await self._outgoing.save(changed)
            self.effect = changed
            if changed.finished:
                self._newest = None
        self._tell()

    def _tell(self) -> None:
        if self.pending:
            self._settled.clear()
        else:
            self._settled.set()


def _redrafted(effect: OutboxEntry, draft: str) -> OutboxEntry:
    # A draft that came too late is no draft; one that changes nothing costs no edit.
    if effect.finished or draft == effect.draft:
        return effect
    return replace(effect, draft=draft, revision=effect.revision + 1)
