"""The contract of `Fetcher`: the fake, yt-dlp over recorded responses, and the fetch child, in
which the whole program runs yt-dlp.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from core import config
from core.backends.youtube import YouTube
from core.config import Limits
from core.errors import DownloadFailed, NoCaptions, VideoLive, VideoPrivate, VideoRemoved
from core.model import CaptionTrack, Progress, Segment, Transcript, Video
from core.ports import Fetcher
from core.workers.limits import FETCH
from core.workers.remote_backends import RemoteFetcher
from core.workers.supervisor import ChildSupervisor
from tests.counterparts.youtube.recorded_videos import (
    CAPTIONED,
    CUT_SHORT,
    HUM,
    LIVE,
    PRIVATE,
    REMOVED,
    SITE,
)
from tests.counterparts.youtube.site import replaying
from tests.fakes.fetcher import FakeFetcher
from tests.harness.terminal import REPLAY

pytestmark = pytest.mark.asyncio(loop_scope="module")  # one child for all tests

SAID = (
    Segment(0.0, 4.0, "Bees dance to show where the flowers are."),
    Segment(4.0, 8.0, "The angle of the dance is the direction of the food."),
    Segment(8.0, 12.0, "The longer the dance, the further away the food."),
)
TRACKS = (
    CaptionTrack("en", "en", automatic=False),
    CaptionTrack("de-DLpTm1EsEcg", "de", automatic=False),
    CaptionTrack("en-orig", "en", automatic=True),
)


class Fakes:
    """One fake per outcome, chosen by the video's id."""

    def __init__(self) -> None:
        captioned = Video(
            CAPTIONED,
            "The dance of the bees",
            "The Hive",
            12.0,
            "All about #bees and the #Waggle dance.",
            ("bees", "Waggle", "honey"),
            thumbnail_url=f"https://i.ytimg.com/vi/{CAPTIONED}/default.jpg",
            caption_tracks=TRACKS,
            language="en",
        )
        said = {"en": SAID, "de-DLpTm1EsEcg": (Segment(0.0, 0.9, "Biene"),), "en-orig": ()}
        audio = SITE.videos[HUM].media
        self._fetchers = {
            CAPTIONED: FakeFetcher(captioned, said=said),
            HUM: FakeFetcher(Video(HUM, "The dance of the bees"), audio=audio),
            PRIVATE: FakeFetcher(failures={"look_up": VideoPrivate()}),
            LIVE: FakeFetcher(failures={"look_up": VideoLive()}),
            REMOVED: FakeFetcher(),
            CUT_SHORT: FakeFetcher(
                Video(CUT_SHORT, "x"), failures={"download": DownloadFailed("cut")}
            ),
        }

    async def look_up(self, video_id: str) -> Video:
        return await self._fetchers[video_id].look_up(video_id)

    async def download(self, video: Video, folder: Path, on_progress) -> Path:
        return await self._fetchers[video.id].download(video, folder, on_progress)

    async def captions(self, video: Video, language: str) -> Transcript:
        return await self._fetchers[video.id].captions(video, language)


class Threaded:
    """Adapts the synchronous backend to the async port."""

    def __init__(self, youtube: YouTube) -> None:
        self._youtube = youtube

    async def look_up(self, video_id: str) -> Video:
        return await asyncio.to_thread(self._youtube.look_up, video_id)

    async def download(self, video: Video, folder: Path, on_progress) -> Path:
        return await asyncio.to_thread(self._youtube.download, video, folder, on_progress)

    async def captions(self, video: Video, language: str) -> Transcript:
        return await asyncio.to_thread(self._youtube.captions, video, language)


@pytest_asyncio.fixture(params=["fake", "yt-dlp", "child"], scope="module", loop_scope="module")
async def fetcher(request, tmp_path_factory):
    async with AsyncExitStack() as stack:
        if request.param == "fake":
            yield Fakes()
        elif request.param == "yt-dlp":
            yield Threaded(YouTube(config.YouTube(), Limits(), replaying(SITE)))
        else:
            environment = stack.enter_context(pytest.MonkeyPatch.context())
            environment.setenv("PYTHONPATH", REPLAY["PYTHONPATH"])
            setup = {"youtube": config.YouTube(), "limits": Limits(), "max_file_bytes": 10**9}
            worker = ChildSupervisor(FETCH, setup)
            yield RemoteFetcher(await stack.enter_async_context(worker))


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "audio"
    path.mkdir()
    return path


async def test_looking_up_a_video_returns_its_metadata(fetcher: Fetcher):
    video = await fetcher.look_up(CAPTIONED)
    assert (video.id, video.title, video.channel_name) == (
        CAPTIONED,
        "The dance of the bees",
        "The Hive",
    )
    assert (video.duration_s, video.language) == (12.0, "en")
    assert video.hashtags == ("bees", "Waggle", "honey")
    assert video.caption_tracks == TRACKS
    assert video.url == f"https://youtu.be/{CAPTIONED}"


@pytest.mark.parametrize(
    ("video_id", "refusal"), [(PRIVATE, VideoPrivate), (LIVE, VideoLive), (REMOVED, VideoRemoved)]
)
async def test_an_unusable_video_is_refused_at_look_up(fetcher: Fetcher, video_id, refusal):
    with pytest.raises(refusal):
        await fetcher.look_up(video_id)


async def test_the_audio_is_one_file_in_the_folder_and_progress_is_reported(
    fetcher: Fetcher, folder
):
    told: list[Progress] = []
    video = await fetcher.look_up(HUM)
    path = await fetcher.download(video, folder, told.append)
    assert list(folder.iterdir()) == [path]
    assert path.name.startswith(HUM)
    assert path.read_bytes() == SITE.videos[HUM].media
    assert {progress.stage for progress in told} == {"download"}
    assert [progress.fraction for progress in told] == sorted({p.fraction for p in told})
    assert told[-1].fraction == 1.0


async def test_incomplete_audio_is_a_failed_download(fetcher: Fetcher, folder):
    video = await fetcher.look_up(CUT_SHORT)
    with pytest.raises(DownloadFailed):
        await fetcher.download(video, folder, lambda progress: None)


@pytest.mark.parametrize(
    ("language", "key", "code", "words"),
    [
        ("", "en", "en", SAID[0].text),
        ("en", "en", "en", SAID[0].text),
        ("de", "de-DLpTm1EsEcg", "de", "Biene"),
        ("fr", "en", "en", SAID[0].text),
    ],
)
async def test_captions_come_from_the_best_track(fetcher: Fetcher, language, key, code, words):
    video = await fetcher.look_up(CAPTIONED)
    transcript = await fetcher.captions(video, language)
    assert transcript.video_id == CAPTIONED
    assert transcript.source == "captions"
    assert (transcript.recipe, transcript.language) == (f"captions:{key}", code)
    assert transcript.segments[0].text == words


async def test_captions_keep_text_and_times(fetcher: Fetcher):
    video = await fetcher.look_up(CAPTIONED)
    assert (await fetcher.captions(video, "")).segments == SAID


async def test_a_video_without_captions_is_an_error(fetcher: Fetcher):
    video = await fetcher.look_up(HUM)
    with pytest.raises(NoCaptions):
        await fetcher.captions(video, "")
