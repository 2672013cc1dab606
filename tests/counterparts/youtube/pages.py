"""Build YouTube's pages and player responses for a video, as far as yt-dlp reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

CODECS = {
    249: ("webm", 'audio/webm; codecs="opus"', 50_000),
    251: ("webm", 'audio/webm; codecs="opus"', 130_000),
    139: ("m4a", 'audio/mp4; codecs="mp4a.40.5"', 48_000),
    140: ("m4a", 'audio/mp4; codecs="mp4a.40.2"', 129_000),
    18: ("mp4", 'video/mp4; codecs="avc1.42001E, mp4a.40.2"', 500_000),
    137: ("mp4", 'video/mp4; codecs="avc1.640028"', 4_000_000),
}


@dataclass(frozen=True)
class Answer:
    """A server's response. `announced`: the Content-Length, if not the true one; -1: none."""

    body: bytes = b""
    status: int = 200
    kind: str = "text/html; charset=utf-8"
    announced: int | None = None


DOWN = "down"
"""Instead of an Answer: refuse the connection."""


@dataclass(frozen=True)
class Track:
    """A caption track. `vss_id`: YouTube's own name (`.en`, `a.en`, `.de.DLpTm1EsEcg`)."""

    vss_id: str
    language: str
    body: bytes = b""
    translatable: bool = True


@dataclass(frozen=True)
class Recording:
    """A video on YouTube. `faults`: kind of request (watch, next, player, media, captions) →
    response to send instead."""

    title: str = "The dance of the bees"
    channel: str = "The Hive"
    description: str = "All about #bees and the #Waggle dance."
    keywords: tuple[str, ...] = ("insects", "#BEES", "#honey")
    duration_s: int = 2
    chapters: tuple[tuple[str, float], ...] = ()
    tracks: tuple[Track, ...] = ()
    translations: tuple[str, ...] = ()
    media: bytes = b""
    formats: tuple[Json, ...] = ({"itag": 249},)
    playability: Json = field(default_factory=lambda: {"status": "OK"})
    details: Json = field(default_factory=dict)
    more: Json = field(default_factory=dict)
    faults: Mapping[str, Answer | str] = field(default_factory=dict)


def json3(*lines: tuple[int, int, str]) -> bytes:
    """Build a caption track from (start, duration, text), in milliseconds."""
    events = [
        {"tStartMs": start, "dDurationMs": duration, "segs": [{"utf8": words}]}
        for start, duration, words in lines
    ]
    return json.dumps({"wireMagic": "pb3", "events": events}).encode()


def watch_page(video: Recording) -> str:
    client = {"clientName": "WEB", "clientVersion": "2.20261001.00.00", "hl": "en"}
    settings = {
        "INNERTUBE_CONTEXT": {"client": client},
        "PLAYER_JS_URL": "/s/player/0123abcd/player_ias.vflset/en_US/base.js",
        "STS": 20000,
    }
    return (
        f"<html><script>ytcfg.set({json.dumps(settings)});</script>"
        f"<script>var ytInitialData = {json.dumps(initial_data(video))};</script></html>"
    )


def initial_data(video: Recording) -> Json:
    owner = {"videoOwnerRenderer": {"title": {"runs": [{"text": video.channel}]}}}
    contents = [
        {"videoPrimaryInfoRenderer": {"title": {"runs": [{"text": video.title}]}}},
        {"videoSecondaryInfoRenderer": {"owner": owner}},
    ]
    chapters = [
        {
            "chapterRenderer": {
                "title": {"simpleText": title},
                "timeRangeStartMillis": int(start_s * 1000),
            }
        }
        for title, start_s in video.chapters
    ]
    bar = {"playerBar": {"chapteredPlayerBarRenderer": {"chapters": chapters}}}
    nested = {"decoratedPlayerBarRenderer": {"decoratedPlayerBarRenderer": bar}}
    return {
        "contents": {"twoColumnWatchNextResults": {"results": {"results": {"contents": contents}}}},
        "playerOverlays": {"playerOverlayRenderer": nested},
    }


def player(video_id: str, video: Recording) -> Json:
    playable = video.playability["status"] == "OK"
    formats = [_format(video_id, video, each) for each in video.formats]
    return {
        "playabilityStatus": video.playability,
        "videoDetails": {
            "videoId": video_id,
            "title": video.title,
            "lengthSeconds": str(video.duration_s),
            "channelId": "UC" + "x" * 22,
            "shortDescription": video.description,
            "author": video.channel,
            "keywords": list(video.keywords),
            "isLiveContent": False,
            "thumbnail": {"thumbnails": [{"url": _thumbnail(video_id), "width": 120}]},
        }
        | video.details,
        **({"streamingData": {"adaptiveFormats": formats}} if playable else {}),
        **({"captions": _captions(video_id, video)} if video.tracks else {}),
        **video.more,
    }


def _thumbnail(video_id: str) -> str:
    return f"https://i.ytimg.com/vi/{video_id}/default.jpg"


def _format(video_id: str, video: Recording, form: Json) -> Json:
    _, mime, bitrate = CODECS[form["itag"]]
    return {
        "url": f"https://r1---sn.googlevideo.com/videoplayback?id={video_id}&itag={form['itag']}",
        "mimeType": mime,
        "bitrate": bitrate,
        "averageBitrate": bitrate,
        "contentLength": str(len(video.media)),
        "audioQuality": "AUDIO_QUALITY_LOW",
        "quality": "tiny",
        "approxDurationMs": str(video.duration_s * 1000),
        **form,
    }


def _captions(video_id: str, video: Recording) -> Json:
    base = f"https://www.youtube.com/api/timedtext?v={video_id}"
    tracks = [
        {
            "baseUrl": f"{base}&lang={track.language}&name={track.vss_id}",
            "name": {"simpleText": track.language},
            "vssId": track.vss_id,
            "languageCode": track.language,
            "isTranslatable": track.translatable,
        }
        | ({"kind": "asr"} if track.vss_id.startswith("a.") else {})
        for track in video.tracks
    ]
    languages = [
        {"languageCode": code, "languageName": {"simpleText": code}} for code in video.translations
    ]
    rendered = {"captionTracks": tracks, "translationLanguages": languages}
    return {"playerCaptionsTracklistRenderer": rendered}
