"""This file hears one audio, however often it must begin again: no finished window is heard twice.

Windows are kept as pieces, named by where they begin. So those of two programs that hear the same
video, with batches of different sizes, can be mixed and still make one whole.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from core.errors import SpeechDeviceFailed, WorkerOutOfMemory
from core.model import LIGHTER, Progress, SpeechCompute, Window
from core.ports import Checkpoints, ProgressCallback, Transcriber
from core.transcription.compute_fallbacks import Fallback, lighter

_TOLD = -1
"""The number of the piece that tells the audio's duration; others are milliseconds."""
_SAME_S = 0.5

Kept = tuple[Window, Window]
"""The first window of a former hearing, which told the duration, and all others in one."""


@dataclass(frozen=True, slots=True)
class CheckpointedTranscription:
    """One hearing of one video. `recipe` changes with all that the words depend on."""

    transcriber: Transcriber
    checkpoints: Checkpoints
    ladder: Fallback
    compute: SpeechCompute
    video_id: str
    language: str
    recipe: str

    async def windows(self, audio: Path, on_progress: ProgressCallback) -> AsyncGenerator[Window]:
        """As `Transcriber.transcribe`, but what was heard before a kill comes first, as one window;
        and where memory runs out, or the card fails, hearing goes on with less, which is told.

        Pieces of another audio, one of another duration, are not used."""
        kept = await self._kept()
        stream = self._hear(audio, kept, on_progress)
        try:
            first = await anext(stream)
            if kept and abs(first.duration_s - kept[0].duration_s) > _SAME_S:
                await stream.aclose()
                await self.checkpoints.clear(self.video_id, self.recipe)
                kept, stream = None, self._hear(audio, None, on_progress)
                first = await anext(stream)
            yield first
            if kept:
                yield kept[1]
            else:
                await self._save(_TOLD, first)
            async with aclosing(self._saving(stream, kept[1].heard_s if kept else 0.0)) as rest:
                async for window in rest:
                    yield window
        finally:
            await stream.aclose()

    async def _saving(
        self, stream: AsyncGenerator[Window], heard_s: float
    ) -> AsyncGenerator[Window]:
        """Each window once it is kept: with the one before it where it leads no further."""
        begins, ends, piece = _number(heard_s), _number(heard_s), None
        async for window in stream:
            if (reached := _number(window.heard_s)) > ends:
                begins, ends, piece = ends, reached, window
                await self._save(begins, piece)
            elif piece and window.segments:
                piece = replace(window, segments=piece.segments + window.segments)
                await self._save(begins, piece)
            yield window

    async def _hear(
        self, audio: Path, kept: Kept | None, on_progress: ProgressCallback
    ) -> AsyncGenerator[Window]:
        """From the last finished window on, rung after rung."""
        from_s, language = (kept[1].heard_s, kept[1].language) if kept else (0.0, "")
        compute: SpeechCompute | None = self.ladder.compute or self.compute
        while compute:
            heard = self.transcriber.transcribe(audio, language or self.language, from_s, compute)
            try:
                async with aclosing(heard) as windows:
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
            on_progress(Progress("load", note=LIGHTER))

    def _remember(self, compute: SpeechCompute) -> None:
        """One that has served, not one that was only tried."""
        if compute != self.compute:
            self.ladder.compute = compute

    async def _lighter(
        self, compute: SpeechCompute, error: WorkerOutOfMemory | SpeechDeviceFailed
    ) -> SpeechCompute | None:
        if isinstance(error, WorkerOutOfMemory):
            compute = await self.transcriber.settle(compute)
        return lighter(compute, error)

    async def _save(self, number: int, window: Window) -> None:
        await self.checkpoints.save(self.video_id, self.recipe, number, json.dumps(asdict(window)))

    async def _kept(self) -> Kept | None:
        pieces = await self.checkpoints.load(self.video_id, self.recipe)
        told, whole = _read(pieces, _TOLD), Window(0.0, 0.0)
        while window := _read(pieces, _number(whole.heard_s)):
            if _number(window.heard_s) <= _number(whole.heard_s):
                break  # it leads nowhere
            whole = replace(window, segments=whole.segments + window.segments)
        return (told, whole) if told and whole.heard_s else None


def _number(from_s: float) -> int:
    return round(from_s * 1000)


def _read(pieces: Mapping[int, str], number: int) -> Window | None:
    """None where there is none, or one that another release wrote in its own way."""
    try:
        window = _adapter().validate_python(json.loads(pieces[number]))
    except (KeyError, ValueError):
        return None
    return window


@cache
def _adapter() -> TypeAdapter[Window]:
    return TypeAdapter(Window)
