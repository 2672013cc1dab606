"""All options that we pass to yt-dlp, and the choice of the audio format.

With them none of yt-dlp's thirteen security advisories applies, which
tests/integration/test_ytdlp_advisories.py shows one by one: one extractor, our own file name in
an empty folder, no external programs or downloaders, no link files, no user configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from yt_dlp.utils import YoutubeDLError

from core import config
from core.config import Limits
from core.errors import ConfigInvalid

BYTES_IN_MEGABYTE = 1_000_000
SAFE_EXTENSIONS = ("webm", "m4a", "mp4", "ogg", "opus", "aac", "mp3")
GOOD_KBPS = (45, 72)  # more does not make speech clearer: opus at 50 or 70, AAC at 48
_COOKIES_HEAD = re.compile(r"#\s*(?:Netscape )?HTTP Cookie File", re.IGNORECASE)

Info = dict[str, Any]
"""yt-dlp's description of a video or of one of its formats."""


class Log:
    """Collects yt-dlp's log instead of printing it: some causes of errors appear only there."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.warnings: list[str] = []

    def debug(self, message: str) -> None:
        self.messages.append(message)

    def warning(self, message: str | YoutubeDLError) -> None:
        self.warnings.append(str(message))

    error = warning


def fixed_options(youtube: config.YouTube, limits: Limits, log: Log) -> Info:
    """Return the options that are the same for every call."""
    options: Info = {
        "allowed_extractors": ["youtube"],
        "noplaylist": True,
        "format": choose_audio,
        "max_filesize": limits.max_megabytes * BYTES_IN_MEGABYTE,
        "skip_unavailable_fragments": False,  # a missing fragment must be an error
        "retries": 3,
        "fragment_retries": 3,
        "extractor_retries": 2,
        "socket_timeout": 20,
        "cachedir": False,
        "remote_components": [],
        "fixup": "never",
        "updatetime": False,
        "quiet": True,
        "noprogress": True,
        "color": "no_color",
        "logger": log,
    }
    if youtube.proxy:
        options["proxy"] = youtube.proxy
    if youtube.cookies_file:
        options["cookiefile"] = _read_cookies(youtube.cookies_file)
    return options


def file_options(video_id: str, folder: Path) -> Info:
    """Save as `<id>.<extension>` in `folder`; choose_audio has checked the extension."""
    return {"paths": {"home": str(folder)}, "outtmpl": f"{video_id}.%(ext)s"}


def choose_audio(context: Info) -> Iterator[Info]:
    """yt-dlp's format selector: the smallest good audio, or else the smallest video with sound."""
    with_sound = [each for each in context["formats"] if _has_sound(each)]
    if audio_only := [each for each in with_sound if each.get("vcodec") == "none"]:
        yield min(audio_only, key=_distance)
    elif with_sound:
        yield min(with_sound, key=lambda each: (_language_rank(each), _size(each)))


def _read_cookies(path: Path) -> StringIO:
    """Read the file into memory, because yt-dlp writes cookies back to where it got them.

    yt-dlp also prints lines it cannot parse, which may be secret, so refuse such files."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigInvalid("youtube.cookies_file", "this file cannot be read") from error
    lines = [line.removeprefix("#HttpOnly_") for line in text.splitlines()]
    cookies = [line for line in lines if line.strip() and not line.startswith("#")]
    if not _COOKIES_HEAD.match(text) or any(line.count("\t") != 6 for line in cookies):
        raise ConfigInvalid("youtube.cookies_file", "this is not a Netscape cookies file")
    return StringIO(text)


def _has_sound(each: Info) -> bool:
    return each.get("acodec") != "none" and each.get("ext") in SAFE_EXTENSIONS


def _distance(each: Info) -> tuple[float, ...]:
    """Rank a format, best first: original language, undamaged, one file, good bit rate, small."""
    kbps = each.get("abr") or each.get("tbr") or 0.0
    low, high = GOOD_KBPS
    is_drc = "drc" in f"{each.get('format_id')} {each.get('format_note')}".lower()
    return (
        _language_rank(each),
        is_drc,
        -(each.get("preference") or 0),  # yt-dlp marks damaged formats with a negative one
        not str(each.get("protocol")).startswith("http"),
        kbps < low,
        max(low - kbps, kbps - high, 0),
        not str(each.get("acodec")).startswith("opus"),
        kbps,
    )


def _language_rank(each: Info) -> float:
    """Rank the original track before dubs and audio descriptions."""
    preference = each.get("language_preference")
    return 1 if preference is None else -preference


def _size(each: Info) -> float:
    return each.get("filesize") or each.get("tbr") or float("inf")
