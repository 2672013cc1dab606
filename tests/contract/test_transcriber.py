"""The contract of `Transcriber`, on the fake in memory and on Whisper with the small model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from core.backends.whisper import Whisper
from core.config import Speech
from core.errors import NoAudio, NotMedia, SpeechModelMissing
from core.metrics.instruments import Instruments
from core.metrics.measured_ports import MeasuredTranscriber
from core.model import LIGHTEST_COMPUTE, Segment, SpeechCompute, Window
from tests.fakes.transcriber import FakeTranscriber
from tests.harness.audio_files import RATE, read_samples, write_silent_film, write_wav
from tests.harness.lectures import read_lecture

LENGTH_S = 40.0


class Async:
    """Adapts Whisper's generator to the async port; the program puts a child process in between."""

    def __init__(self, whisper: Whisper) -> None:
        self.whisper = whisper

    async def transcribe(
        self, audio: Path, language: str, from_s: float = 0.0, compute: SpeechCompute | None = None
    ) -> AsyncIterator[Window]:
        for window in self.whisper.transcribe(audio, language, from_s, compute):
            yield window

    async def resolve_compute(self, compute: SpeechCompute) -> SpeechCompute:
        return self.whisper.resolve_compute(compute)


class Fakes:
    """One fake for each recording, chosen by its name."""

    def __init__(self, said: Sequence[Segment]) -> None:
        self._fakes = {
            "lecture.wav": FakeTranscriber(*said, duration_s=LENGTH_S),
            "silence.wav": FakeTranscriber(duration_s=LENGTH_S),
            "film.mp4": FakeTranscriber(failure=NoAudio()),
            "noise.mp3": FakeTranscriber(failure=NotMedia("noise.mp3")),
        }
        self.resolve_compute = self._fakes["lecture.wav"].resolve_compute

    def transcribe(self, audio: Path, *how) -> AsyncIterator[Window]:
        measured = MeasuredTranscriber(self._fakes[audio.name], Instruments())
        return measured.transcribe(audio, *how)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, examples) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    lecture = read_samples(examples / "lecture-2min-us.flac")
    write_wav(folder / "lecture.wav", lecture[: int(LENGTH_S * RATE)])
    write_wav(folder / "silence.wav", np.zeros(int(LENGTH_S * RATE)))
    write_silent_film(folder / "film.mp4")
    (folder / "noise.mp3").write_bytes(np.random.default_rng(7).bytes(50_000))
    return folder


@pytest.fixture(scope="module")
def whisper(examples) -> Async:
    return Async(Whisper(Speech(model=str(examples / "whisper-toy-en"))))


@pytest.fixture(params=["fake", "whisper"])
def transcriber(request, examples, whisper):
    if request.param == "whisper":
        return whisper
    lecture = read_lecture(examples / "lecture-2min-us.json").transcript.segments
    *said, last = [segment for segment in lecture if segment.end_s < LENGTH_S]
    return Fakes([*said, replace(last, end_s=LENGTH_S)])


@pytest.fixture(params=["fake", "whisper"])
def transcriber_without_model(request):
    if request.param == "fake":
        return FakeTranscriber(failure=SpeechModelMissing("large-v3"))
    return Async(Whisper(Speech(model="large-v3")))


async def transcribe(transcriber, audio: Path, *how) -> list[Window]:
    return [window async for window in transcriber.transcribe(audio, *(how or ("",)))]


async def test_the_first_window_has_only_the_duration(transcriber, folder):
    first, *_ = await transcribe(transcriber, folder / "lecture.wav")
    assert first == Window(0.0, pytest.approx(LENGTH_S, abs=0.1))


async def test_windows_advance_to_the_end(transcriber, folder):
    windows = await transcribe(transcriber, folder / "lecture.wav")
    assert all(one.heard_s <= next_.heard_s for one, next_ in pairwise(windows))
    assert windows[-1].heard_s == windows[-1].duration_s


async def test_segments_have_text_are_in_order_and_lie_inside_the_audio(transcriber, folder):
    windows = await transcribe(transcriber, folder / "lecture.wav")
    segments = [segment for window in windows for segment in window.segments]
    assert len(segments) > 5
    assert all(s.text and s.text == s.text.strip() for s in segments)
    assert all(0 <= s.start_s <= s.end_s <= windows[-1].duration_s for s in segments)
    assert all(one.end_s <= next_.start_s + 0.01 for one, next_ in pairwise(segments))
    assert all(s.end_s <= w.heard_s + 0.01 for w in windows for s in w.segments)


async def test_the_language_is_detected_and_stays_the_same(transcriber, folder):
    windows = await transcribe(transcriber, folder / "lecture.wav")
    assert {window.language for window in windows if window.heard_s} == {"en"}


async def test_a_language_that_is_given_is_kept(transcriber, folder):
    windows = await transcribe(transcriber, folder / "lecture.wav", "en")
    assert windows[-1].language == "en"


async def test_a_transcriber_can_be_used_twice(transcriber, folder):
    assert await transcribe(transcriber, folder / "lecture.wav") == await transcribe(
        transcriber, folder / "lecture.wav"
    )


@pytest.mark.parametrize("batch_size", [1, 8])
async def test_resuming_after_a_window_gives_the_windows_after_it(transcriber, folder, batch_size):
    compute = SpeechCompute("cpu", "int8", batch_size)
    audio = folder / "lecture.wav"
    whole = [w for w in await transcribe(transcriber, audio, "en", 0.0, compute) if w.heard_s]
    assert len(whole) > 1
    for number, window in enumerate(whole[:-1]):
        rest = await transcribe(transcriber, audio, "en", window.heard_s, compute)
        assert rest[0] == Window(0.0, pytest.approx(LENGTH_S, abs=0.1))
        assert [w for w in rest if w.heard_s] == whole[number + 1 :]
    [*_, end] = await transcribe(transcriber, audio, "en", whole[-1].heard_s, compute)
    assert end == Window(whole[-1].heard_s, end.duration_s, "en")


async def test_compute_settings_resolve_to_concrete_values(transcriber):
    for compute_type in ("auto", LIGHTEST_COMPUTE):
        settled = await transcriber.resolve_compute(SpeechCompute("cpu", compute_type, 4))
        assert settled == SpeechCompute("cpu", "int8", 4)
        assert await transcriber.resolve_compute(settled) == settled
    assert "auto" not in repr(await transcriber.resolve_compute(SpeechCompute("auto", "auto", 8)))


async def test_silence_gives_no_segments(transcriber, folder):
    windows = await transcribe(transcriber, folder / "silence.wav")
    assert windows[-1].heard_s == pytest.approx(LENGTH_S)
    assert not any(window.segments for window in windows)


async def test_a_video_without_sound_has_no_audio(transcriber, folder):
    with pytest.raises(NoAudio):
        await transcribe(transcriber, folder / "film.mp4")


async def test_other_bytes_than_media_are_refused_by_name(transcriber, folder):
    with pytest.raises(NotMedia) as refused:
        await transcribe(transcriber, folder / "noise.mp3")
    assert refused.value.name == "noise.mp3"


async def test_a_missing_model_is_named(transcriber_without_model, folder):
    with pytest.raises(SpeechModelMissing) as missing:
        await transcribe(transcriber_without_model, folder / "lecture.wav")
    assert missing.value.model == "large-v3"


async def test_a_stream_can_be_closed_at_any_window(transcriber, folder):
    windows = transcriber.transcribe(folder / "lecture.wav", "")
    assert (await anext(windows)).heard_s == 0
    await windows.aclose()
