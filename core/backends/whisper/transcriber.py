"""This file hears: windows of speech go in, segments come out."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from faster_whisper import BatchedInferencePipeline
from faster_whisper.vad import VadOptions, get_speech_timestamps

from core.backends.whisper.audio import RATE, Samples, container_duration, decode
from core.backends.whisper.clips import LONGEST_SPEECH_S, Clip, cut
from core.backends.whisper.errors import resource_error
from core.backends.whisper.model_loading import load, settle
from core.backends.whisper.repetition import collapse, is_looping
from core.config import Speech
from core.errors import ConfigInvalid, WorkerFailed
from core.model import Segment, SpeechCompute, Window

_VOTERS = 3
_SILENT_PROBABILITY, _UNSURE_LOG_PROBABILITY = 0.6, -1.0
"""Whisper's own: likely no speech, and not sure of the words either."""
_UNHEARD_S = 1.5
"""Speech without words at a clip's end that is worth a second hearing."""


class Whisper:
    """`Transcriber`, but synchronous. The model is loaded when it is first needed, and kept."""

    def __init__(self, speech: Speech) -> None:
        self._speech = speech
        self._loaded: BatchedInferencePipeline | None = None
        self._loaded_on = ("", "")

    def transcribe(
        self, audio: Path, language: str, from_s: float = 0.0, compute: SpeechCompute | None = None
    ) -> Iterator[Window]:
        """As the port says: a window a batch, the duration first, as the container tells it before
        anything is loaded or decoded, then as it is.

        Also raises ConfigInvalid for a device or language the machine or model lacks, WorkerFailed
        for whatever else CTranslate2 throws."""
        if told_s := container_duration(audio):
            yield Window(0.0, told_s)
        speech = self._speech.model_copy(update=asdict(compute) if compute else {})
        model = SpeechModel(self._pipeline(speech), speech.batch_size)
        model.check_language(language)
        samples = decode(audio)
        yield Window(0.0, len(samples) / RATE)
        yield from model.transcribe(samples, language, from_s)

    def settle(self, compute: SpeechCompute) -> SpeechCompute:
        target, compute_type = settle(compute.device, compute.compute_type)
        return SpeechCompute(target, compute_type, compute.batch_size)

    def _pipeline(self, speech: Speech) -> BatchedInferencePipeline:
        wanted_on = (speech.device, speech.compute_type)
        if self._loaded is None or self._loaded_on != wanted_on:
            self._loaded = None  # its memory is free before the next one takes any
            self._loaded = BatchedInferencePipeline(load(speech))
            self._loaded_on = wanted_on
        return self._loaded


class SpeechModel:
    """A loaded model at work."""

    def __init__(self, pipeline: BatchedInferencePipeline, batch_size: int) -> None:
        self._pipeline = pipeline
        self._model = pipeline.model
        self._batch_size = batch_size

    def check_language(self, language: str) -> None:
        if language and language not in self._model.supported_languages:
            raise ConfigInvalid("speech.language", "not a language of this speech model")

    def transcribe(self, samples: Samples, language: str, from_s: float = 0.0) -> Iterator[Window]:
        duration_s = len(samples) / RATE
        clips = _clips(samples)
        with _model_errors():
            language = language or self._find_language(samples, clips)
            # Cut anew, clips begin and end where they did, but for the few milliseconds that
            # another encoding of the same audio may lie elsewhere.
            clips = [s for s in clips if (s.start_s + s.end_s) / 2 > from_s]
            for first in range(0, len(clips), self._batch_size):
                batch = clips[first : first + self._batch_size]
                segments = tuple(self._transcribe_batch(samples, batch, language))
                yield Window(batch[-1].end_s, duration_s, language, segments)
        yield Window(duration_s, duration_s, language)

    def _find_language(self, samples: Samples, clips: Sequence[Clip]) -> str:
        """What most of the first minutes' speech is in: one clip may be a song or a quotation.
        The third is asked only if the first two disagree."""
        votes: Counter[str] = Counter()
        for clip in clips[:_VOTERS]:
            audio = _part(samples, clip.start_s, clip.end_s)
            votes[self._model.detect_language(audio)[0]] += 1
            if max(votes.values()) > _VOTERS // 2:
                break
        return votes.most_common(1)[0][0] if votes else ""

    def _transcribe_batch(
        self, samples: Samples, batch: Sequence[Clip], language: str
    ) -> Iterator[Segment]:
        found, _ = self._pipeline.transcribe(
            samples,
            language=language,
            without_timestamps=False,
            batch_size=self._batch_size,
            clip_timestamps=[{"start": s.start_s, "end": s.end_s} for s in batch],
        )
        starts = [clip.start_s for clip in batch]
        heard: list[list[Any]] = [[] for _ in batch]
        for segment in found:  # `seek`: its clip's start in hundredths, rounded down
            heard[bisect_right(starts, segment.seek / 100 + 0.05) - 1].append(segment)
        for clip, own in zip(batch, heard, strict=True):
            segments = _tidy(own, clip.start_s, clip.end_s)
            yield from self._mend(samples, clip, segments, language)

    def _mend(
        self, samples: Samples, clip: Clip, segments: list[Segment], language: str
    ) -> list[Segment]:
        """Batched decoding has no guard against loops, and loses a last sentence that Whisper left
        open. Both are heard again, once, the slow way that has Whisper's own guards."""
        heard_s = segments[-1].end_s if segments else clip.start_s
        if is_looping(segments):
            segments = self._transcribe_again(samples, clip.start_s, clip.end_s, language)
        elif clip.speech_end_s - heard_s > _UNHEARD_S:
            segments += self._transcribe_again(samples, heard_s, clip.end_s, language)
        else:
            return segments
        return collapse(segments)

    def _transcribe_again(
        self, samples: Samples, start_s: float, end_s: float, language: str
    ) -> list[Segment]:
        found, _ = self._model.transcribe(
            _part(samples, start_s, end_s), language=language, condition_on_previous_text=False
        )
        return _tidy(found, start_s, end_s, shift_s=start_s)


def _tidy(found: Iterable[Any], start_s: float, end_s: float, shift_s: float = 0) -> list[Segment]:
    """faster-whisper's segments as ours: with words, in order, inside their clip."""
    segments: list[Segment] = []
    for segment in found:
        text = segment.text.strip()
        is_unsure = segment.avg_logprob < _UNSURE_LOG_PROBABILITY
        if not text or (segment.no_speech_prob > _SILENT_PROBABILITY and is_unsure):
            continue
        start_s = min(max(round(segment.start + shift_s, 2), start_s), end_s)
        until_s = min(max(round(segment.end + shift_s, 2), start_s), end_s)
        segments.append(Segment(start_s, until_s, text))
        start_s = until_s
    return segments


def _clips(samples: Samples) -> list[Clip]:
    # As BatchedInferencePipeline's own, but for the padding, which hides how long a pause is.
    options = VadOptions(
        max_speech_duration_s=LONGEST_SPEECH_S, min_silence_duration_ms=160, speech_pad_ms=0
    )
    found = get_speech_timestamps(samples, options)
    return cut([(s["start"] / RATE, s["end"] / RATE) for s in found], len(samples) / RATE)


def _part(samples: Samples, start_s: float, end_s: float) -> Samples:
    return samples[int(start_s * RATE) : int(end_s * RATE)]


@contextmanager
def _model_errors() -> Iterator[None]:
    try:
        yield
    except (RuntimeError, MemoryError) as error:  # all that CTranslate2 throws
        raise resource_error(error) or WorkerFailed("speech", str(error)) from error
