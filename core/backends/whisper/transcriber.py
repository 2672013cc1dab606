"""Transcribe audio with faster-whisper, batch by batch, and repair its known failures."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from faster_whisper import BatchedInferencePipeline
from faster_whisper.vad import VadOptions, get_speech_timestamps

from core.backends.whisper.audio import RATE, Samples, open_audio
from core.backends.whisper.clips import MAX_SPEECH_S, Clip, cut
from core.backends.whisper.errors import resource_error
from core.backends.whisper.model_loading import load, resolve_compute
from core.backends.whisper.repetition import collapse, is_looping
from core.backends.whisper.stretches import Stretch, stretches
from core.config import Limits, Speech
from core.errors import ConfigInvalid, WorkerFailed
from core.model import Segment, SpeechCompute, Window

_LANGUAGE_VOTES = 3
_MAX_NO_SPEECH, _MIN_LOG_PROBABILITY = 0.6, -1.0
"""Whisper's own thresholds: a segment beyond both is silence."""
_MAX_MISSING_S = 1.5
"""Transcribe a clip's end again if more speech than this has no text."""


class Whisper:
    """A synchronous `Transcriber`. Loads the model at first use and keeps it."""

    def __init__(self, speech: Speech, limits: Limits = Limits()) -> None:  # noqa: B008 (frozen)
        self._speech, self._limits = speech, limits
        self._loaded: BatchedInferencePipeline | None = None
        self._loaded_on = ("", "")

    def transcribe(
        self,
        audio: Path | BinaryIO,
        language: str,
        from_s: float = 0.0,
        compute: SpeechCompute | None = None,
    ) -> Iterator[Window]:
        """Yield one window per batch, as the port promises, while the audio is still decoded.
        `audio`: its path, or the file, open at its start.

        The first window holds the duration from the container's header, before anything is loaded
        or decoded; the last one holds the real one. Also raises VideoTooLong, ConfigInvalid for a
        device or language that the machine or model lacks, WorkerFailed for any other error of
        CTranslate2."""
        with open_audio(audio, self._limits.max_minutes) as opened:
            yield Window(0.0, opened.header_s)
            speech = self._speech.model_copy(update=asdict(compute) if compute else {})
            model = SpeechModel(self._pipeline(speech), speech.batch_size)
            model.check_language(language)
            yield from model.transcribe(opened, opened.header_s, language, from_s)

    def resolve_compute(self, compute: SpeechCompute) -> SpeechCompute:
        target, compute_type = resolve_compute(compute.device, compute.compute_type)
        return SpeechCompute(target, compute_type, compute.batch_size)

    def _pipeline(self, speech: Speech) -> BatchedInferencePipeline:
        wanted = (speech.device, speech.compute_type)
        if self._loaded is None or self._loaded_on != wanted:
            self._loaded = None  # free its memory before loading the next one
            self._loaded = BatchedInferencePipeline(load(speech))
            self._loaded_on = wanted
        return self._loaded


