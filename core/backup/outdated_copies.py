"""Replace copies of the store that hold what was forgotten since they were made."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from pathlib import Path

from core.backends.storage.outdated_copies import OutdatedCopies
from core.backends.storage.sqlite_copy import check
from core.backup.daily_copies import Copy, copies, has_room, todays_copy
from core.ports import Clock

log = logging.getLogger(__name__)


class StoreCopies:
    """Fulfils `Copies` for a SQLite store: the daily copies, and what `restore` keeps.

    One `replace` at a time in a process: its parts would meet in one file."""

    def __init__(
        self,
        folder: Path,
        store: Path,
        copy: Copy,
        outdated: OutdatedCopies,
        now: Clock = time.time,
    ) -> None:
        self._folder, self._store, self._copy = folder, store, copy
        self._outdated, self._now = outdated, now

    def count(self) -> int:
        return len(self._found())

    async def replace(self) -> bool:
        old = self._found()
        if not old:
            return False
        fresh = todays_copy(self._folder, self._now())
        if not has_room(self._store):
            await check(self._store)  # a damaged store needs its copies more than people this
            _delete(old)
        if has_room(self._store):
            self._folder.mkdir(exist_ok=True)
            await self._copy(fresh)
        _delete(path for path in old if path != fresh)
        return True

    async def replace_outdated(self) -> bool:
        """As `replace`, if something was forgotten since the copies were made."""
        if not (deletion := await self._outdated.deletion()):
            return False
        is_replaced = await self.replace()
        await self._outdated.settle(deletion)
        if is_replaced:
            log.info("replaced the copies of the store that held what was forgotten")
        return is_replaced

    def _found(self) -> list[Path]:
        """With what a kill left of one that was being made."""
        kept = self._store.parent.glob(f"{self._store.stem}-before-*{self._store.suffix}*")
        return [*copies(self._folder), *self._folder.glob("*.part*"), *kept]


def _delete(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
