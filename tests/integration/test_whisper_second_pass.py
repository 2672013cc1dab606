"""Clips that batched decoding gets wrong are transcribed again. The model is scripted."""

from __future__ import annotations

from itertools import cycle
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.backends.whisper.audio import RATE
from core.backends.whisper.transcriber import SpeechModel
from core.errors import CoreError, SpeechDeviceFailed, WorkerFailed, WorkerOutOfMemory
from core.model import Window
from tests.harness.audio_files import read_samples

Lines = list[tuple[float, str]]

LOOP: Lines = [(float(i), "Thank you for watching.") for i in range(12)]
SENTENCES: Lines = [(0.5, "Bees dance."), (18.0, "They sing.")]


class ScriptedPipeline:
    """faster-whisper's pipeline and model in one.

    `first` is what batched decoding returns for every clip, `second` what the model returns for
    each part that is transcribed again.
    """

    def __init__(self, first: Lines, second: Lines = (), languages=("en",), **facts: float) -> None:
        self.model = self
        self.first, self.second = first, second
        self.languages = cycle(languages)
        self.facts = {"no_speech_prob": 0.0, "avg_logprob": -0.2, **facts}
        self.transcribed_again: list[float] = []

    def detect_language(self, audio: np.ndarray) -> tuple[str, float, None]:
        return next(self.languages), 0.9, None

    def transcribe(self, audio: np.ndarray, *, language: str, **options: Any):
        if "clip_timestamps" not in options:
            self.transcribed_again.append(len(audio) / RATE)
            return [self._segment(at, text, 0.0) for at, text in self.second], None
        starts = [clip["start"] for clip in options["clip_timestamps"]]
        return [self._segment(at, text, s) for s in starts for at, text in self.first], None

    def _segment(self, at: float, text: str, start_s: float) -> SimpleNamespace:
        seek = int(start_s * 100)
        start = start_s + at
        return SimpleNamespace(start=start, end=start + 1, text=f" {text}", seek=seek, **self.facts)


@pytest.fixture(scope="module")
def lecture(examples) -> np.ndarray:
    return read_samples(examples / "lecture-2min-us.flac")


@pytest.fixture
def speech(lecture) -> np.ndarray:
    """Return one clip."""
    return lecture[: 20 * RATE]


def windows_of(
    pipeline: ScriptedPipeline, samples: np.ndarray, language="en", batch_size=8, from_s=0.0
) -> list[Window]:
    blocks = np.array_split(samples, range(100_000, len(samples), 100_000))
    return list(SpeechModel(pipeline, batch_size).transcribe(blocks, 0.0, language, from_s))


def transcribe(pipeline: ScriptedPipeline, samples: np.ndarray) -> list[str]:
    windows = windows_of(pipeline, samples)
    return [segment.text for window in windows for segment in window.segments]


def test_a_good_clip_is_not_transcribed_again(speech):
    pipeline = ScriptedPipeline(SENTENCES, LOOP)
    assert transcribe(pipeline, speech) == ["Bees dance.", "They sing."]
    assert pipeline.transcribed_again == []


def test_a_loop_is_transcribed_again_and_replaced(speech):
    pipeline = ScriptedPipeline(LOOP, SENTENCES)
    assert transcribe(pipeline, speech) == ["Bees dance.", "They sing."]
    assert pipeline.transcribed_again == [pytest.approx(20, abs=1)]


def test_a_loop_that_persists_is_cut_to_one_round(speech):
    pipeline = ScriptedPipeline(LOOP, LOOP)
    assert transcribe(pipeline, speech) == ["Thank you for watching."]
    assert len(pipeline.transcribed_again) == 1


def test_a_clip_with_a_missing_end_is_transcribed_again_from_there(speech):
    pipeline = ScriptedPipeline([(0.5, "Bees dance.")], [(2.0, "They sing.")])
    windows = windows_of(pipeline, speech)
    first, second = windows[0].segments
    assert (first.text, second.text) == ("Bees dance.", "They sing.")
    assert second.start_s == pytest.approx(first.end_s + 2, abs=0.01)


def test_an_improbable_segment_in_probable_silence_is_dropped(speech):
    pipeline = ScriptedPipeline(SENTENCES, SENTENCES, no_speech_prob=0.9, avg_logprob=-1.5)
    assert transcribe(pipeline, speech) == []


