"""A real child process that runs out of memory loses no segment and gets lighter settings."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace

import psutil
import pytest

from core.backends.storage.store import open_store, sqlite_url
from core.config import Limits, Speech
from core.errors import WorkerOutOfMemory
from core.model import LIGHTEST_COMPUTE, SPEECH_LIGHTER, SpeechCompute, Video
from core.sources import File
from core.transcription.transcript_maker import TranscriptMaker
from core.workers.limits import SPEECH
from core.workers.remote_backends import ModelDownloads, RemoteTranscriber
from core.workers.supervisor import ChildSupervisor
from tests.fakes.fetcher import FakeFetcher
from tests.harness.low_memory_child import SAID

MODULE = "tests.harness.low_memory_child"
HALF, LAST = SpeechCompute("cuda", "float16", 4), SpeechCompute("cpu", LIGHTEST_COMPUTE, 1)
VIDEO = Video("file-0123456789a", "talk", file_name="talk.wav")


@pytest.fixture
async def make_maker(tmp_path):
    """Make a TranscriptMaker with a real store and a child process that fails."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(sqlite_url(tmp_path / "db")))

        async def make(trouble, bears, **settings):
            share = (400 << 20) / psutil.virtual_memory().total
            role = replace(SPEECH, memory_share=share)
            setup = {"max_file_bytes": 1_000_000, "trouble": trouble, "bears": bears}
            worker = ChildSupervisor(role, setup, module=MODULE)
            transcriber = RemoteTranscriber(
                await stack.enter_async_context(worker), ModelDownloads(worker, is_offline=True)
            )
            return TranscriptMaker(
                FakeFetcher(),
                transcriber,
                print,
                tmp_path,
                Speech(**settings),
                Limits(),
                store.checkpoints,
            )

        (tmp_path / "talk.wav").write_bytes(b"hum")
        yield make


@pytest.mark.parametrize(
    ("trouble", "bears"),
    [
        ("told", LAST),
        ("python", HALF),
        ("kernel", HALF),
        ("bloat", HALF),
        ("card", replace(LAST, batch_size=8)),
    ],
)
async def test_lighter_settings_are_tried_until_the_child_works(
    make_maker, tmp_path, trouble, bears
):
    told = []
    maker = await make_maker(trouble, bears)
    _, transcript = await maker.make(File(tmp_path / "talk.wav"), VIDEO, told.append)
    assert transcript.segments == SAID
    assert transcript.language == "en"
    assert maker.notes == (SPEECH_LIGHTER,)
    fractions = [progress.fraction for progress in told if progress.stage == "transcribe"]
    assert fractions == [0.25, 0.5, 0.75, 1.0]


async def test_the_next_program_continues_where_the_last_one_failed(make_maker, tmp_path):
    source = File(tmp_path / "talk.wav")
    weak = await make_maker("python", LAST, device="cpu", compute_type="int8", batch_size=2)
    with pytest.raises(WorkerOutOfMemory):
        await weak.make(source, VIDEO, print)
    told = []
    strong = await make_maker(
        "python", SpeechCompute("cpu", "int8", 8), device="cpu", compute_type="int8"
    )
    _, transcript = await strong.make(source, VIDEO, told.append)
    assert transcript.segments == SAID
    fractions = [progress.fraction for progress in told if progress.stage == "transcribe"]
    assert fractions == [0.5, 0.75, 1.0]
    assert strong.notes == ()
