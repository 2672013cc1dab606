"""This file fulfils the port Fetcher: it asks once, refuses before it downloads, and checks."""

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

KNOWN_FOR_S = 3600  # YouTube's media addresses hold for six hours
MOST_KNOWN = 16

Session = tuple[YoutubeDL, Log]


class YouTube:
    """YouTube through yt-dlp, without waiting for the caller's loop: every method blocks.

    `open_ytdlp` makes a YoutubeDL of options; tests give one that replays recorded answers."""

    def __init__(
        self,
        youtube: config.YouTube,
        limits: Limits,
        open_ytdlp: Callable[[Info], YoutubeDL] = YoutubeDL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._youtube, self._limits = youtube, limits
        self._open_ytdlp, self._clock = open_ytdlp, clock
        self._known: dict[str, tuple[float, Info]] = {}
        plugin_dirs.value = []  # what else is installed on the machine has no say here

    def look_up(self, video_id: str) -> Video:
        """What YouTube says about the video. Refuses what is live, to come, or too long."""
        return to_video(self._info(video_id))

    def download(self, video: Video, folder: Path, on_progress: ProgressCallback) -> Path:
        """The smallest good audio, as a file in the empty `folder`, whole."""
        info = self._info(video.id)
        if (info.get("filesize") or 0) > self._limits.max_megabytes * BYTES_IN_MEGABYTE:
            raise VideoTooLarge(self._limits.max_megabytes)
        hook = {"progress_hooks": [_Meter(on_progress, self._limits.max_megabytes)]}
        with self._session(file_options(video.id, folder) | hook) as (ytdlp, log):
            try:
                done = ytdlp.process_ie_result(dict(info), download=True)
            except CoreError:
                raise
            except Exception as error:  # yt-dlp throws anything when YouTube changes
                self._known.pop(video.id, None)
                raise download_error(error) from error
        return self._whole_file(video.id, folder, done, log)

    def captions(self, video: Video, language: str) -> Transcript:
        """The best caption track's words. Raises NoCaptions, CaptionsBlocked."""
        info = self._info(video.id)
        track = best_track(caption_tracks(info), language, video.language)
        if track is None:
            raise NoCaptions()
        forms = format_urls(info, track)
        form = "json3" if "json3" in forms else "vtt"
        if form not in forms:
            raise NoCaptions()
        segments = to_segments(_cues(form, self._fetch(forms[form])))
        if not segments:
            raise NoCaptions()
        code = track.language.split("-")[0]
        return Transcript(video.id, code, "captions", segments, f"captions:{track.key}")

    def _info(self, video_id: str) -> Info:
        """yt-dlp's description, asked for once an hour."""
        asked_s, info = self._known.get(video_id, (0.0, {}))
        if not info or self._clock() - asked_s > KNOWN_FOR_S:
            info = self._ask(video_id)
            self._known = dict(list(self._known.items())[1 - MOST_KNOWN :])
            self._known[video_id] = (self._clock(), info)
        return info

    def _ask(self, video_id: str) -> Info:
        with self._session({}) as (ytdlp, log):
            try:
                info = ytdlp.extract_info(watch_url(video_id), download=False, process=False)
                self._refuse_what_has_no_end(video_id, info)
                processed: Info = ytdlp.process_ie_result(info, download=False)
            except CoreError:
                raise
            except Exception as error:  # yt-dlp throws anything when YouTube changes
                raise look_up_error(error, log.warnings) from error
        return processed

    def _refuse_what_has_no_end(self, video_id: str, info: Info) -> None:
        if info.get("_type", "video") != "video":  # a film for sale: YouTube shows its trailer
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
        if not data.strip():  # what YouTube answers to those it does not trust
            raise CaptionsBlocked()
        return data

    @contextmanager
    def _session(self, more: Info) -> Iterator[Session]:
        """A fresh yt-dlp, so that no video leaves anything behind for the next."""
        log = Log()
        options = fixed_options(self._youtube, self._limits, log) | more
        with closing(self._open_ytdlp(options)) as ytdlp:
            yield ytdlp, log

    def _whole_file(self, video_id: str, folder: Path, done: Info, log: Log) -> Path:
        """yt-dlp may end well without a file, or with a part of one."""
        if any("larger than max-filesize" in note for note in log.notes):
            raise VideoTooLarge(self._limits.max_megabytes)
        files = [path for path in folder.glob(f"{video_id}.*") if path.suffix != ".part"]
        size = files[0].stat().st_size if files else 0
        if size == 0 or size < (done.get("filesize") or 0):
            self._known.pop(video_id, None)
            raise DownloadFailed(f"{size} bytes of {done.get('filesize') or 'some'}")
        return files[0]


class _Meter:
    """yt-dlp's progress hook: tells each new percent, and stops what grows too large."""

    def __init__(self, on_progress: ProgressCallback, max_megabytes: int) -> None:
        self._tell, self._max_megabytes = on_progress, max_megabytes
        self._told = 0

    def __call__(self, status: Info) -> None:
        done = status.get("downloaded_bytes") or 0
        total = status.get("total_bytes") or status.get("total_bytes_estimate") or 0
        exact = status.get("total_bytes") or 0
        if max(done, exact) > self._max_megabytes * BYTES_IN_MEGABYTE:
            raise VideoTooLarge(self._max_megabytes)
        percent = int(100 * done / total) if total else 0
        if percent > self._told:
            self._told = percent
            self._tell(Progress("download", min(done / total, 1.0), status.get("eta")))


def _cues(form: str, data: bytes) -> list[Cue]:
    if form == "vtt":
        return parse_text(data.decode("utf-8", errors="replace"))
    try:
        return parse_json3(data)
    except ValueError as error:
        raise YouTubeChanged("captions in an unknown form") from error