def test_times_out_of_order_or_beyond_the_end_are_corrected(speech):
    pipeline = ScriptedPipeline([(9.0, "One."), (4.0, "Two."), (70.0, "Three."), (71.0, " ")])
    windows = windows_of(pipeline, speech)
    segments = windows[0].segments
    assert [segment.text for segment in segments] == ["One.", "Two.", "Three."]
    times = [time for segment in segments for time in (segment.start_s, segment.end_s)]
    assert times == sorted(times)
    assert times[-1] <= 20


def test_every_clip_keeps_its_own_segments(lecture):
    pipeline = ScriptedPipeline([(0.5, "One."), (5.0, "Two.")], [])
    windows = windows_of(pipeline, lecture, batch_size=2)
    assert [len(window.segments) for window in windows] == [4, 4, 2, 0]
    for window in windows:
        for one, two in zip(window.segments[::2], window.segments[1::2], strict=True):
            assert (one.text, two.text) == ("One.", "Two.")
            assert two.start_s - one.start_s == pytest.approx(4.5, abs=0.02)


@pytest.mark.parametrize(
    ("told", "found"),
    [(("ko",), "ko"), (("en", "ko", "ko"), "ko"), (("en", "en", "ko"), "en")],
)
def test_the_language_is_that_of_most_of_the_first_clips(lecture, told, found):
    windows = windows_of(ScriptedPipeline(SENTENCES, languages=told), lecture, "")
    assert {window.language for window in windows} == {found}


def test_resuming_repeats_neither_transcription_nor_language_detection(lecture):
    pipeline = ScriptedPipeline([(0.5, "One.")], languages=("en",))
    whole = windows_of(pipeline, lecture, "", 2)
    deaf = ScriptedPipeline([(0.5, "One.")], languages=())
    for number, window in enumerate(whole[:-1]):
        assert windows_of(deaf, lecture, "en", 2, window.heard_s) == whole[number + 1 :]
        for shift_s in (0.02, -0.02):  # another encoding may be slightly shifted
            rest = windows_of(deaf, lecture, "en", 2, window.heard_s + shift_s)
            starts = [s.start_s for w in whole[number + 1 :] for s in w.segments]
            assert [s.start_s for w in rest for s in w.segments] == pytest.approx(starts, abs=0.05)


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (RuntimeError("CUDA failed with error out of memory"), WorkerOutOfMemory),
        (RuntimeError("cuBLAS failed with status CUBLAS_STATUS_ALLOC_FAILED"), WorkerOutOfMemory),
        (RuntimeError("mkl_malloc: failed to allocate memory"), WorkerOutOfMemory),
        (RuntimeError("failed to allocated memory"), WorkerOutOfMemory),
        (MemoryError("std::bad_alloc"), WorkerOutOfMemory),
        (MemoryError(), WorkerOutOfMemory),
        (RuntimeError("CUDA failed with error unspecified launch failure"), SpeechDeviceFailed),
        (
            RuntimeError("CUDA failed with error an illegal memory access was encountered"),
            SpeechDeviceFailed,
        ),
        (
            RuntimeError("cuBLAS failed with status CUBLAS_STATUS_NOT_INITIALIZED"),
            SpeechDeviceFailed,
        ),
        (RuntimeError("parallel_for failed: cudaErrorInvalidDevice: bad"), SpeechDeviceFailed),
        (
            RuntimeError("Library libcublas.so.12 is not found or cannot be loaded"),
            SpeechDeviceFailed,
        ),
        (RuntimeError("No position encodings are defined for positions >= 448"), WorkerFailed),
        (RuntimeError("Unable to open file 'model.bin' in model '/cuda/alloc'"), WorkerFailed),
    ],
    ids=str,
)
def test_what_ctranslate2_says_is_memory_or_the_card_or_something_else(speech, told, kind):
    class Failing(ScriptedPipeline):
        def transcribe(self, audio: np.ndarray, *, language: str, **options: Any):
            raise told

    with pytest.raises(CoreError) as failed:
        transcribe(Failing(SENTENCES), speech)
    assert failed.type is kind
    assert failed.value.__cause__ is told
    assert failed.value.detail == str(told)
