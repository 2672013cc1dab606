"""This file kills its own process, as `kill -9` does, before or after a commit of its choice."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Engine, event
from sqlalchemy.pool import Pool

_WRITES = re.compile(r'(?:INSERT INTO|UPDATE|DELETE FROM|REPLACE INTO) "?(?:main"?\.)?"?(\w+)')
_POINT = "point"


@dataclass(frozen=True)
class Point:
    """The `number`th commit of this kind, from 1. `kind`: the tables that it writes."""

    side: Literal["before", "after"]
    kind: str
    number: int


class Commits:
    """Sees every commit of this process that wrote something: ours, and those of DBOS."""

    def __init__(self, fatal: Point | None = None) -> None:
        self.seen: Counter[str] = Counter()
        self._fatal = fatal

    def watch(self) -> None:
        """From now on, until the process ends."""
        event.listen(Engine, "before_cursor_execute", self._note)
        event.listen(Engine, "commit", self._before)
        event.listen(Engine, "rollback", self._forget)
        event.listen(Pool, "checkin", self._after)  # a connection goes back when it has committed

    def _note(self, connection: Connection, _: Any, statement: str, *__: Any) -> None:
        if written := _WRITES.match(statement.lstrip()):
            connection.info.setdefault("wrote", {})[written[1]] = True

    def _forget(self, connection: Connection) -> None:
        connection.info.pop("wrote", None)

    def _before(self, connection: Connection) -> None:
        if wrote := connection.info.pop("wrote", None):
            kind = " ".join(wrote)
            self.seen[kind] += 1
            connection.info[_POINT] = kind, self.seen[kind]
            self._meet("before", *connection.info[_POINT])

    def _after(self, _: Any, record: Any) -> None:
        if point := record.info.pop(_POINT, None):
            self._meet("after", *point)

    def _meet(self, side: Literal["before", "after"], kind: str, number: int) -> None:
        if Point(side, kind, number) == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)
