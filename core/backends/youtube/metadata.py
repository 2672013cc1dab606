"""This file takes what we want to know about a video out of yt-dlp's description of it."""

from __future__ import annotations

import re

from core.backends.youtube.options import Info
from core.model import CaptionTrack, ChapterMark, Video

MAX_HASHTAGS = 15
# `en-US` of `en-US-zsweiKMxjbg`: a language, then a script or region, before the track's own name.
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-(?:[A-Z][a-z]{3}|[A-Z]{2}|\d{3})(?![A-Za-z0-9]))*")
_HASHTAG = re.compile(r"(?<![\w/&])#(\w*[^\W\d]\w*)")


def to_video(info: Info) -> Video:
    """The video as the core knows it."""
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
    """People's tracks, then the automatic ones in the language spoken, none of the translations."""
    written = [
        CaptionTrack(key, _language(key), automatic=False)
        for key in info.get("subtitles") or {}
        if key != "live_chat"
    ]
    heard = [
        CaptionTrack(key, _language(key), automatic=True)
        for key, forms in (info.get("automatic_captions") or {}).items()
        if not any("tlang=" in form.get("url", "") for form in forms)
    ]
    # The same track stands there twice: as `en-orig`, which names no written one, and as `en`.
    once = {track.language: track for track in reversed(heard)}
    return (*written, *once.values())


def best_track(tracks: tuple[CaptionTrack, ...], language: str, spoken: str) -> CaptionTrack | None:
    """In `language`, else in the one spoken, else any; people's before automatic ones.

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
    """The track's addresses by form: json3, vtt and others."""
    tracks = info["automatic_captions" if track.automatic else "subtitles"]
    return {form["ext"]: form["url"] for form in tracks[track.key]}


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
    """Without `#`, each once whatever its case."""
    text = " ".join([info.get("description") or "", *(info.get("tags") or [])])
    found: dict[str, str] = {}
    for tag in _HASHTAG.findall(text):
        found.setdefault(tag.casefold(), tag)
    return tuple(found.values())[:MAX_HASHTAGS]
