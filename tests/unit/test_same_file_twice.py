"""One file that is sent in two chats: one's cancel or forgetting leaves the other's job alone, and
each chat sees only the name that its own people gave the file (#12)."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import pytest

from bot.chat import Upload
from bot.config import Config
from bot.handlers.autocomplete import autocomplete
from bot.words import Words
from core.errors import NotMedia
from tests.fakes.chat import FakeChat
from tests.fakes.transcriber import FakeTranscriber, WaitingTranscriber
from tests.harness.fake_core import SAID
from tests.harness.scene import (
    ADA,
    BEES_LINK,
    BOB,
    ELSEWHERE,
    HERE,
    MODERATOR,
    QUEEN,
    Speaker,
    open_scene,
)
from tests.harness.virtual_loop import virtually

EN = Words("en")
FIRST = Upload("f1", "Affair of Smith.mp3", 4)
SECOND = Upload("f2", "Lecture.m4a", 4)
THIRD = Upload("f3", "Third.mp3", 4)


@pytest.fixture
def config(tmp_path):
    return Config(data_dir=tmp_path)


@pytest.fixture
def chat():
    chat = FakeChat()
    chat.uploads = dict.fromkeys((FIRST.id, SECOND.id, THIRD.id), b"buzz")
    return chat


def kept(tmp_path):
    return [path for path in (tmp_path / "uploads" / "files").glob("*") if path.is_file()]


async def send_both(scene):
    """Send the file in two chats while another video keeps the jobs waiting; return the places."""
    await scene.write(BEES_LINK)
    await scene.world.transcriber.began.wait()
    await scene.write("", HERE, ADA, file=FIRST, is_to_bot=True)
    await scene.write("", ELSEWHERE, BOB, file=SECOND, is_to_bot=True)
    await asyncio.sleep(10)
    _, first, second = (f"{thread.place}/{thread.id}" for thread in scene.chat.threads)
    return scene.inside(first), scene.inside(second)


@pytest.mark.parametrize("ends_by", ["cancel", "forget"])
@virtually
async def test_the_job_runs_on_for_the_chat_that_still_waits(tmp_path, chat, config, ends_by):
    transcriber = WaitingTranscriber(*SAID)
    async with open_scene(tmp_path, chat, config, transcriber=transcriber) as scene:
        first, second = await send_both(scene)
        if ends_by == "cancel":
            job = (await scene.core.pending("fake:a"))[-1]
            assert await scene.command("cancel", job=job.id)
        else:
            assert "Deleted" in await scene.command(
                "forget", HERE, MODERATOR, video="affair of smith"
            )
        await asyncio.sleep(10)
        assert EN("chat.stopped") in [one.draft.text for one in scene.shown(first)]
        assert len(kept(tmp_path)) == 1
        transcriber.go_on.set()
        await scene.settle()
        assert "Topic" in scene.summary(second).draft.text
        assert await scene.core.count_videos("fake:b") == 1
        assert kept(tmp_path) == []


@virtually
async def test_the_file_is_kept_once_under_a_random_name_until_its_last_user_is_gone(
    tmp_path, chat, config
):
    transcriber = WaitingTranscriber(*SAID)
    async with open_scene(tmp_path, chat, config, transcriber=transcriber) as scene:
        await send_both(scene)
        [path] = kept(tmp_path)
        assert re.fullmatch("[0-9a-f]{32}", path.name)
        for job in await scene.core.pending():
            if job.order.file:
                assert path.exists()
                await scene.core.cancel(job.id)
                await asyncio.sleep(10)
        assert kept(tmp_path) == []
        transcriber.go_on.set()
        await scene.settle()


@virtually
async def test_a_restart_counts_the_users_again(tmp_path, chat, config):
    transcriber = WaitingTranscriber(*SAID)
    async with open_scene(tmp_path, chat, config, transcriber=transcriber) as scene:
        await send_both(scene)
        chat.uploads.clear()
        await scene.restart()
        assert len(kept(tmp_path)) == 1
        transcriber.go_on.set()
        await scene.settle()
        assert kept(tmp_path) == []


@virtually
async def test_two_data_folders_give_a_file_two_names(tmp_path, chat):
    names = set()
    for folder in ("one", "two"):
        transcriber = WaitingTranscriber(*SAID)
        config = Config(data_dir=tmp_path / folder)
        async with open_scene(tmp_path, chat, config, transcriber=transcriber) as scene:
            await scene.write("", file=FIRST, is_to_bot=True)
            await asyncio.sleep(5)
            names |= {path.name for path in kept(tmp_path / folder)}
            transcriber.go_on.set()
            await scene.settle()
    assert len(names) == 2


@pytest.mark.parametrize("model", [None, Speaker("Nora Lee found the queen [2].")])
@virtually
async def test_each_chat_sees_its_own_name_of_the_file_everywhere(tmp_path, chat, config, model):
    async with open_scene(tmp_path, chat, config, model=model) as scene:
        for where, person, file in ((HERE, ADA, FIRST), (ELSEWHERE, BOB, SECOND)):
            await scene.write("", where, person, file=file, is_to_bot=True)
            await scene.settle()
        second = scene.inside(f"{chat.threads[1].place}/{chat.threads[1].id}")
        assert [thread.draft.text for thread in chat.threads] == ["Affair of Smith", "Lecture"]
        assert await scene.command("videos") != await scene.command("videos", ELSEWHERE)
        replies = [
            await scene.command("videos", ELSEWHERE),
            await scene.command("search", ELSEWHERE, words="queen"),
            await scene.command("proof", second),
        ]
        assert "Lecture" in replies[0]
        found = await scene.command("search", ELSEWHERE, words="smith")
        assert found.splitlines()[0] == "No sentence says “smith”."
        export = await scene.handlers.command(
            scene.command_event("transcript", ELSEWHERE, format="md")
        )
        assert "Lecture" in export.file.text
        await scene.write(QUEEN, second)
        await scene.command("ask", ELSEWHERE, question=QUEEN)
        await scene.command("summary", ELSEWHERE)
        await scene.settle()
        typed = scene.command_event("transcript", ELSEWHERE)
        context = scene.handlers.requests._context
        [(label, video_id)] = await autocomplete(context, typed, "video", "")
        assert label == "Lecture"
        assert await autocomplete(context, typed, "video", "smith") == []
        seen = [repr(one.drafts) for one in chat.messages if one.place.startswith("b")]
        stored = [repr(scene.store.chunks._shelf.chunks), repr(scene.store.videos._shelf.summaries)]
        asked = [repr(prompt) for prompt in getattr(model, "asked", [])]
        for text in (*replies, export.file.text, *seen, *stored, *asked):
            assert "Smith" not in text
        assert any("Lecture" in text for text in seen)
        assert "Affair of Smith" in await scene.command("videos")
        assert await scene.command("transcript", video=video_id)


@virtually
async def test_a_waiting_job_has_the_name_that_its_chat_gave(tmp_path, chat, config):
    transcriber = WaitingTranscriber(*SAID)
    async with open_scene(tmp_path, chat, config, transcriber=transcriber) as scene:
        _, second = await send_both(scene)
        assert "Lecture" in await scene.command("status", ELSEWHERE)
        assert "Affair of Smith" in await scene.command("status")
        assert all("Smith" not in repr(one.drafts) for one in scene.shown(second))
        transcriber.go_on.set()
        await scene.settle()


@virtually
async def test_an_error_of_the_shared_work_names_each_chats_own_file(tmp_path, chat, config):
    transcriber = FakeTranscriber(failure=NotMedia("5e0f"))
    async with open_scene(tmp_path, chat, config, transcriber=transcriber) as scene:
        await scene.write("", HERE, ADA, file=FIRST, is_to_bot=True)
        await scene.write("", ELSEWHERE, BOB, file=SECOND, is_to_bot=True)
        await scene.settle()
        for thread, own in zip(chat.threads, (FIRST, SECOND), strict=True):
            told = scene.shown(scene.inside(f"{thread.place}/{thread.id}"))[-1].draft.text
            assert own.name in told
            assert "5e0f" not in told


@virtually
async def test_a_summary_of_a_file_can_be_shown_again_and_translated(tmp_path, chat, config):
    model = Speaker("Nora Lee found the queen [2].")
    async with open_scene(tmp_path, chat, config, model=model) as scene:
        await scene.write("", file=FIRST, is_to_bot=True)
        await scene.settle()
        before = len(chat.messages)
        await scene.command("summary")
        await scene.settle()
        await scene.command("translate", language="ko")
        await scene.settle()
        topics = [one.draft.text for one in chat.messages[before:] if len(one.draft.buttons) == 6]
        assert len(topics) == 2
        assert len(scene.world.transcriber.heard) == 1


@virtually
async def test_the_same_subtitles_under_two_kinds_of_name_are_one_file(tmp_path, chat, config):
    transcriber = WaitingTranscriber(*SAID)
    async with open_scene(tmp_path, chat, config, transcriber=transcriber) as scene:
        await scene.write(BEES_LINK)
        await transcriber.began.wait()
        for where, name in ((HERE, "a.srt"), (ELSEWHERE, "b.vtt")):
            await scene.write("", where, file=replace(FIRST, name=name), is_to_bot=True)
        await asyncio.sleep(10)
        [path] = kept(tmp_path)
        assert path.suffix == ".srt"
        for job in await scene.core.pending():
            await scene.core.cancel(job.id)
        await scene.settle()
