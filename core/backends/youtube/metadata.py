"""Extract a video's metadata and caption tracks from yt-dlp's description of it."""

from __future__ import annotations

import re

from core.backends.youtube.options import Info
from core.model import CaptionTrack, ChapterMark, Video

MAX_HASHTAGS = 15
# `en-US` in `en-US-zsweiKMxjbg`: a language and a script or region, before the track's own name.
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-(?:[A-Z][a-z]{3}|[A-Z]{2}|\d{3})(?![A-Za-z0-9]))*")
_HASHTAG = re.compile(r"(?<![\w/&])#(\w*[^\W\d]\w*)")


def to_video(info: Info) -> Video:
    tracks = caption_tracks(info)
    spoken = [track.language for track in tracks if track.automatic]
    return Video(
        id=info["id"],
        title=info.get("title") or info["id"],
        channel_name=info.get("channel") or info.get("uploader") or "",
        duration_s=float(info.get("duration") or 0),
        description=info.get("description") or "",
        hashtags=_hashtags(info),
        marks=_marks(info),
        thumbnail_url=info.get("thumbnail") or "",
        caption_tracks=tracks,
        language=_language(info.get("language") or "") or next(iter(spoken), ""),
    )


def caption_tracks(info: Info) -> tuple[CaptionTrack, ...]:
    """Return manual tracks, then automatic ones in the spoken language; no translations."""
    manual = [
        CaptionTrack(key, _language(key), automatic=False)
        for key in info.get("subtitles") or {}
        if key != "live_chat"
    ]
    automatic = [
        CaptionTrack(key, _language(key), automatic=True)
        for key, formats in (info.get("automatic_captions") or {}).items()
        if not any("tlang=" in each.get("url", "") for each in formats)
    ]
    # YouTube lists one track twice: as `en-orig`, a name no manual track has, and as `en`.
    unique = {track.language: track for track in reversed(automatic)}
    return (*manual, *unique.values())


def best_track(tracks: tuple[CaptionTrack, ...], language: str, spoken: str) -> CaptionTrack | None:
    """Prefer `language`, or else the spoken one, or else any; manual before automatic.

    >>> german, english = CaptionTrack("de", "de", False), CaptionTrack("en-GB", "en-GB", True)
    >>> best_track((german, english), "", "en").key
    'en-GB'
    """

    def distance(track: CaptionTrack) -> tuple[bool, ...]:
        wanted = language or spoken
        return (
            not _is_same(track.language, wanted),
            not _is_same(track.language, spoken),
            track.automatic,
            track.language != wanted,
        )

    return min(tracks, key=distance, default=None)


def format_urls(info: Info, track: CaptionTrack) -> dict[str, str]:
    """Return the track's URL for each format: json3, vtt and others."""
    tracks = info["automatic_captions" if track.automatic else "subtitles"]
    return {each["ext"]: each["url"] for each in tracks[track.key]}


def _is_same(language: str, other: str) -> bool:
    return bool(other) and language.split("-")[0] == other.split("-")[0]


def _language(key: str) -> str:
    """
    >>> [_language(key) for key in ("en-US-zsweiKMxjbg", "de-DLpTm1EsEcg", "zh-Hans", "en-orig")]
    ['en-US', 'de', 'zh-Hans', 'en']
    """
    match = _LANGUAGE.match(key)
    return match[0] if match else ""


def _marks(info: Info) -> tuple[ChapterMark, ...]:
    return tuple(
        ChapterMark(chapter["title"], float(chapter["start_time"]))
        for chapter in info.get("chapters") or []
        if chapter.get("title") and chapter.get("start_time") is not None
    )


def _hashtags(info: Info) -> tuple[str, ...]:
    """Return hashtags without `#`, unique regardless of case."""
    text = " ".join([info.get("description") or "", *(info.get("tags") or [])])
    found: dict[str, str] = {}
    for tag in _HASHTAG.findall(text):
        found.setdefault(tag.casefold(), tag)
    return tuple(found.values())[:MAX_HASHTAGS]
