"""Measure how long a question to one video waits while the embedder is warm.

Two videos: the ten-minute lecture, all of which is read for each question, so that nothing has to
be retrieved; and three hours of subtitles, whose relevant chunks have to be retrieved.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path

from bot.config import read_config
from core.bootstrap import open_core
from core.model import Answer, Timings
from core.pipeline.front import Pipeline
from core.sources import find_sources
from tests.bench import fresh
from tests.bench.figures import Row, percentile
from tests.harness.fake_core import finish
from tests.harness.lectures import Lecture, read_lecture

QUESTIONS = 120
HOURS = 3
GOAL_MS = 50


def measure(folder: Path) -> list[Row]:
    assets = fresh.LECTURE.parent
    lectures = [read_lecture(path) for path in sorted(assets.glob("lecture-10min-*.json"))]
    questions = [fact.question for lecture in lectures for fact in lecture.facts][:QUESTIONS]
    talk = folder / "talk.srt"
    talk.write_text("\n".join(_subtitles(lectures)), "utf-8")
    return asyncio.run(_measure(folder / "data", talk, questions))


async def _measure(data: Path, talk: Path, questions: Sequence[str]) -> list[Row]:
    config = read_config(fresh.CONFIG, {"TUBETHREAD_DATA": str(data)})
    async with open_core(config) as core:
        read_whole = await _ask(core, fresh.LECTURE, questions)
        found = await _ask(core, talk, questions)
    return [
        *_rows("ask 10 minutes, read whole", read_whole, goal_ms=GOAL_MS),
        *_rows(f"ask {HOURS} hours, places found", found, goal_ms=GOAL_MS),
    ]


async def _ask(core: Pipeline, file: Path, questions: Sequence[str]) -> list[Timings]:
    """Ask every question once in one conversation, after an untimed run of the first."""
    [source] = find_sources(str(file))
    ready = await finish(core.ingest(source, "bench"))
    timings = []
    for question in [questions[0], *questions]:
        stream = core.answer(question, "bench", ready.video.id, file.name, lambda progress: None)
        [answer] = [piece async for piece in stream if isinstance(piece, Answer)]
        assert "keyword_only" not in answer.notes, "the embedder is missing"
        timings.append(answer.timings)
    return timings[1:]


def _rows(what: str, timings: Sequence[Timings], *, goal_ms: int) -> list[Row]:
    found = [timing.retrieval_ms for timing in timings]
    total = [timing.total_ms for timing in timings]
    about = f"{len(timings)} questions; p50 "
    return [
        Row(f"{what}: retrieval_ms p95", percentile(found, 0.95), "ms", goal_ms,
            f"{about}{percentile(found, 0.5)} ms"),
        Row(f"{what}: total_ms p95", percentile(total, 0.95), "ms", None,
            f"{about}{percentile(total, 0.5)} ms"),
    ]  # fmt: skip


def _subtitles(lectures: Sequence[Lecture]) -> list[str]:
    """Return the lectures' sentences in random order, three seconds each."""
    sentences = [s.text for lecture in lectures for s in lecture.transcript.segments]
    dice = random.Random(2)
    lines: list[str] = []
    for start_s in range(0, HOURS * 3600, 3):
        text = dice.choice(sentences)
        lines += [str(start_s // 3 + 1), f"{_stamp(start_s)} --> {_stamp(start_s + 3)}", text, ""]
    return lines


def _stamp(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02},000"
