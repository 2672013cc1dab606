"""Kill a process while Chroma flushes its graph to disk, at a point chosen by a seed.

Chroma flushes every thousand rows, in two to four milliseconds: it writes FILES in order, then
records in SQLite how far they go. A kill hits if it falls between the first write and the last.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import tempfile
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

FILES = (
    "header.bin",
    "data_level0.bin",
    "length.bin",
    "link_lists.bin",
    "index_metadata.pickle",
)
MARK = "in-use"
"""Marker file that core/backends/chroma/vector_index.py leaves in a folder during a call."""
_SPREAD_S = 0.001
_PATIENCE_S = 60.0

Look = tuple[int, int] | None
"""A file's size and modification time; None if it does not exist."""


@dataclass(frozen=True)
class Aim:
    """When and how to kill: `delay_s` after the file's first change. `loses_mark`: delete MARK as a
    power failure may, so that the written data alone must reveal the interrupted call."""

    file: str
    delay_s: float
    loses_mark: bool

    @classmethod
    def by(cls, dice: random.Random) -> Aim:
        return cls(dice.choice(FILES), dice.random() * _SPREAD_S, dice.random() < 0.5)


@dataclass(frozen=True)
class Kill:
    """The outcome of a kill. `reached`: the last of FILES touched. `is_over`: the call ended before
    the kill, so nothing needs to be broken. `at_s`: time of the kill on the monotonic clock."""

    reached: str
    is_hit: bool
    is_over: bool
    at_s: float


class FlushKiller:
    """Kill a process during a flush of the channel's `folder`. Create it before the process
    writes."""

    def __init__(self, pid: int, folder: Path, aim: Aim) -> None:
        (graph,) = (path for path in folder.iterdir() if path.is_dir())
        self._files = {name: graph / name for name in FILES}
        self._before = {name: _look(file) for name, file in self._files.items()}
        self._watermark = _watermark(folder, graph.name)
        self._pid, self._folder, self._graph, self._aim = pid, folder, graph.name, aim

    def strike(self) -> Kill:
        """Block until the process is dead."""
        file, before = self._files[self._aim.file], self._before[self._aim.file]
        process = psutil.Process(self._pid)
        patience = time.monotonic() + _PATIENCE_S
        while _look(file) == before:
            assert time.monotonic() < patience, "nothing is written"
        strikes = time.perf_counter() + self._aim.delay_s
        while time.perf_counter() < strikes:
            pass
        os.kill(self._pid, signal.SIGKILL)
        at_s = time.monotonic()
        with suppress(psutil.NoSuchProcess):
            while process.status() != psutil.STATUS_ZOMBIE:
                pass
        return self._examine(at_s)

    def _examine(self, at_s: float) -> Kill:
        mark = self._folder / MARK
        is_over = not mark.exists()
        reached = [name for name in FILES if _look(self._files[name]) != self._before[name]]
        is_hit = _watermark(self._folder, self._graph) == self._watermark
        if self._aim.loses_mark:
            mark.unlink(missing_ok=True)
        return Kill(reached[-1], is_hit, is_over, at_s)


def _look(file: Path) -> Look:
    try:
        state = os.stat(file)
    except FileNotFoundError:
        return None
    return state.st_size, state.st_mtime_ns


def _watermark(folder: Path, graph: str) -> list[int]:
    """How far SQLite says the graph's files go. Reads a copy, because reading rolls back."""
    with tempfile.TemporaryDirectory() as other:
        for file in folder.glob("chroma.sqlite3*"):
            shutil.copy(file, other)
        with closing(sqlite3.connect(Path(other) / "chroma.sqlite3")) as database:
            rows = database.execute("SELECT seq_id FROM max_seq_id WHERE segment_id = ?", (graph,))
            return [seq_id for (seq_id,) in rows]