class SpeechModel:
    """A loaded model, with the batch size to use."""

    def __init__(self, pipeline: BatchedInferencePipeline, batch_size: int) -> None:
        self._pipeline = pipeline
        self._model = pipeline.model
        self._batch_size = batch_size

    def check_language(self, language: str) -> None:
        if language and language not in self._model.supported_languages:
            raise ConfigInvalid("speech.language", "not a language of this speech model")

    def transcribe(
        self, blocks: Iterable[Samples], header_s: float, language: str, from_s: float = 0.0
    ) -> Iterator[Window]:
        """`header_s`: the duration to tell until the real one is known."""
        for stretch in stretches(blocks, _cut_clips, self._batch_size, from_s):
            if not stretch.clips:
                yield Window(stretch.end_s, stretch.end_s, language)
                return
            with _model_errors():
                language = language or self._detect_language(stretch)
                segments = tuple(self._transcribe_batch(stretch, language))
            yield Window(stretch.end_s, max(header_s, stretch.end_s), language, segments)

    def _detect_language(self, stretch: Stretch) -> str:
        """Return the language of most of the first three clips: one may be a song or a quotation.

        The third is used only if the first two disagree."""
        votes: Counter[str] = Counter()
        for clip in stretch.clips[:_LANGUAGE_VOTES]:
            audio = _slice(stretch.samples, clip.start_s, clip.end_s)
            votes[self._model.detect_language(audio)[0]] += 1
            if max(votes.values()) > _LANGUAGE_VOTES // 2:
                break
        return votes.most_common(1)[0][0]

    def _transcribe_batch(self, stretch: Stretch, language: str) -> Iterator[Segment]:
        samples, batch = stretch.samples, stretch.clips
        found, _ = self._pipeline.transcribe(
            samples,
            language=language,
            without_timestamps=False,
            batch_size=self._batch_size,
            clip_timestamps=[{"start": s.start_s, "end": s.end_s} for s in batch],
        )
        starts = [clip.start_s for clip in batch]
        by_clip: list[list[Any]] = [[] for _ in batch]
        for segment in found:  # `seek`: its clip's start in hundredths, rounded down
            by_clip[bisect_right(starts, segment.seek / 100 + 0.05) - 1].append(segment)
        for clip, own in zip(batch, by_clip, strict=True):
            segments = _to_segments(own, clip.start_s, clip.end_s)
            for segment in self._repair(samples, clip, segments, language):
                yield _later(segment, stretch.start_s)

    def _repair(
        self, samples: Samples, clip: Clip, segments: list[Segment], language: str
    ) -> list[Segment]:
        """Transcribe a looping clip, or the missing end of one, again without batching.

        Batched decoding has no guard against loops and loses an unfinished last sentence. The
        slow way has Whisper's own guards. It is tried once."""
        text_end_s = segments[-1].end_s if segments else clip.start_s
        if is_looping(segments):
            segments = self._transcribe_again(samples, clip.start_s, clip.end_s, language)
        elif clip.speech_end_s - text_end_s > _MAX_MISSING_S:
            segments += self._transcribe_again(samples, text_end_s, clip.end_s, language)
        else:
            return segments
        return collapse(segments)

    def _transcribe_again(
        self, samples: Samples, start_s: float, end_s: float, language: str
    ) -> list[Segment]:
        found, _ = self._model.transcribe(
            _slice(samples, start_s, end_s), language=language, condition_on_previous_text=False
        )
        return _to_segments(found, start_s, end_s, shift_s=start_s)


def _to_segments(
    found: Iterable[Any], start_s: float, end_s: float, shift_s: float = 0
) -> list[Segment]:
    """Convert faster-whisper's segments: drop silence, keep times in order and inside the clip."""
    segments: list[Segment] = []
    for segment in found:
        text = segment.text.strip()
        is_improbable = segment.avg_logprob < _MIN_LOG_PROBABILITY
        if not text or (segment.no_speech_prob > _MAX_NO_SPEECH and is_improbable):
            continue
        start_s = min(max(round(segment.start + shift_s, 2), start_s), end_s)
        segment_end_s = min(max(round(segment.end + shift_s, 2), start_s), end_s)
        segments.append(Segment(start_s, segment_end_s, text))
        start_s = segment_end_s
    return segments


def _later(segment: Segment, seconds: float) -> Segment:
    start_s, end_s = (round(at + seconds, 2) for at in (segment.start_s, segment.end_s))
    return Segment(start_s, end_s, segment.text)


def _cut_clips(samples: Samples) -> list[Clip]:
    # The options of BatchedInferencePipeline, without padding, which would hide a pause's length.
    options = VadOptions(
        max_speech_duration_s=MAX_SPEECH_S, min_silence_duration_ms=160, speech_pad_ms=0
    )
    found = get_speech_timestamps(samples, options)
    return cut([(s["start"] / RATE, s["end"] / RATE) for s in found], len(samples) / RATE)


def _slice(samples: Samples, start_s: float, end_s: float) -> Samples:
    return samples[int(start_s * RATE) : int(end_s * RATE)]


@contextmanager
def _model_errors() -> Iterator[None]:
    try:
        yield
    except (RuntimeError, MemoryError) as error:  # CTranslate2 raises only these
        raise resource_error(error) or WorkerFailed("speech", str(error)) from error
