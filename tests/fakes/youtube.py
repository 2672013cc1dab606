"""This file is YouTube as yt-dlp's own code sees it: recorded answers below its `urlopen`.

    site = Site({ID: Recording(title="Bees", media=tone("webm"))})
    youtube = YouTube(config.YouTube(), Limits(), replaying(site))

Whatever has no answer is a failed connection, so nothing leaves the machine. Everything here is
plain data: a child process can build the same (tests/fakes/fetch_child.py).
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import av
import numpy as np
from yt_dlp import YoutubeDL
from yt_dlp.networking.common import Request, RequestHandler, Response
from yt_dlp.networking.exceptions import HTTPError, IncompleteRead, TransportError

ID = "dQw4w9WgXcQ"
JSON = "application/json"
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
    """What a server says. `announced`: the length it promises, if not the true one; -1: none."""

    body: bytes = b""
    status: int = 200
    kind: str = "text/html; charset=utf-8"
    announced: int | None = None


DOWN = "down"
"""In place of an answer: the connection is refused."""


@dataclass(frozen=True)
class Track:
    """A caption track: `vss_id` is YouTube's own name (`.en`, `a.en`, `.de.DLpTm1EsEcg`)."""

    vss_id: str
    language: str
    body: bytes = b""
    translatable: bool = True


@dataclass(frozen=True)
class Recording:
    """A video on YouTube. `faults`: what to answer instead, by the kind of question: watch, next,
    player, media, captions."""

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


@dataclass
class Site:
    """All of YouTube. `asked`: the kinds of questions it got, in order; media with their itag."""

    videos: Mapping[str, Recording]
    asked: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def answer(self, request: Request) -> Answer:
        """Raises TransportError where there is no answer."""
        url = urlsplit(request.url)
        self.hosts.add(str(url.hostname))
        kind, video_id = self._question(url.path, parse_qs(url.query), request)
        itag = parse_qs(url.query).get("itag", [""])[0]
        self.asked.append(f"{kind} {itag}".strip())
        if kind == "script":
            return Answer(b"var a = {signatureTimestamp:20000};")
        if kind == "unknown" or video_id not in self.videos:
            raise TransportError(f"no answer was recorded for {url.hostname}{url.path}")
        video = self.videos[video_id]
        answer = video.faults.get(kind) or self._answer(kind, video_id, url.query)
        if answer == DOWN:
            raise TransportError(cause=ConnectionRefusedError(111, "Connection refused"))
        assert isinstance(answer, Answer)
        return answer

    def _question(self, path: str, query: Any, request: Request) -> tuple[str, str]:
        if path == "/watch":
            return "watch", query["v"][0]
        if found := re.fullmatch("/youtubei/v1/(player|next)", path):
            return found[1], json.loads(request.data or b"{}")["videoId"]
        if path.startswith("/embed/"):
            return "embed", path.removeprefix("/embed/")
        if path == "/api/timedtext":
            return "captions", query["v"][0]
        if path == "/videoplayback":
            return "media", query["id"][0]
        is_script = path.endswith(".js") or path == "/iframe_api"
        return ("script" if is_script else "unknown"), ""

    def _answer(self, kind: str, video_id: str, query: str) -> Answer:
        video = self.videos[video_id]
        if kind in ("watch", "embed"):
            return Answer(_watch_page(video).encode())
        if kind == "next":
            return Answer(json.dumps(_initial_data(video)).encode(), kind=JSON)
        if kind == "player":
            return Answer(json.dumps(_player(video_id, video)).encode(), kind=JSON)
        if kind == "captions":
            asked = parse_qs(query)
            track = next(t for t in video.tracks if t.vss_id == asked["name"][0])
            return Answer(track.body, kind=JSON)
        return Answer(video.media, kind="application/octet-stream")


class _CutShort(io.BytesIO):
    """A body that ends before its promised length, which the network layer notices."""

    def read(self, size: int | None = -1) -> bytes:
        if not (data := super().read(size)):
            raise IncompleteRead(self.tell())
        return data


