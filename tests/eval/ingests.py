"""Ingest parts of real talks with a language model: whatever it writes, each becomes ready."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.errors import CoreError
from core.model import EXTRACTIVE, Order, Ready, Transcript, writer_of
from core.ports import LanguageModel
from tests.eval.datasets import Recording
from tests.eval.metrics import share
from tests.eval.tables import Table
from tests.harness.fake_core import FakeCore, silent

CHANNEL = "ingests"
PART = 8
"""Sentences of one part, about a minute."""


def parts(recordings: Sequence[Recording]) -> list[Recording]:
    """Cut recordings into parts of PART sentences and more."""
    found = []
    for one in recordings:
        starts = range(0, max(len(one.sentences) - PART, 0) + 1, PART)
        for number, first in enumerate(starts):
            after = first + PART if number + 1 < len(starts) else len(one.sentences)
            video = replace(one.video, id=f"{one.video.id}.{number}")
            found.append(replace(one, video=video, sentences=one.sentences[first:after]))
    return found


async def ingest(recording: Recording, model: LanguageModel, language: str = "en") -> Ready:
    """Sum up and index a recording whose transcript is there, as a job's last steps do."""
    core = FakeCore(Path(tempfile.gettempdir()), model=model)
    video = recording.video
    await core.store.videos.save(video)
    await core.store.videos.save_transcript(
        Transcript(video.id, recording.language, "captions", recording.sentences)
    )
    steps = core.ingest()
    order = Order(video.id, video.id, "", CHANNEL, language)
    await steps.summarise(order, silent)
    await steps.index(order, silent)
    return await steps.ready(order, await steps.add(order))


async def measure(recordings: Sequence[Recording], model: LanguageModel) -> list[float]:
    """Return the shares that are ready, and that the model summed up, alone or not."""
    ready, by_model, alone = [], [], []
    for recording in recordings:
        try:
            engine = (await ingest(recording, model)).summary.engine
        except CoreError as error:
            print(f"{recording.video.id}: {error!r}", file=sys.stderr)
            engine = ""
        ready.append(bool(engine))
        by_model.append(engine not in ("", EXTRACTIVE))
        alone.append(by_model[-1] and not writer_of(engine)[1])
        print(f"{recording.video.id}: {engine}", file=sys.stderr)
    return [share(ready), share(by_model), share(alone)]


def table(name: str, recordings: Sequence[Recording], row: Sequence[float]) -> Table:
    """Return one model's row."""
    return Table(
        f"ingests by {name}",
        f"Ingests by {name}",
        f"{len(recordings)} parts of talks, about a minute each: those that became ready, those"
        " that the model summed up, and those without a sentence of the video's own.",
        ("ready", "by the model", "by it alone"),
        {name: row},
        goals={"ready": 1.0},
    )
