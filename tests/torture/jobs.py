"""Kill a process that works on jobs, and check that every job ends once and no finished step is
repeated.

A story is one folder in which process after process is killed, at a named commit or at a random
moment, until one is left alone and finishes all work. The processes are forked from one that has
everything imported: tests/harness/job_process.py.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from core.backends.storage.store import open_store, sqlite_url
from tests.harness.commit_kills import Point
from tests.harness.forks import Fork, forked
from tests.harness.job_process import SAID, STORE, VIDEO, Event, Journal, Life, Wish

KILLS = 100
"""Kills per round."""
CHANNELS = ("one", "two", "three", "four", "five")
FILE, GONE = "bees.srt", "gonegonegon"
WISHES = (
    *map(Wish, CHANNELS),
    Wish("six", language="ko"),
    Wish("seven", FILE),
    Wish("eight", GONE),
)
_SUBTITLES = "1\n00:00:01,000 --> 00:00:04,000\nBees dance in the hive.\n"
_KILLS_OF_A_STORY = 6
_TAKES_S = 2.5
"""Seconds in which a whole life is nearly over."""
_STORIES_AT_ONCE = 4
_PATIENCE_S = 60.0
_ALL_WELL = frozenset({"SUCCESS"})

Aim = Point | float
"""A commit, or seconds after the start."""


@dataclass
class Toll:
    """The kills so far."""

    wanted: int
    aims: Iterator[Aim]
    struck: list[Aim] = field(default_factory=list)
    missed: list[Aim] = field(default_factory=list)
    """Aims that the rest of a story did not reach; the next story begins with them."""
    repeated: Counter[str] = field(default_factory=Counter)
    """What the kills cost: repeated steps, windows and parts."""

    @property
    def is_paid(self) -> bool:
        return len(self.struck) >= self.wanted


async def round(folder: Path, seed: int) -> str:
    """Entry point of `make torture`."""
    toll = await kill(folder, seed, KILLS)
    named = sum(isinstance(aim, Point) for aim in toll.struck)
    costs = ", ".join(f"{name} {times}" for name, times in sorted(toll.repeated.items()))
    return (
        f"{len(toll.struck)} killed, {named} of them at a commit; no job lost, nothing finished "
        f"done again; begun again: {costs}"
    )


async def kill(folder: Path, seed: int, kills: int) -> Toll:
    dice = random.Random(seed)
    toll = Toll(kills, _aims(dice, await _commits(folder / "untouched")))
    numbers = iter(range(10 * kills))

    async def tell_stories() -> None:
        while not toll.is_paid:
            await _story(folder / f"story {next(numbers)}", toll)

    await asyncio.gather(*(tell_stories() for _ in range(_STORIES_AT_ONCE)))
    return toll


def _aims(dice: random.Random, commits: Counter[str]) -> Iterator[Aim]:
    """Yield points before and after a commit of every kind, shuffled; every third aim is a
    moment."""
    while True:
        points = [
            Point(side, kind, dice.randint(1, count))
            for kind, count in sorted(commits.items())
            for side in ("before", "after")
        ]
        dice.shuffle(points)
        for number, point in enumerate(points):
            if number % 2 == 0:
                yield dice.random() * _TAKES_S
            yield point


async def _commits(folder: Path) -> Counter[str]:
    """Count the commits of a life that is not killed."""
    life = make(folder)
    assert await run(life) == 0
    await check(life, kills=0)
    [dies] = Journal(folder).events("dies")
    return Counter(dies["commits"])


def make(folder: Path, wishes: Sequence[Wish] = WISHES) -> Life:
    folder.mkdir()
    (folder / FILE).write_text(_SUBTITLES)
    return Life(folder, wishes)


async def _story(folder: Path, toll: Toll) -> None:
    life, kills = make(folder), 0
    try:
        while kills < _KILLS_OF_A_STORY and not toll.is_paid:
            aim = toll.missed.pop() if toll.missed and not kills else next(toll.aims)
            if not await strike(life, aim):
                if kills:
                    toll.missed.append(aim)
                break
            toll.struck.append(aim)
            kills += 1
            is_whole(folder)
        assert await run(life) == 0
        toll.repeated += await check(life, kills)
    except (AssertionError, TimeoutError) as error:
        error.add_note(f"{folder.name}, the last aims: {toll.struck[-_KILLS_OF_A_STORY:]}")
        raise
    shutil.rmtree(folder)


async def strike(life: Life, aim: Aim) -> bool:
    """Return whether the process was killed; if not, it did all its work."""
    if isinstance(aim, Point):
        code = await run(replace(life, fatal=aim))
    else:
        code = await run(life, kill_after_s=aim)
    assert code in (0, -signal.SIGKILL), f"it ended with {code}"
    return code != 0


async def run(life: Life, kill_after_s: float = _PATIENCE_S) -> int | None:
    """Run a process that lives this life and return its exit code."""
    async with living(life) as process:
        try:
            async with asyncio.timeout(kill_after_s):
                return await process.ended()
        except TimeoutError:
            process.send(signal.SIGKILL)
            return await process.ended()


def living(life: Life) -> AbstractAsyncContextManager[Fork]:
    return forked(life.live)


def is_whole(folder: Path) -> list[str]:
    """Check the database and return DBOS's workflow statuses, from a copy.

    The next life must find what the kill left.
    """
    with TemporaryDirectory(dir=folder) as copies:
        for file in folder.glob(f"{STORE}*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, copies)
        with closing(sqlite3.connect(Path(copies) / STORE)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            if "workflow_status" not in tables:
                return []
            return [s for (s,) in connection.execute("SELECT status FROM workflow_status")]


# Promises


async def check(life: Life, kills: int, statuses: Set[str] = _ALL_WELL) -> Counter[str]:
    """Check every promise and return what was repeated. `statuses`: DBOS's statuses in the end."""
    events = Journal(life.folder).events()
    _every_job_ended(life, events)
    assert set(is_whole(life.folder)) == statuses
    await _the_store_holds_it_all(life)
    repeated = Counter(windows=_again(events, "hears"), parts=_again(events, "reads"))
    assert max(repeated.values()) <= kills
    return repeated + _steps_again(events, kills)