class ReplayRH(RequestHandler):
    """yt-dlp's lowest layer: in place of the network, a Site."""

    _SUPPORTED_URL_SCHEMES = ("http", "https")
    _SUPPORTED_PROXY_SCHEMES = None
    _SUPPORTED_FEATURES = None

    def __init__(self, site: Site, **settings: Any) -> None:
        super().__init__(**settings)
        self._site = site

    def _check_extensions(self, extensions: dict[str, Any]) -> None:
        extensions.clear()

    def _send(self, request: Request) -> Response:
        answer = self._site.answer(request)
        headers = {"Content-Type": answer.kind}
        body, status = answer.body, answer.status
        if answer.announced == -1:
            pass
        elif span := re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range") or ""):
            whole = answer.announced or len(body)
            first, last = int(span[1]), min(int(span[2] or whole), whole - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{whole}"
            headers["Content-Length"] = str(max(last - first + 1, 0))
            body, status = body[first : last + 1], 206 if status == 200 else status
        elif answer.announced is not None:
            headers["Content-Length"] = str(answer.announced)
        is_cut = int(headers.get("Content-Length", 0)) > len(body)
        stream = _CutShort(body) if is_cut else io.BytesIO(body)
        response = Response(stream, request.url, headers, status=status)
        if status >= 400:
            raise HTTPError(response)
        return response


def replaying(site: Site, seen: list[Json] | None = None) -> Callable[[Json], YoutubeDL]:
    """Opens yt-dlp with `site` in place of the network, and notes the options in `seen`."""

    def open_ytdlp(options: Json) -> YoutubeDL:
        if seen is not None:
            seen.append(dict(options))
        ytdlp = YoutubeDL(options)
        director = ytdlp.build_request_director([partial(ReplayRH, site)])
        ytdlp.__dict__["_request_director"] = director  # a cached property, filled beforehand
        return ytdlp

    return open_ytdlp


def tone(container: str, seconds: float = 2.0) -> bytes:
    """A real file with a hum: webm (opus), m4a (AAC) or wav."""
    codec, rate = {
        "webm": ("libopus", 48_000),
        "m4a": ("aac", 44_100),
        "wav": ("pcm_s16le", 16_000),
    }[container]
    file = io.BytesIO()
    muxer = {"m4a": "mp4"}.get(container, container)
    with av.open(file, "w", format=muxer, options={"fflags": "+bitexact"}) as output:
        stream = output.add_stream(codec, rate=rate, layout="mono")
        times = np.arange(int(seconds * rate)) / rate
        wave = (np.sin(2 * np.pi * 220 * times) * 8000).astype(np.int16)
        size = 960
        for at in range(0, len(wave) - size, size):
            frame = av.AudioFrame.from_ndarray(wave[None, at : at + size], "s16", "mono")
            frame.sample_rate, frame.pts = rate, at
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def json3(*lines: tuple[int, int, str]) -> bytes:
    """A caption track: (start, duration, words), in milliseconds."""
    events = [
        {"tStartMs": start, "dDurationMs": duration, "segs": [{"utf8": words}]}
        for start, duration, words in lines
    ]
    return json.dumps({"wireMagic": "pb3", "events": events}).encode()


def _watch_page(video: Recording) -> str:
    client = {"clientName": "WEB", "clientVersion": "2.20261001.00.00", "hl": "en"}
    settings = {
        "INNERTUBE_CONTEXT": {"client": client},
        "PLAYER_JS_URL": "/s/player/0123abcd/player_ias.vflset/en_US/base.js",
        "STS": 20000,
    }
    return (
        f"<html><script>ytcfg.set({json.dumps(settings)});</script>"
        f"<script>var ytInitialData = {json.dumps(_initial_data(video))};</script></html>"
    )


def _initial_data(video: Recording) -> Json:
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


def _player(video_id: str, video: Recording) -> Json:
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
