"""Transcribers that return scripted segments."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

from core.errors import CoreError
from core.model import LIGHTEST_COMPUTE, Segment, SpeechCompute, Window

SET = SpeechCompute("auto", "auto", 8)
"""The compute settings of a default configuration."""


class FakeTranscriber:
    """`Transcriber` that returns scripted segments.

    It yields a window that holds only the duration, then one window per segment; without segments,
    one window that reaches the end. It raises `failure` after the last segment, and before each
    segment the error that `bears` returns for the compute settings and the segment's number.
    """

    def __init__(
        self,
        *segments: Segment,
        duration_s: float = 10.0,
        language: str = "en",
        failure: CoreError | None = None,
        bears: Callable[[SpeechCompute, int], CoreError | None] = lambda compute, number: None,
    ) -> None:
        self._segments, self._failure, self._bears = segments, failure, bears
        self._duration_s, self._language = duration_s, language
        self.heard: list[tuple[bytes, str]] = []
        """The audio and the requested language of each call."""
        self.asked: list[tuple[float, SpeechCompute]] = []
        """The start time and the compute settings of each call."""
        self.is_closed = False

    async def transcribe(
        self, audio: Path, language: str, from_s: float = 0.0, compute: SpeechCompute = SET
    ) -> AsyncIterator[Window]:
        self.heard.append((audio.read_bytes(), language))
        self.asked.append((from_s, compute))
        try:
            yield Window(0.0, self._duration_s)
            said = [one for one in enumerate(self._segments) if one[1].end_s > from_s]
            for number, segment in said:
                if trouble := self._bears(compute, number):
                    raise trouble
                language = language or self._language
                yield Window(segment.end_s, self._duration_s, language, (segment,))
            if self._failure:
                raise self._failure
            if not said:
                yield Window(self._duration_s, self._duration_s, language)
        finally:
            self.is_closed = True

    async def resolve_compute(self, compute: SpeechCompute) -> SpeechCompute:
        device = "cuda" if compute.device == "auto" else compute.device
        on_a_card = {"auto": "float16", LIGHTEST_COMPUTE: "int8_float16"}
        best = on_a_card if device == "cuda" else dict.fromkeys(on_a_card, "int8")
        type_ = best.get(compute.compute_type, compute.compute_type)
        return replace(compute, device=device, compute_type=type_)


class WaitingTranscriber(FakeTranscriber):
    """Transcriber that yields its first segment, then waits for `go_on` after each one."""

    def __init__(self, *segments: Segment) -> None:
        super().__init__(*segments)
        self.began, self.go_on, self.closed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def transcribe(
        self, audio: Path, language: str, from_s: float = 0.0, compute: SpeechCompute = SET
    ) -> AsyncIterator[Window]:
        try:
            async for window in super().transcribe(audio, language, from_s, compute):
                yield window
                if window.segments:
                    self.began.set()
                    await self.go_on.wait()
        finally:
            self.closed.set()
