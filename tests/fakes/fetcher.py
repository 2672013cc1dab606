"""A fetcher over in-memory videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from core.errors import CoreError, NoCaptions, VideoRemoved
from core.model import Progress, Segment, Transcript, Video
from core.ports import ProgressCallback

Said = Mapping[str, Sequence[Segment]]


class FakeFetcher:
    """`Fetcher` with scripted videos. `said` maps a caption track's key to its segments. `failures`
    maps a method to the error it raises."""

    def __init__(
        self,
        *videos: Video,
        audio: bytes = b"sound",
        said: Said | None = None,
        failures: Mapping[str, CoreError] | None = None,
    ) -> None:
        self._videos = {video.id: video for video in videos}
        self._audio, self._said = audio, said or {}
        self._failures = {} if failures is None else failures
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
