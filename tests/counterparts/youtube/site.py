"""YouTube as yt-dlp sees it: recorded responses below its `urlopen`.

    site = Site({ID: Recording(title="Bees", media=tone("webm"))})
    youtube = YouTube(config.YouTube(), Limits(), replaying(site))

A request without a recorded response fails to connect, so nothing leaves the machine. For the whole
program with its child process, see tests/counterparts/youtube/replay.
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

from tests.counterparts.youtube.pages import (
    DOWN,
    Answer,
    Json,
    Recording,
    initial_data,
    player,
    watch_page,
)

ID = "dQw4w9WgXcQ"
JSON = "application/json"


@dataclass
class Site:
    """All of YouTube. `asked`: the kinds of the requests, in order; media with their itag."""

    videos: Mapping[str, Recording]
    asked: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def answer(self, request: Request) -> Answer:
        """The recorded response. Raises TransportError if there is none."""
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
            return Answer(watch_page(video).encode())
        if kind == "next":
            return Answer(json.dumps(initial_data(video)).encode(), kind=JSON)
        if kind == "player":
            return Answer(json.dumps(player(video_id, video)).encode(), kind=JSON)
        if kind == "captions":
            asked = parse_qs(query)
            track = next(t for t in video.tracks if t.vss_id == asked["name"][0])
            return Answer(track.body, kind=JSON)
        return Answer(video.media, kind="application/octet-stream")


class _CutShort(io.BytesIO):
    """A body that ends before its announced length, which the network layer detects."""

    def read(self, size: int | None = -1) -> bytes:
        if not (data := super().read(size)):
            raise IncompleteRead(self.tell())
        return data


class ReplayRH(RequestHandler):
    """yt-dlp request handler that reads from a Site instead of the network."""

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
    """Return a function that opens yt-dlp on `site` and records the options in `seen`."""

    def open_ytdlp(options: Json) -> YoutubeDL:
        if seen is not None:
            seen.append(dict(options))
        ytdlp = YoutubeDL(options)
        director = ytdlp.build_request_director([partial(ReplayRH, site)])
        ytdlp.__dict__["_request_director"] = director  # pre-fill a cached property
        return ytdlp

    return open_ytdlp


def tone(container: str, seconds: float = 2.0) -> bytes:
    """Encode a short hum as webm (opus), m4a (AAC) or wav."""
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
