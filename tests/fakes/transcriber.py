"""Ears in memory: they know beforehand what each file says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from core.errors import CoreError
from core.model import LIGHTEST, Effort, Segment, Window


class FakeTranscriber:
    """`Transcriber`. `says`: a file's name → its segments, or the error it gives."""

    def __init__(
        self,
        says: Mapping[str, Sequence[Segment] | CoreError],
        *,
        duration_s: float = 60.0,
        language: str = "en",
    ) -> None:
        self.says = says
        self.duration_s = duration_s
        self.language = language
        self.calls = 0

    async def transcribe(
        self, audio: Path, language: str, from_s: float = 0.0, effort: Effort | None = None
    ) -> AsyncIterator[Window]:
        self.calls += 1
        said = self.says[audio.name]
        if isinstance(said, CoreError):
            raise said
        yield Window(0.0, self.duration_s)
        language = language or (self.language if said else "")
        for segment in said:
            if segment.end_s > from_s:
                yield Window(segment.end_s, self.duration_s, language, (segment,))
        yield Window(self.duration_s, self.duration_s, language)

    async def settle(self, effort: Effort) -> Effort:
        """A machine without a card."""
        type_ = "int8" if effort.compute_type in ("auto", LIGHTEST) else effort.compute_type
        return Effort("cpu", type_, effort.batch_size)
