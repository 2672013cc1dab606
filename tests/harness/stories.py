"""A transcriber that hears what each video's story says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from core.model import Segment, SpeechCompute, Window
from tests.fakes.transcriber import SET, FakeTranscriber


class StoryTranscriber(FakeTranscriber):
    """`stories`: by the video's id. An unknown file, such as an upload, says `other`. `pause_s`:
    before each window."""

    def __init__(
        self,
        stories: Mapping[str, Sequence[str]],
        other: Sequence[str] = (),
        language: str = "en",
        pause_s: float = 0.0,
    ) -> None:
        super().__init__(language=language)
        self.stories, self.other, self.pause_s = stories, other, pause_s

    async def transcribe(
        self, audio: Path, language: str, from_s: float = 0.0, compute: SpeechCompute = SET
    ) -> AsyncIterator[Window]:
        lines = self.stories.get(audio.stem, self.other)
        said = [Segment(5.0 * n, 5.0 * n + 4, line) for n, line in enumerate(lines)]
        voice = FakeTranscriber(*said, duration_s=30.0, language=self._language)
        async for window in voice.transcribe(audio, language, from_s, compute):
            await asyncio.sleep(self.pause_s)
            yield window
