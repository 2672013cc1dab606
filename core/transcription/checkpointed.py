"""Transcribe one video with checkpoints, so that no finished window is transcribed twice.

A checkpoint is numbered by where its window starts, in milliseconds. Two programs with different
batch sizes can therefore both save checkpoints of one video, and a mix of them is still complete.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

from core.errors import SpeechDeviceFailed, WorkerOutOfMemory
from core.json_values import from_json, to_json
from core.model import SPEECH_LIGHTER, Progress, SpeechCompute, Window
from core.ports import Checkpoints, ProgressCallback, Transcriber
from core.transcription.compute_fallbacks import Fallback, lighter

_DURATION_NUMBER = -1
"""Number of the checkpoint that holds the audio's duration."""
_SAME_DURATION_S = 0.5

Resumed = tuple[Window, Window]
"""An earlier run's window with the duration, and all its other windows merged into one."""


@dataclass(frozen=True, slots=True)
class CheckpointedTranscription:
    """The transcription of one video. `recipe` names every setting that the text depends on."""

    transcriber: Transcriber
    checkpoints: Checkpoints
    fallback: Fallback
    compute: SpeechCompute
    video_id: str
    language: str
    recipe: str

    async def windows(self, audio: Path, on_progress: ProgressCallback) -> AsyncGenerator[Window]:
        """Yield windows as `Transcriber.transcribe` does, after those of an earlier run as one.

        If memory runs out or the GPU fails, report it as progress and continue with lighter
        settings. Checkpoints of audio with another duration are deleted."""
        resumed = await self._load()
        stream = self._transcribe(audio, resumed, on_progress)
        try:
            first = await anext(stream)
            if resumed and abs(first.duration_s - resumed[0].duration_s) > _SAME_DURATION_S:
                await stream.aclose()
                await self.checkpoints.clear(self.video_id, self.recipe)
                resumed, stream = None, self._transcribe(audio, None, on_progress)
                first = await anext(stream)
            yield first
            if resumed:
                yield resumed[1]
            else:
                await self._save(_DURATION_NUMBER, first)
            from_s = resumed[1].heard_s if resumed else 0.0
            async with aclosing(self._saving(stream, from_s)) as rest:
                async for window in rest:
                    yield window
        finally:
            await stream.aclose()

    async def _saving(
        self, stream: AsyncGenerator[Window], from_s: float
    ) -> AsyncGenerator[Window]:
        """Save each window before yielding it.

        A window that ends where the previous one did shares that one's checkpoint."""
        start, end, saved = _number(from_s), _number(from_s), None
        async for window in stream:
            if (window_end := _number(window.heard_s)) > end:
                start, end, saved = end, window_end, window
                await self._save(start, saved)
            elif saved and window.segments:
                saved = replace(window, segments=saved.segments + window.segments)
                await self._save(start, saved)
            yield window

    async def _transcribe(
        self, audio: Path, resumed: Resumed | None, on_progress: ProgressCallback
    ) -> AsyncGenerator[Window]:
        """Continue after the last finished window, with lighter settings after each failure."""
        from_s, language = (resumed[1].heard_s, resumed[1].language) if resumed else (0.0, "")
        compute: SpeechCompute | None = self.fallback.compute or self.compute
        while compute:
            stream = self.transcriber.transcribe(audio, language or self.language, from_s, compute)
            try:
                async with aclosing(stream) as windows:
                    async for window in windows:
                        if window.heard_s:
                            from_s, language = window.heard_s, window.language or language
                            self._remember(compute)
                        yield window
                return
            except (WorkerOutOfMemory, SpeechDeviceFailed) as error:
                compute = await self._lighter(compute, error)
                if compute is None:
                    raise
            on_progress(Progress("load", note=SPEECH_LIGHTER))

    def _remember(self, compute: SpeechCompute) -> None:
        """Keep settings for the next video once they have produced a window."""
        if compute != self.compute:
            self.fallback.compute = compute

    async def _lighter(
        self, compute: SpeechCompute, error: WorkerOutOfMemory | SpeechDeviceFailed
    ) -> SpeechCompute | None:
        if isinstance(error, WorkerOutOfMemory):
            compute = await self.transcriber.resolve_compute(compute)
        return lighter(compute, error)

    async def _save(self, number: int, window: Window) -> None:
        await self.checkpoints.save(self.video_id, self.recipe, number, to_json(window))

    async def _load(self) -> Resumed | None:
        saved = await self.checkpoints.load(self.video_id, self.recipe)
        first, merged = _read(saved, _DURATION_NUMBER), Window(0.0, 0.0)
        while window := _read(saved, _number(merged.heard_s)):
            if _number(window.heard_s) <= _number(merged.heard_s):
                break  # it ends where it starts: following it would never end
            merged = replace(window, segments=merged.segments + window.segments)
        return (first, merged) if first and merged.heard_s else None


def _number(start_s: float) -> int:
    return round(start_s * 1000)


def _read(saved: Mapping[int, str], number: int) -> Window | None:
    """None if it is missing, or was written by a release with another format."""
    try:
        return from_json(Window, saved[number])
    except (KeyError, ValueError):
        return None
