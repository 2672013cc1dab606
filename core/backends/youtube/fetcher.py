"""Fetch metadata, audio and captions from YouTube, and refuse videos that cannot be used."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from yt_dlp import YoutubeDL
from yt_dlp.globals import plugin_dirs
from yt_dlp.networking.exceptions import RequestError

from core import config
from core.backends.subtitles import MAX_BYTES, Cue, parse_json3, parse_text, to_segments
from core.backends.youtube.errors import captions_error, download_error, look_up_error
from core.backends.youtube.metadata import best_track, caption_tracks, format_urls, to_video
from core.backends.youtube.options import (
    BYTES_IN_MEGABYTE,
    Info,
    Log,
    file_options,
    fixed_options,
)
from core.config import Limits
from core.errors import (
    CaptionsBlocked,
    CoreError,
    DownloadFailed,
    DrmProtected,
    NoCaptions,
    NotYetAired,
    RecordingPending,
    VideoLive,
    VideoTooLarge,
    YouTubeChanged,
)
from core.limits import check_length
from core.links import watch_url
from core.model import Progress, Transcript, Video
from core.ports import ProgressCallback

CACHE_S = 3600  # YouTube's media URLs are valid for six hours
MAX_CACHED = 16

Session = tuple[YoutubeDL, Log]


class YouTube:
    """A synchronous `Fetcher`: every method blocks.

    `open_ytdlp` creates a YoutubeDL from options; tests pass one that replays recorded answers."""

    def __init__(
        self,
        youtube: config.YouTube,
        limits: Limits,
        open_ytdlp: Callable[[Info], YoutubeDL] = YoutubeDL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._youtube, self._limits = youtube, limits
        self._open_ytdlp, self._clock = open_ytdlp, clock
        self._cache: dict[str, tuple[float, Info]] = {}
        plugin_dirs.value = []  # load no plugins that happen to be installed

    def look_up(self, video_id: str) -> Video:
        """Return the video's metadata. Refuses live, upcoming and too long videos."""
        return to_video(self._info(video_id))

    def download(self, video: Video, folder: Path, on_progress: ProgressCallback) -> Path:
        """Download the smallest good audio into the empty `folder`, complete."""
        info = self._info(video.id)
        if (info.get("filesize") or 0) > self._limits.max_megabytes * BYTES_IN_MEGABYTE:
            raise VideoTooLarge(self._limits.max_megabytes)
        hook = {"progress_hooks": [_ProgressHook(on_progress, self._limits.max_megabytes)]}
        with self._session(file_options(video.id, folder) | hook) as (ytdlp, log):
            try:
                result = ytdlp.process_ie_result(dict(info), download=True)
            except CoreError:
                raise
            except Exception as error:  # yt-dlp may raise anything when YouTube changes
                self._cache.pop(video.id, None)
                raise download_error(error) from error
        return self._complete_file(video.id, folder, result, log)

    def captions(self, video: Video, language: str) -> Transcript:
        """Return the best caption track as a transcript. Raises NoCaptions, CaptionsBlocked."""
        info = self._info(video.id)
        track = best_track(caption_tracks(info), language, video.language)
        if track is None:
            raise NoCaptions()
        urls = format_urls(info, track)
        format_ = "json3" if "json3" in urls else "vtt"
        if format_ not in urls:
            raise NoCaptions()
        segments = to_segments(_cues(format_, self._fetch(urls[format_])))
        if not segments:
            raise NoCaptions()
        code = track.language.split("-")[0]
        return Transcript(video.id, code, "captions", segments, f"captions:{track.key}")

    def _info(self, video_id: str) -> Info:
        """Return yt-dlp's description of the video, cached for an hour."""
        fetched_s, info = self._cache.get(video_id, (0.0, {}))
        if not info or self._clock() - fetched_s > CACHE_S:
            info = self._extract(video_id)
            self._cache = dict(list(self._cache.items())[1 - MAX_CACHED :])
            self._cache[video_id] = (self._clock(), info)
        return info

    def _extract(self, video_id: str) -> Info:
        with self._session({}) as (ytdlp, log):
            try:
                info = ytdlp.extract_info(watch_url(video_id), download=False, process=False)
                self._refuse_unusable(video_id, info)
                processed: Info = ytdlp.process_ie_result(info, download=False)
            except CoreError:
                raise
            except Exception as error:  # yt-dlp may raise anything when YouTube changes
                raise look_up_error(error, log.warnings) from error
        return processed

    def _refuse_unusable(self, video_id: str, info: Info) -> None:
        if (
            info.get("_type", "video") != "video"
        ):  # a film for sale, for which YouTube returns its trailer
            raise DrmProtected()
        if info["id"] != video_id:
            raise YouTubeChanged("another video")
        refusals = {"is_live": VideoLive, "is_upcoming": NotYetAired, "post_live": RecordingPending}
        if refusal := refusals.get(info.get("live_status") or ""):
            raise refusal()
        check_length(info.get("duration") or 0.0, self._limits)

    def _fetch(self, url: str) -> bytes:
        with self._session({}) as (ytdlp, _):
            try:
                with ytdlp.urlopen(url) as response:
                    data: bytes = response.read(MAX_BYTES)
            except RequestError as error:
                raise captions_error(error) from error
        if not data.strip():  # YouTube's answer to a client it does not trust
            raise CaptionsBlocked()
        return data

    @contextmanager
    def _session(self, extra_options: Info) -> Iterator[Session]:
        """Open a fresh yt-dlp, so that no state carries over to the next video."""
        log = Log()
        options = fixed_options(self._youtube, self._limits, log) | extra_options
        with closing(self._open_ytdlp(options)) as ytdlp:
            yield ytdlp, log

    def _complete_file(self, video_id: str, folder: Path, result: Info, log: Log) -> Path:
        """Check the result: yt-dlp may succeed without a file, or with a part of one."""
        if any("larger than max-filesize" in message for message in log.messages):
            raise VideoTooLarge(self._limits.max_megabytes)
        files = [path for path in folder.glob(f"{video_id}.*") if path.suffix != ".part"]
        size = files[0].stat().st_size if files else 0
        if size == 0 or size < (result.get("filesize") or 0):
            self._cache.pop(video_id, None)
            raise DownloadFailed(f"{size} bytes of {result.get('filesize') or 'some'}")
        return files[0]


class _ProgressHook:
    """yt-dlp's progress hook: reports each new percent and stops downloads that grow too large."""

    def __init__(self, on_progress: ProgressCallback, max_megabytes: int) -> None:
        self._on_progress, self._max_megabytes = on_progress, max_megabytes
        self._percent = 0

    def __call__(self, status: Info) -> None:
        done = status.get("downloaded_bytes") or 0
        total = status.get("total_bytes") or status.get("total_bytes_estimate") or 0
        exact = status.get("total_bytes") or 0
        if max(done, exact) > self._max_megabytes * BYTES_IN_MEGABYTE:
            raise VideoTooLarge(self._max_megabytes)
        percent = int(100 * done / total) if total else 0
        if percent > self._percent:
            self._percent = percent
            self._on_progress(Progress("download", min(done / total, 1.0), status.get("eta")))


def _cues(format_: str, data: bytes) -> list[Cue]:
    if format_ == "vtt":
        return parse_text(data.decode("utf-8", errors="replace"))
    try:
        return parse_json3(data)
    except ValueError as error:
        raise YouTubeChanged("captions in an unknown format") from error
