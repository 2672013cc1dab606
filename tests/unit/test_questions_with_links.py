"""A question beside a link is answered, and links beyond the limit are told."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.chat import Where
from bot.config import Config
from bot.words import Words
from core.chat_records import AskRequest
from core.config import Limits
from core.errors import VideoPrivate
from tests.fakes.chat import FakeChat, Shown
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.transcriber import WaitingTranscriber
from tests.harness.fake_core import BEES, SAID
from tests.harness.scene import (
    ANSWER_BUTTONS,
    BEES_LINK,
    HERE,
    MODERATOR,
    QUEEN,
    Scene,
    open_scene,
)
from tests.harness.virtual_loop import virtually
from tests.unit.test_watch_request import OTHER_LINK, Threadless

EN = Words("en")
PRIVATE = Where("p", "fake:p")


class Private(FakeChat):
    """Without threads: what is about a video stands in the place itself."""

    async def open_thread(self, place: str, message_id: str, title: str, key: str) -> str:
        return place


def answers(scene: Scene, place: str) -> list[Shown]:
    found = [shown for shown in scene.chat.messages if shown.place == place]
    return [shown for shown in found if len(shown.draft.buttons) in ANSWER_BUTTONS]


def about(scene: Scene) -> list[str]:
    """The videos that were asked about, question by question."""
    stored = scene.store.requests._kept.values()
    return [request.video_id for request, _ in stored if isinstance(request, AskRequest)]


@virtually
async def test_in_a_channel_it_is_answered_in_the_linked_videos_thread_below_the_summary(tmp_path):
    transcriber = WaitingTranscriber(*SAID)
    async with open_scene(tmp_path, transcriber=transcriber) as scene:
        await scene.write(f"{BEES_LINK} {QUEEN}")
        await asyncio.sleep(30)
        [thread] = scene.chat.threads
        assert len(scene.shown(scene.inside(f"a/{thread.id}"))) == 1, "the progress, and no more"
        transcriber.go_on.set()
        await scene.settle()
        inside = scene.inside(f"a/{thread.id}")
        [answer] = answers(scene, inside.place)
        assert scene.shown(inside)[-1] is answer
        assert "Nora Lee" in answer.draft.text
        assert answer.draft.reply_to == ""
        assert scene.shown(HERE) == []
        assert len(await scene.store.threads.turns(HERE.channel, inside.place, 9)) == 1


@virtually
async def test_it_survives_a_restart_while_the_video_is_processed(tmp_path):
    transcriber = WaitingTranscriber(*SAID)
    async with open_scene(tmp_path, transcriber=transcriber) as scene:
        await scene.write(f"{BEES_LINK} {QUEEN}")
        await asyncio.sleep(30)
        await scene.restart()
        transcriber.go_on.set()
        await scene.settle()
        [thread] = scene.chat.threads
        assert len(answers(scene, f"a/{thread.id}")) == 1


@virtually
async def test_a_known_videos_question_is_answered_in_its_new_thread(tmp_path):
    async with open_scene(tmp_path) as scene:
        await scene.watched()
        await scene.write(f"{QUEEN} {BEES_LINK}")
        await scene.settle()
        assert len(answers(scene, f"a/{scene.chat.threads[1].id}")) == 1


@virtually
async def test_in_a_videos_thread_it_is_about_the_threads_video(tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        text = "Who found the queen of the hive in Arden, and is it told otherwise in"
        await scene.write(f"{text} {OTHER_LINK}?", thread)
        await scene.settle()
        assert about(scene) == [BEES.id]
        assert len(answers(scene, thread.place)) == 1
        [turn] = await scene.store.threads.turns(HERE.channel, thread.place, 9)
        assert turn.question == f"{text}?"
        assert "bbbbbbbbbbb" in scene.summary(thread).draft.text


@pytest.mark.parametrize("is_private", [False, True])
@virtually
async def test_where_there_are_no_threads_it_is_answered_at_the_place(is_private, tmp_path):
    chat, where = (Private(), PRIVATE) if is_private else (Threadless(), HERE)
    async with open_scene(tmp_path, chat=chat) as scene:
        await scene.write(OTHER_LINK, where, is_to_bot=is_private)
        await scene.settle()
        await scene.write(f"{BEES_LINK} {QUEEN}", where, is_to_bot=is_private, id="asked")
        await scene.settle()
        [answer] = answers(scene, where.place)
        assert answer.draft.reply_to == "asked"
        assert about(scene) == [BEES.id]
        await scene.write("What of Kelso?", where, reply_to=answer.id, is_to_bot=is_private)
        await scene.settle()
        assert about(scene) == [BEES.id] * 2


@virtually
async def test_words_that_only_introduce_a_link_are_no_question(tmp_path):
    async with open_scene(tmp_path) as scene:
        await scene.write(f"look at this {BEES_LINK}")
        await scene.write(f"이거 봐 {BEES_LINK}")
        await scene.settle()
        assert about(scene) == []


@virtually
async def test_with_mention_only_a_question_beside_a_link_needs_a_mention(tmp_path):
    async with open_scene(tmp_path) as scene:
        await scene.command("settings", author=MODERATOR, mention_only="true")
        await scene.write(f"{BEES_LINK} {QUEEN}")
        await scene.settle()
        assert about(scene) == []
        await scene.write(f"{BEES_LINK} {QUEEN}", is_to_bot=True)
        await scene.settle()
        assert about(scene) == [BEES.id]


@virtually
async def test_a_failed_video_is_told_once(tmp_path):
    fetcher = FakeFetcher(replace(BEES), failures={"look_up": VideoPrivate()})
    async with open_scene(tmp_path, fetcher=fetcher) as scene:
        await scene.write(f"{BEES_LINK} {QUEEN}")
        await scene.settle()
        [told] = scene.chat.messages
        assert EN("errors.video_private.message") in told.draft.text
        assert await scene.store.requests.open("fake") == []


@virtually
async def test_who_may_add_no_video_gets_no_answer_about_it(tmp_path):
    async with open_scene(tmp_path) as scene:
        await scene.command("settings", author=MODERATOR, who_watch="moderators")
        await scene.write(f"{BEES_LINK} {QUEEN}")
        await scene.settle()
        assert scene.chat.messages == scene.chat.threads == []


@virtually
async def test_links_beyond_the_limit_are_told(tmp_path):
    async with open_scene(tmp_path, config=Config(limits=Limits(links_per_message=1))) as scene:
        await scene.write(f"{BEES_LINK} {OTHER_LINK} https://youtu.be/ccccccccccc")
        await scene.settle()
        assert len(scene.chat.threads) == 1
        [told] = scene.shown(HERE)
        assert told.draft.text == EN("chat.links_left", most=1, left=2)
