"""Thousands of messages through the real handlers, and yt-dlp behind a proxy that records whom it
asks and lets nothing out."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from bot.chat import Command, Message, Where
from bot.config import Config, Quotas
from core import config
from core.backends.youtube import YouTube
from core.config import Limits
from core.links import find_video_ids
from core.model import Transcript, Video
from core.ports import ProgressCallback
from tests.counterparts.youtube.pages import Recording
from tests.counterparts.youtube.site import Site, replaying, tone
from tests.harness.link_forms import Sample
from tests.harness.recording_proxy import RecordingProxy
from tests.harness.scene import ADA, HERE, MODERATOR, Scene, open_scene

OURS = re.compile(r"(?:[\w-]+\.)*(?:youtube\.com|googlevideo\.com)|youtubei\.googleapis\.com")
"""The only hosts that may be asked."""
REPLAYED = 20
"""Of so many videos one is on the recorded site, and is fetched whole."""
PLENTY = 10**6
_HOSTILE = "See https://evil.example/x and file:///etc/passwd, #EXTM3U, ytdl:evil.example"
_asked_beyond: list[str] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])
    elif event == "socket.getaddrinfo":
        host = str(arguments[0])
    else:
        return
    if host not in ("127.0.0.1", "localhost"):
        _asked_beyond.append(host)


@dataclass
class StormFetcher:
    """`Fetcher` on the real yt-dlp with the real options: through the proxy, and for some videos
    on a recorded site. `ids`: of what was looked up."""

    proxy: RecordingProxy
    site: Site
    ids: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        settings, limits = config.YouTube(proxy=self.proxy.url), Limits()
        self._real = YouTube(settings, limits)
        self._replayed = YouTube(settings, limits, replaying(self.site))

    async def look_up(self, video_id: str) -> Video:
        self.ids.append(video_id)
        return await asyncio.to_thread(self._youtube(video_id).look_up, video_id)

    async def download(self, video: Video, folder: Path, on_progress: ProgressCallback) -> Path:
        youtube = self._youtube(video.id)
        return await asyncio.to_thread(youtube.download, video, folder, on_progress)

    async def captions(self, video: Video, language: str) -> Transcript:
        return await asyncio.to_thread(self._youtube(video.id).captions, video, language)

    def _youtube(self, video_id: str) -> YouTube:
        return self._replayed if sum(video_id.encode()) % REPLAYED == 0 else self._real


class EveryVideo(Mapping[str, Recording]):
    """A site that has every video, with a stranger's words around it."""

    def __init__(self) -> None:
        self._one = Recording(title=_HOSTILE, description=_HOSTILE, media=tone("webm", 0.5))

    def __getitem__(self, video_id: str) -> Recording:
        return self._one

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class Crashes(logging.Handler):
    """Collects what is logged as an error: an unexpected exception is."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(f"{record.getMessage()} {record.exc_info and record.exc_info[1]!r}")


@dataclass
class Storm:
    """What happened."""

    messages: int = 0
    linked: int = 0
    looked_up: int = 0
    requests: int = 0
    hosts: set[str] = field(default_factory=set)
    kinds: Counter[str] = field(default_factory=Counter)


async def endure(folder: Path, wanted: Iterator[Sample], proxy: RecordingProxy) -> Storm:
    """Send every message as one of the events that carry text. Raises AssertionError for a crash, a
    link that was not found, one that was not there, and a host that is not YouTube's."""
    if not getattr(sys, "_storm_is_audited", False):
        sys.addaudithook(_audit)
        sys._storm_is_audited = True  # type: ignore[attr-defined]
    fetcher, crashes, storm = StormFetcher(proxy, Site(EveryVideo())), Crashes(), Storm()
    quotas = Quotas(**dict.fromkeys(Quotas.model_fields, PLENTY))
    logging.getLogger().addHandler(crashes)
    try:
        async with open_scene(
            folder, config=Config(data_dir=folder, quotas=quotas), fetcher=fetcher
        ) as scene:
            for sample, number in zip(wanted, count()):
                before, begin = len(fetcher.ids), len(proxy.hosts)
                await _send(scene, sample, number)
                await scene.settle()
                _judge(sample, number, fetcher.ids[before:], crashes)
                storm.hosts |= set(proxy.hosts[begin:]) | fetcher.site.hosts
                strange = [host for host in storm.hosts if not OURS.fullmatch(host)]
                assert not strange + _asked_beyond, f"asked {strange or _asked_beyond}: {sample!r}"
                storm.messages += 1
                storm.linked += bool(fetcher.ids[before:])
                storm.kinds[sample.kind] += 1
                del scene.chat.messages[:-50], scene.chat.threads[:-50]
            storm.looked_up, storm.requests = len(fetcher.ids), len(proxy.hosts)
            storm.requests += len(fetcher.site.asked)
    finally:
        logging.getLogger().removeHandler(crashes)
    return storm


async def _send(scene: Scene, sample: Sample, number: int) -> None:
    """As a message where links are watched, a message to the bot, or an option of a command."""
    text, where = sample.text, HERE if number % 2 else Where("dm", "fake:dm")
    way = 0 if sample.kind == "link" else number % 5
    if way < 2:
        await scene.handlers.message(Message(where, f"s{number}", ADA, text, is_to_bot=bool(way)))
    elif way == 2:
        await _command(scene, where, number, "watch", {"link": text})
    else:
        name = ("transcript", "search", "ask", "forget", "settings", "cancel")[number % 6]
        options = dict.fromkeys(("video", "words", "question", "language", "job", "format"), text)
        await _command(scene, where, number, name, options)
        for option in ("video", "job", "language"):
            event = Command(where, f"s{number}", ADA, name, options)
            await scene.handlers.suggest(event, option, text)


async def _command(
    scene: Scene, where: Where, number: int, name: str, options: dict[str, str]
) -> None:
    draft = await scene.handlers.command(Command(where, f"s{number}", MODERATOR, name, options))
    if draft:
        scene.chat._check(draft)  # what the platform would refuse


def _judge(sample: Sample, number: int, asked: list[str], crashes: Crashes) -> None:
    assert not crashes.found, f"{crashes.found}: {sample.text[:300]!r}"
    expected = sample.ids if sample.ids is not None else find_video_ids(sample.text)[:3]
    assert set(asked) <= set(expected), f"looked up {asked} for {sample.text[:300]!r}"
    assert all(re.fullmatch(r"[\w-]{11}", one, re.ASCII) and one in sample.text for one in asked)
    if sample.kind == "link":
        assert find_video_ids(sample.text) == list(expected), f"not found: {sample.text!r}"
