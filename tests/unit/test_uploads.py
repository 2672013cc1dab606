"""Files that people send instead of links."""

from __future__ import annotations

import asyncio
import hashlib
import math
from dataclasses import replace

import pytest

from bot.chat import Busy, Refused, Upload
from bot.config import Config
from bot.words import Words
from tests.fakes.chat import FakeChat
from tests.fakes.transcriber import WaitingTranscriber
from tests.harness.fake_core import SAID
from tests.harness.scene import ADA, ANSWER_BUTTONS, HERE, QUEEN, open_scene
from tests.harness.virtual_loop import virtually

EN = Words("en")
BEES = Upload("f1", "How bees dance.mp3", 4)


class Away(FakeChat):
    """Hands nothing out at first."""

    left = 2
    asks_s: float | None = None
    asked_at = -math.inf

    async def download(self, upload, target):
        now = asyncio.get_running_loop().time()
        assert now >= self.asked_at + (self.asks_s or 0), "too early"
        if self.left:
            self.left -= 1
            self.asked_at = now
            raise Busy(self.asks_s)
        await super().download(upload, target)


@pytest.fixture
def config(tmp_path):
    return Config(data_dir=tmp_path)


def with_bees(chat: FakeChat) -> FakeChat:
    chat.uploads[BEES.id] = b"buzz"
    return chat


def kept(tmp_path) -> list[bytes]:
    """The files, and what earlier releases kept."""
    folders = ("files", "parts", "fake")
    found = [path for name in folders for path in (tmp_path / "uploads" / name).rglob("*")]
    return [path.read_bytes() for path in found if path.is_file()]


@virtually
async def test_a_file_is_summarised_and_can_be_asked_about_like_a_link(tmp_path, config):
    async with open_scene(tmp_path, with_bees(FakeChat()), config) as scene:
        await scene.write("", file=BEES, is_to_bot=True)
        await scene.settle()
        [thread] = scene.chat.threads
        assert thread.draft.text == "How bees dance"
        there = scene.inside(f"{thread.place}/{thread.id}")
        assert "Topic" in scene.summary(there).draft.text
        await scene.write(QUEEN, there)
        await scene.settle()
        assert "Nora Lee" in scene.shown(there)[-1].draft.text
        assert kept(tmp_path) == []


@virtually
async def test_a_file_is_kept_across_a_kill_until_its_job_is_done(tmp_path, config):
    transcriber = WaitingTranscriber(*SAID)
    chat = with_bees(FakeChat())
    async with open_scene(tmp_path, chat, config, transcriber=transcriber) as scene:
        await scene.write("", file=BEES, is_to_bot=True)
        await asyncio.sleep(5)
        assert kept(tmp_path) == [b"buzz"]
        chat.uploads.clear()
        await scene.restart()
        assert kept(tmp_path) == [b"buzz"]
        transcriber.go_on.set()
        await scene.settle()
        assert kept(tmp_path) == []
    assert len(chat.threads) == 1


@virtually
async def test_files_of_no_open_request_are_deleted_at_the_start(tmp_path, config):
    async with open_scene(tmp_path, config=config) as scene:
        for folder in ("fake/0123", "parts/fake", "files"):
            left = tmp_path / "uploads" / folder
            left.mkdir(parents=True, exist_ok=True)
            (left / "a.mp3").write_bytes(b"x")
        await scene.restart()
        assert kept(tmp_path) == []


@virtually
async def test_a_file_that_an_earlier_release_kept_stays_until_its_request_is_done(
    tmp_path, config
):
    transcriber = WaitingTranscriber(*SAID)
    async with open_scene(
        tmp_path, with_bees(FakeChat()), config, transcriber=transcriber
    ) as scene:
        await scene.write("", file=BEES, is_to_bot=True)
        await asyncio.sleep(5)
        [request] = await scene.store.requests.open("fake")
        digest = hashlib.sha256(request.id.encode()).hexdigest()[:16]
        old = tmp_path / "uploads" / "fake" / digest
        old.mkdir(parents=True)
        (old / "a.mp3").write_bytes(b"old")
        await scene.restart()
        assert sorted(kept(tmp_path)) == [b"buzz", b"old"]
        transcriber.go_on.set()
        await scene.settle()
        assert kept(tmp_path) == []


