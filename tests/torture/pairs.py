"""A thousand links, each with two faults of the matrix in its way (tests/harness/fault_pairs.py),
through the bot's handlers, its real store and its real jobs. Each is told its summary or an error,
and none is left that is neither done nor worked on.
"""

from __future__ import annotations

import asyncio
import random
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from bot.words import Words
from core.chat_records import SummaryRequest
from core.model import CaptionTrack, Segment, Video
from tests.fakes.chat import FakeChat
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.indexes import FakeEmbedder, FakeKeywordIndex, FakeVectorIndex
from tests.fakes.transcriber import FakeTranscriber
from tests.harness.fault_pairs import Fates, Pair, draw, grouped
from tests.harness.scene import ADA, Scene, Speaker
from tests.harness.two_speed_loop import run_skipping
from tests.harness.whole_bot import STORE, open_whole_bot

ROUNDS = 1
PAIRS, AT_A_TIME = 1000, 40
_FAILS_S, _WELL_S = 1800.0, 3600.0
"""How long the faults last, and how long everything is well before the end."""
_SUMMARY_BUTTONS = 6
_TRACK = CaptionTrack("en", "en", automatic=False)


async def round(folder: Path, seed: int, pairs: int = PAIRS) -> str:
    """Entry point of `make torture`. Raises AssertionError if a promise is broken."""
    return await asyncio.to_thread(run_skipping, live(folder, seed, pairs))


def said(token: str) -> tuple[Segment, ...]:
    """Return what is said in the video of this token, which so is in every prompt about it."""
    return (
        Segment(0.0, 4.0, f"Today we talk about the hive {token} and its bees."),
        Segment(5.0, 9.0, f"The queen of {token} in Arden was found by Nora Lee."),
        Segment(10.0, 14.0, f"A worker bee of {token} visits ninety flowers in a day."),
    )


def video_of(pair: Pair) -> Video:
    """Return the video of a pair's link; every second one has captions."""
    tracks = (_TRACK,) if int(pair.token[1:]) % 2 else ()
    return Video(f"{pair.token}bees", f"Hive {pair.token}", "", 30.0, caption_tracks=tracks)


class Videos(FakeFetcher):
    """YouTube with the video of every pair."""

    async def captions(self, video: Video, language: str) -> Any:
        self._said = {"en": said(video.id[:7])}
        return await super().captions(video, language)


class Speech(FakeTranscriber):
    """Speech recognition that hears each video's own words."""

    async def transcribe(self, audio: Path, *args: Any) -> Any:
        async for window in FakeTranscriber(*said(audio.stem[:7])).transcribe(audio, *args):
            yield window


async def live(folder: Path, seed: int, count: int) -> str:
    dice, fates = random.Random(seed), Fates()
    drawn = [draw(dice, number) for number in range(count)]
    fakes = {
        "fetcher": Videos(*map(video_of, drawn)),
        "transcriber": Speech(),
        "model": Speaker("Nora Lee found the queen."),
        "embedder": FakeEmbedder(),
        "vectors": FakeVectorIndex(),
        "keywords": FakeKeywordIndex(),
    }
    async with open_whole_bot(folder, FakeChat(), fates.wrap, **fakes) as scene:
        outcomes = [
            outcome
            for some in _batches(drawn)
            for outcome in await suffer(scene, fates, folder / STORE, some)
        ]
        assert scene.chat.offences == []
    struck = ", ".join(f"{n} of {both}" for both, n in sorted(grouped(drawn).items()))
    summaries, told = outcomes.count("summary"), outcomes.count("error")
    return (
        f"{count} pairs of faults: {summaries} summaries, {told} told errors, "
        f"{outcomes.count('closed')} in places that were closed; 0 stuck ({struck})"
    )


def _batches(drawn: Sequence[Pair]) -> Iterator[list[Pair]]:
    rest = iter(drawn)
    while some := list(islice(rest, AT_A_TIME)):
        yield some


async def suffer(scene: Scene, fates: Fates, store: Path, some: Sequence[Pair]) -> list[str]:
    """Paste the links of these pairs, let their faults happen, then heal them. Return what became
    of each."""
    fates.pairs = {pair.token: pair for pair in some}
    await asyncio.gather(*(paste(scene, pair) for pair in some))
    await asyncio.sleep(_FAILS_S)
    fates.pairs = {}
    await asyncio.sleep(_WELL_S)
    stuck = [*await unfinished(scene), *unfinished_workflows(store)]
    outcomes = [outcome(scene, pair) for pair in some]
    silent = [str(pair) for pair, how in zip(some, outcomes, strict=True) if how == "silent"]
    names = [str(pair) for pair in some if any(pair.token in one for one in stuck)]
    assert not stuck, f"stuck: {names} {stuck}"
    assert not silent, f"never told: {silent}"
    return outcomes


async def paste(scene: Scene, pair: Pair) -> None:
    injections = [one.injection for one in pair.faults]
    await asyncio.sleep(max(one.late_s for one in injections))
    link, where = f"https://youtu.be/{video_of(pair).id}", scene.inside(pair.token)
    for _ in range(1 + any(one.is_twice for one in injections)):
        await scene.write(link, where, replace(ADA, id=pair.token), id=pair.token)


async def unfinished(scene: Scene) -> list[str]:
    """Return what is not done, except summaries that wait for the language model."""
    store = scene.world.whole_store
    requests = await store.requests.open(scene.chat.name)
    waiting = {request.id for request in requests if isinstance(request, SummaryRequest)}
    messages = await store.outbox_entries.unfinished(scene.chat.name)
    return (
        [f"request {request.id}" for request in requests if request.id not in waiting]
        + [f"message {one.key}" for one in messages if one.owner not in waiting or one.pending]
        + [f"job {job.order.key}" for job in await scene.core.pending()]
    )


def unfinished_workflows(store: Path) -> list[str]:
    live = "SELECT name, authenticated_user FROM workflow_status WHERE status IN (?, ?)"
    with closing(sqlite3.connect(store)) as connection:
        found = connection.execute(live, ("ENQUEUED", "PENDING")).fetchall()
    return [f"workflow {name} {user}" for name, user in found]


def outcome(scene: Scene, pair: Pair) -> str:
    """Return what the author of the link reads in the end."""
    shown = [one.draft for one in scene.chat.messages if one.place.startswith(pair.token)]
    if any(len(draft.buttons) == _SUMMARY_BUTTONS for draft in shown):
        return "summary"
    if any(_tells_an_error(draft.text) for draft in shown):
        return "error"
    return "closed" if pair.is_closed else "silent"


_ERRORS = [
    re.compile(re.sub(r"\\{.*?\\}", ".+?", re.escape(text)))
    for key, text in Words("en").texts.items()
    if (key.startswith("errors.") and key.endswith(".message")) or key == "chat.not_shown"
]


def _tells_an_error(text: str) -> bool:
    return any(known.search(text) for known in _ERRORS)