def _every_job_ended(life: Life, events: Sequence[Event]) -> None:
    """Check that every job ended once, always with the same outcome, for what was ordered."""
    ordered = {told["job"]: told["order"] for told in events if told["event"] == "ordered"}
    wishes = {wish.channel: wish for wish in life.wishes}
    assert {order["channel"] for order in ordered.values()} == wishes.keys()
    for job, order in ordered.items():
        told = [event for event in events if event["event"] == "outcome" and event["job"] == job]
        assert told, "a job was lost"
        wish = wishes[order["channel"]]
        assert order["language"] == wish.language
        assert order["file"] == (str(life.folder / FILE) if wish.what == FILE else "")
        for outcome in told:
            if wish.what == GONE:
                assert outcome["error"] == "video_removed"
            else:
                assert outcome["order"] == order
                assert outcome["notes"] == []


async def _the_store_holds_it_all(life: Life) -> None:
    async with open_store(sqlite_url(life.folder / STORE)) as store:
        for wish in life.wishes:
            known = await store.library.videos(wish.channel)
            if wish.what == GONE:
                assert known == []
                continue
            [video] = known
            transcript = await store.videos.transcript(video.id)
            assert transcript
            assert video.id != VIDEO.id or transcript.segments == SAID
            assert await store.videos.summary(video.id, f"scripted {wish.language}")
            chunks, vectors = await store.chunks.load([video.id])
            assert chunks
            assert vectors is not None
        assert await store.videos.get(GONE) is None


def _again(events: Sequence[Event], kind: str) -> int:
    """Count the unfinished windows or parts that a later process repeats.

    Only what the earlier process began last, in a step that had not ended, may be repeated. What
    was finished is not done again.
    """
    finished: set[str] = set()
    begun: dict[int, str] = {}
    times: Counter[str] = Counter()
    for event in events:
        life = event["life"]
        if event["event"] == kind:
            if life in begun:
                finished.add(begun[life])
            begun[life] = what = repr(event["of"])
            assert what not in finished, f"{kind} again what was finished: {what[:80]}"
            times[what] += 1
        elif event["event"] == "ends" and life in begun and event["step"] != "add":
            finished.add(begun[life])
    return times.total() - len(times)


def _steps_again(events: Sequence[Event], kills: int) -> Counter[str]:
    """Check and count the repeated steps.

    A workflow resumes at the step at which it was killed, no process does a step twice, and a kill
    costs one step of the work on a video.
    """
    last: dict[str, str] = {}
    life_of: dict[tuple[str, str], int] = {}
    again: Counter[str] = Counter()
    for event in events:
        if event["event"] != "begins":
            continue
        workflow, step, life = event["workflow"], event["step"], event["life"]
        if (workflow, step) in life_of:
            assert last[workflow] == step, f"{step} again, after {last[workflow]}"
            assert life_of[workflow, step] != life, f"{step} twice in one process"
            again[step] += 1
        last[workflow], life_of[workflow, step] = step, life
    assert again.total() - again["add"] <= kills
    return again
