"""Measure how long others wait to write while a channel of 2,000 videos is forgotten (#12).

One writer shares the process, and with it the queue for SQLite's lock; the other is a process of
its own, which asks for the lock again and again, as SQLite does.
"""

from __future__ import annotations

import asyncio
import sys
import time
from asyncio.subprocess import PIPE
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Table, insert

from core.backends.storage import tables as t
from core.backends.storage.database import open_database
from core.backends.storage.store import Store, open_store, sqlite_url
from core.model import Answer, Turn, Video
from tests.bench.figures import Row, percentile

CHANNEL, VIDEOS = "hive", 2000
SEGMENTS, CHUNKS, SIZE = 120, 12, 384
"""A talk of ten minutes."""
BUTTONS = 9
PAUSE_S, QUIET_S = 0.02, 10.0
GOAL_S = 0.5
_NOW = datetime(2026, 11, 25, tzinfo=UTC)


def measure(folder: Path) -> list[Row]:
    return asyncio.run(_measure(folder))


async def _measure(folder: Path) -> list[Row]:
    url = sqlite_url(folder / "forgetting.db")
    async with open_store(url):
        pass
    await _fill(url)
    async with open_store(url) as store:
        async with _writing(store, url) as waits:
            await asyncio.sleep(QUIET_S)
        quiet = max(max(seconds) for seconds in waits.values())
        async with _writing(store, url) as waits:
            began = time.perf_counter()
            gone = await store.library.forget(CHANNEL)
            took_s = time.perf_counter() - began
        assert len(gone) == VIDEOS
        assert await store.videos.get(_video_id(0)) is None
    about = f"{quiet:.2f} s before; forgetting 2,000 videos took {took_s:.0f} s"
    return [
        Row(
            f"a write {where} while a channel is forgotten",
            max(seconds),
            "s",
            GOAL_S,
            f"longest of {len(seconds)}; median {percentile(seconds, 0.5):.3f} s; {about}",
        )
        for where, seconds in waits.items()
    ]


@asynccontextmanager
async def _writing(store: Store, url: str) -> AsyncIterator[dict[str, list[float]]]:
    """Write from here and from another process; at the end there are all waits, in seconds."""
    script = ("-m", "tests.bench.forgetting", url)
    other = await asyncio.create_subprocess_exec(sys.executable, *script, stdin=PIPE, stdout=PIPE)
    assert other.stdout
    await other.stdout.readline()  # it writes
    waits: dict[str, list[float]] = {"in the process": [], "in another process": []}
    writing = asyncio.create_task(_write(store, waits["in the process"]))
    yield waits
    await _stop(writing)
    told, _ = await other.communicate(b"\n")
    waits["in another process"] += map(float, told.split())


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _write(store: Store, waits: list[float]) -> None:
    """Write a row again and again, and note how long each write took."""
    while True:
        began = time.perf_counter()
        await store.checkpoints.save("other", "r", 0, "a window")
        waits.append(time.perf_counter() - began)
        await asyncio.sleep(PAUSE_S)


async def _fill(url: str) -> None:
    rows: dict[Table, list[dict[str, Any]]] = defaultdict(list)
    for number in range(VIDEOS):
        for table, row in _rows_of(number):
            rows[table].append(row)
    async with open_database(url) as database, database.write() as connection:
        for table in (t.videos, t.transcripts, t.segments, t.chunkings, t.chunks, t.library):
            await connection.execute(insert(table), rows[table])
        for table in (t.turns, t.mentions, t.bindings, t.buttons, t.requests):
            await connection.execute(insert(table), rows[table])


def _rows_of(number: int) -> Iterable[tuple[Table, dict[str, Any]]]:
    """What the store has of a video that was asked about once."""
    id, text = _video_id(number), "so the bees of the hive went on to dance " * 2
    of = {"video_id": id}
    vectors = np.random.default_rng(number).normal(size=(SEGMENTS, SIZE))
    dense, sparse = vectors[:CHUNKS].astype("<f4").tobytes(), vectors.astype("<f2").tobytes()
    yield t.videos, {"id": id, "video": Video(id, f"Day {number}", description=text * 20)}
    yield t.transcripts, of | {"language": "en", "source": "whisper", "recipe": "r"}
    for n in range(SEGMENTS):
        yield t.segments, of | {"number": n, "start_s": n, "end_s": n + 1, "text": text}
    yield t.chunkings, of | {"recipe": "r e", "vectors": dense, "sentence_vectors": sparse}
    for n in range(CHUNKS):
        row = {"number": n, "start_s": n, "end_s": n + 1, "first": n, "last": n, "heading": ""}
        yield t.chunks, of | row | {"text": text * 10}
    yield t.library, of | {"channel": CHANNEL, "search_title": f"day {number}"}
    turn = Turn("Why?", Answer("Why?", text * 5, (), (), grounded=True, engine="x"))
    yield t.turns, {"id": number + 1, "channel": CHANNEL, "thread": id, "turn": turn}
    yield t.mentions, of | {"turn_id": number + 1}
    place = {"platform": "discord", "place": f"{number}", "message_id": "", "thread": id}
    yield t.bindings, of | place | {"channel": CHANNEL}
    for n in range(BUTTONS):
        yield t.buttons, of | {"id": f"{id}{n}", "channel": CHANNEL, "action": "ask", "text": text}
    yield t.requests, of | _request(number)


def _request(number: int) -> dict[str, Any]:
    of = {"id": f"discord:{number}", "platform": "discord", "channel": CHANNEL, "done": True}
    return of | {"request": {"kind": "watch"}, "saved_at": _NOW}


def _video_id(number: int) -> str:
    return f"v{number:010}"


async def _write_elsewhere(url: str) -> None:
    """Write until a line of input comes; then print each wait in seconds."""
    waits: list[float] = []
    async with open_store(url) as store:
        writing = asyncio.create_task(_write(store, waits))
        print("writing", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await _stop(writing)
    print(*waits, sep="\n")


if __name__ == "__main__":
    asyncio.run(_write_elsewhere(sys.argv[1]))
