"""This file holds fakes of what brings words in: YouTube, and a transcriber."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from core.errors import CoreError, NoCaptions, VideoRemoved
from core.model import LIGHTEST, Progress, Segment, SpeechCompute, Transcript, Video, Window
from core.ports import ProgressCallback

Said = Mapping[str, Sequence[Segment]]
SET = SpeechCompute("auto", "auto", 8)
"""The settings' own."""


class FakeFetcher:
    """`Fetcher` over videos in memory. `said`: a caption track's key → its words. `failures`:
    what to raise instead, by method."""

    def __init__(
        self,
        *videos: Video,
        audio: bytes = b"sound",
        said: Said | None = None,
        failures: Mapping[str, CoreError] | None = None,
    ) -> None:
        self._videos = {video.id: video for video in videos}
        self._audio, self._said, self._failures = audio, said or {}, failures or {}
        self.calls: list[str] = []

    async def look_up(self, video_id: str) -> Video:
        self._begin("look_up")
        if video_id not in self._videos:
            raise VideoRemoved()
        return self._videos[video_id]

    async def download(self, video: Video, folder: Path, on_progress: ProgressCallback) -> Path:
        self._begin("download")
        for fraction in (0.5, 1.0):
            on_progress(Progress("download", fraction))
        path = folder / f"{video.id}.webm"
        path.write_bytes(self._audio)
        return path

    async def captions(self, video: Video, language: str) -> Transcript:
        self._begin("captions")
        wanted = [language, video.language]
        tracks = sorted(
            video.caption_tracks,
            key=lambda track: (
                [not code or track.language.split("-")[0] != code for code in wanted],
                track.automatic,
            ),
        )
        if not tracks:
            raise NoCaptions()
        best = tracks[0]
        segments, code = tuple(self._said[best.key]), best.language.split("-")[0]
        return Transcript(video.id, code, "captions", segments, f"captions:{best.key}")

    def _begin(self, method: str) -> None:
        self.calls.append(method)
        if failure := self._failures.get(method):
            raise failure


class FakeTranscriber:
    """`Transcriber` that hears what it was told to: one window for each segment, and before them
    one with nothing but the duration; where nothing is said, one window to the end. It raises
    `failure` after them, and before a segment what `bears` says of the effort and the segment's
    number."""

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
        """The audio of each call and the language asked for."""
        self.asked: list[tuple[float, SpeechCompute]] = []
        """From where each call heard, and with what effort."""
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

    async def settle(self, compute: SpeechCompute) -> SpeechCompute:
        device = "cuda" if compute.device == "auto" else compute.device
        on_a_card = {"auto": "float16", LIGHTEST: "int8_float16"}
        best = on_a_card if device == "cuda" else dict.fromkeys(on_a_card, "int8")
        type_ = best.get(compute.compute_type, compute.compute_type)
        return replace(compute, device=device, compute_type=type_)


class WaitingTranscriber(FakeTranscriber):
    """Hears one window and then waits until it may go on."""

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
