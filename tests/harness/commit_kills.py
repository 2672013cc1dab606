"""Record this process's commits, and SIGKILL the process at a chosen one."""

from __future__ import annotations

import os
import re
import signal
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Engine, event
from sqlalchemy.pool import Pool

_WRITES = re.compile(r'(?:INSERT INTO|UPDATE|DELETE FROM|REPLACE INTO) "?(?:main"?\.)?"?(\w+)')
_POINT = "point"


@dataclass(frozen=True)
class Point:
    """A moment before or after the `number`th commit of its kind, counted from 1. `kind`: the
    current step and the tables written."""

    side: Literal["before", "after"]
    kind: str
    number: int


class Commits:
    """Observe every commit in this process that wrote something: ours and those of DBOS."""

    def __init__(self, fatal: Point | None = None) -> None:
        self.seen: Counter[str] = Counter()
        self.took_s: defaultdict[str, list[float]] = defaultdict(list)
        """Kind → seconds from connection checkout to checkin."""
        self.place = ""
        """The current step; prefixes the kind."""
        self._fatal = fatal

    def watch(self) -> None:
        """Observe commits until the process ends."""
        event.listen(Pool, "checkout", self._begin)
        event.listen(Engine, "before_cursor_execute", self._note)
        event.listen(Engine, "commit", self._before)
        event.listen(Engine, "rollback", self._forget)
        event.listen(Pool, "checkin", self._after)  # a connection is checked in after its commit

    def _begin(self, _: Any, record: Any, __: Any) -> None:
        record.info["since"] = time.perf_counter()

    def _note(self, connection: Connection, _: Any, statement: str, *__: Any) -> None:
        if written := _WRITES.match(statement.lstrip()):
            connection.info.setdefault("wrote", {})[written[1]] = True

    def _forget(self, connection: Connection) -> None:
        connection.info.pop("wrote", None)

    def _before(self, connection: Connection) -> None:
        if wrote := connection.info.pop("wrote", None):
            kind = " ".join([self.place, *wrote]).strip()
            self.seen[kind] += 1
            connection.info[_POINT] = kind, self.seen[kind]
            self._meet("before", *connection.info[_POINT])

    def _after(self, _: Any, record: Any) -> None:
        if point := record.info.pop(_POINT, None):
            self.took_s[point[0]].append(time.perf_counter() - record.info["since"])
            self._meet("after", *point)

    def _meet(self, side: Literal["before", "after"], kind: str, number: int) -> None:
        if Point(side, kind, number) == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)