@virtually
async def test_a_download_that_fails_leaves_nothing(tmp_path, config):
    class Torn(FakeChat):
        async def download(self, upload, target):
            target.write_bytes(b"half")
            raise Refused("gone")

    async with open_scene(tmp_path, Torn(), config) as scene:
        await scene.write("", file=BEES, is_to_bot=True)
        await scene.settle()
        assert kept(tmp_path) == []


@pytest.mark.parametrize("asks_s", [None, 3.0, 300.0])
@virtually
async def test_a_busy_platform_is_asked_again_after_the_delay_it_requests(tmp_path, config, asks_s):
    chat = with_bees(Away())
    chat.asks_s = asks_s
    async with open_scene(tmp_path, chat, config) as scene:
        await scene.write("", file=BEES, is_to_bot=True)
        await scene.settle()
        assert scene.chat.threads[0].draft.text == "How bees dance"


@virtually
async def test_a_refused_download_is_reported_where_the_file_was_sent(tmp_path, config):
    async with open_scene(tmp_path, config=config) as scene:
        sent = await scene.write("", file=BEES, is_to_bot=True)
        await scene.settle()
        [told] = scene.chat.messages
        assert (told.place, told.draft.reply_to) == (HERE.place, sent.id)
        assert BEES.name in told.draft.text
        assert "20 MB" in told.draft.text
        assert scene.chat.threads == []


@virtually
async def test_a_file_that_is_too_large_is_not_downloaded(tmp_path, config):
    async with open_scene(tmp_path, with_bees(FakeChat()), config) as scene:
        await scene.write("", file=replace(BEES, size=20 * 2**20 + 1), is_to_bot=True)
        await scene.settle()
        [told] = scene.chat.messages
        assert "20 MB" in told.draft.text
        assert scene.chat.threads == []


@virtually
async def test_in_channels_only_files_sent_to_the_bot_are_processed(tmp_path, config):
    async with open_scene(tmp_path, with_bees(FakeChat()), config) as scene:
        sent = await scene.write("", file=BEES)
        await scene.settle()
        assert scene.chat.messages == []
        command = scene.command_event("watch")
        command = type(command)(HERE, "e9", ADA, "watch", {}, sent.id, "", BEES)
        await scene.handlers.command(command)
        await scene.settle()
        assert len(scene.chat.threads) == 1


@virtually
async def test_a_question_before_the_file_is_transcribed_waits_for_it(tmp_path, config):
    transcriber = WaitingTranscriber(*SAID)
    chat = with_bees(FakeChat())
    async with open_scene(tmp_path, chat, config, transcriber=transcriber) as scene:
        await scene.write("", file=BEES, is_to_bot=True)
        await asyncio.sleep(5)
        there = scene.inside(f"a/{chat.threads[0].id}")
        await scene.write(QUEEN, there)
        await asyncio.sleep(5)
        asked = chat.messages[-1]
        assert asked.draft.text == EN("chat.later")
        transcriber.go_on.set()
        await scene.settle()
        assert "Nora Lee" in asked.draft.text


@virtually
async def test_a_question_about_all_videos_waits_for_no_file(tmp_path, config):
    async with open_scene(tmp_path, with_bees(Away()), config) as scene:
        await scene.watched()
        await scene.write("", file=BEES, is_to_bot=True)
        await scene.write(QUEEN, is_to_bot=True)
        await scene.settle()
        answer = next(one for one in scene.shown(HERE) if "Nora Lee" in one.draft.text)
        assert EN("chat.later") not in [draft.text for draft in answer.drafts]


@virtually
async def test_a_forums_post_with_a_file_becomes_its_thread(tmp_path, config):
    async with open_scene(tmp_path, with_bees(FakeChat()), config) as scene:
        post = scene.inside("a/post")
        await scene.write("", post, file=BEES, is_to_bot=True, opens_thread=True)
        await scene.settle()
        await scene.write(QUEEN, post)
        await scene.settle()
        answer = scene.shown(post)[-1].draft
        assert "Nora Lee" in answer.text
        assert len(answer.buttons) in ANSWER_BUTTONS


@pytest.mark.parametrize("name", ["꿀벌" * 100 + ".mp3", "..", "", "a/../b\0.mp3", "\ud800.mp3"])
@virtually
async def test_a_file_with_any_name_can_be_stored(name, tmp_path, config):
    async with open_scene(tmp_path, with_bees(FakeChat()), config) as scene:
        await scene.write("", file=replace(BEES, name=name), is_to_bot=True)
        await scene.settle()
        assert scene.chat.threads
        assert "Topic" in scene.chat.messages[-1].draft.text
