"""Conversations where no thread is opened: in private chats, and by replies in channels."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.chat import Refused, Where
from bot.words import Words
from core.errors import VideoPrivate
from core.model import Video
from tests.fakes.chat import FakeChat
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.transcriber import WaitingTranscriber
from tests.harness.fake_core import BEES, SAID
from tests.harness.scene import BEES_LINK, HERE, QUEEN, Scene, Speaker, open_scene
from tests.harness.virtual_loop import virtually

EN = Words("en")
PRIVATE = Where("p", "fake:p")
OTHER_LINK = "https://youtu.be/bbbbbbbbbbb"


class Private(FakeChat):
    """The place itself is as near to a thread as it gets."""

    async def open_thread(self, place: str, message_id: str, title: str, key: str) -> str:
        return place

    async def rename_thread(self, thread: str, title: str) -> None:
        pass


class Threadless(FakeChat):
    async def open_thread(self, place: str, message_id: str, title: str, key: str) -> str:
        raise Refused("no threads here")


class Sometimes(FakeFetcher):
    """Takes its time, and does not get at any other video than the first."""

    async def look_up(self, video_id: str) -> Video:
        await asyncio.sleep(10)
        if video_id != BEES.id:
            raise VideoPrivate()
        return await super().look_up(video_id)


class Sketching(Private):
    """Shows what is being written without a message."""

    def __init__(self) -> None:
        super().__init__()
        self.previews = []


def last(scene: Scene, where: Where) -> str:
    return scene.shown(where)[-1].draft.text


async def asked_videos(scene: Scene) -> set[str]:
    """What the last answer was bound to, by its buttons."""
    buttons = scene.shown(PRIVATE)[-1].draft.buttons
    return {(await scene.store.buttons.get(button.id)).video_id for button in buttons}


@virtually
async def test_a_question_in_a_private_chat_is_about_its_last_video(tmp_path):
    async with open_scene(tmp_path, Private()) as scene:
        for link in (BEES_LINK, OTHER_LINK):
            await scene.write(link, PRIVATE, is_to_bot=True)
            await scene.settle()
        await scene.write(QUEEN, PRIVATE, is_to_bot=True)
        await scene.settle()
        assert await asked_videos(scene) == {"bbbbbbbbbbb"}
        assert f"“{BEES.title}”" in last(scene, PRIVATE), "nobody need guess which video is meant"
        first = scene.shown(PRIVATE)[1]
        await scene.write(QUEEN, PRIVATE, is_to_bot=True, reply_to=first.id)
        await scene.settle()
        assert await asked_videos(scene) == {"aaaaaaaaaaa"}


@virtually
async def test_in_a_private_chat_a_reply_or_a_press_switches_to_its_video(tmp_path):
    async with open_scene(tmp_path, Private()) as scene:
        for link in (BEES_LINK, OTHER_LINK):
            await scene.write(link, PRIVATE, is_to_bot=True)
            await scene.settle()
        bees, others = (one for one in scene.shown(PRIVATE) if len(one.draft.buttons) == 6)
        await scene.press(bees, bees.draft.buttons[0].label, where=PRIVATE)
        await scene.settle()
        await scene.write(QUEEN, PRIVATE, is_to_bot=True)
        await scene.settle()
        assert await asked_videos(scene) == {"aaaaaaaaaaa"}
        answer = scene.shown(PRIVATE)[-1]
        await scene.write(QUEEN, PRIVATE, is_to_bot=True, reply_to=others.id)
        await scene.settle()
        assert await asked_videos(scene) == {"bbbbbbbbbbb"}
        await scene.write(QUEEN, PRIVATE, is_to_bot=True, reply_to=answer.id)
        await scene.settle()
        assert await asked_videos(scene) == {"aaaaaaaaaaa"}
        await scene.command("summary", PRIVATE, video="bbbbbbbbbbb")
        await scene.settle()
        await scene.write(QUEEN, PRIVATE, is_to_bot=True)
        await scene.settle()
        assert await asked_videos(scene) == {"bbbbbbbbbbb"}


@virtually
async def test_in_private_a_reply_to_a_link_is_about_its_video(tmp_path):
    async with open_scene(tmp_path, Private()) as scene:
        links = []
        for link in (BEES_LINK, OTHER_LINK):
            links.append(await scene.write(link, PRIVATE, is_to_bot=True))
            await scene.settle()
        await scene.write(QUEEN, PRIVATE, is_to_bot=True, reply_to=links[0].id)
        await scene.settle()
        assert await asked_videos(scene) == {"aaaaaaaaaaa"}


@virtually
async def test_in_private_each_video_has_a_conversation_of_its_own(tmp_path):
    async with open_scene(tmp_path, Private()) as scene:
        bindings = []
        for link in (BEES_LINK, OTHER_LINK):
            await scene.write(link, PRIVATE, is_to_bot=True)
            await scene.settle()
            await scene.write(QUEEN, PRIVATE, is_to_bot=True)
            await scene.settle()
            bindings.append(await scene.store.bindings.find("fake", PRIVATE.place))
        for room in bindings:
            assert len(await scene.store.threads.turns(room.channel, room.thread, 9)) == 1


@pytest.mark.parametrize("is_killed", [False, True])
@virtually
async def test_in_a_private_chat_a_failed_video_does_not_become_the_current_one(
    is_killed, tmp_path
):
    async with open_scene(tmp_path, Private(), fetcher=Sometimes(BEES)) as scene:
        await scene.write(BEES_LINK, PRIVATE, is_to_bot=True)
        await scene.settle()
        await scene.write(OTHER_LINK, PRIVATE, is_to_bot=True)
        await asyncio.sleep(1)
        if is_killed:
            await scene.restart()
        await scene.settle()
        await scene.write(QUEEN, PRIVATE, is_to_bot=True)
        await scene.settle()
        assert await asked_videos(scene) == {"aaaaaaaaaaa"}


@virtually
async def test_in_a_channel_more_questions_continue_the_videos_conversation(tmp_path):
    async with open_scene(tmp_path, Threadless()) as scene:
        for link in (BEES_LINK, OTHER_LINK):
            await scene.write(link)
            await scene.settle()
        bees = next(one for one in scene.shown(HERE) if len(one.draft.buttons) == 6)
        await scene.press(bees, EN("chat.buttons.more"))
        await scene.settle()
        more = scene.shown(HERE)[-1]
        assert more.draft.reply_to == bees.id
        await scene.press(more, more.draft.buttons[0].label)
        await scene.settle()
        answer = scene.shown(HERE)[-1]
        assert f"“{BEES.title}”" in answer.draft.text, "nobody need guess which video is meant"
        await scene.write(QUEEN, reply_to=answer.id, is_to_bot=True)
        await scene.settle()
        room = await scene.store.bindings.find("fake", HERE.place, bees.id)
        assert len(await scene.store.threads.turns(room.channel, room.thread, 9)) == 2


@virtually
async def test_below_an_answer_about_all_videos_a_question_about_one_says_so(tmp_path):
    async with open_scene(tmp_path, Threadless()) as scene:
        await scene.write(BEES_LINK)
        await scene.settle()
        await scene.command("ask", question=QUEEN)
        await scene.settle()
        answer = scene.shown(HERE)[-1]
        await scene.press(answer, answer.draft.buttons[0].label)
        await scene.settle()
        answer = scene.shown(HERE)[-1]
        assert f"“{BEES.title}”" in answer.draft.text
        await scene.write(QUEEN, reply_to=answer.id, is_to_bot=True)
        await scene.settle()
        buttons = [await scene.store.buttons.get(b.id) for b in scene.shown(HERE)[-1].draft.buttons]
        assert {button.video_id for button in buttons} == {"aaaaaaaaaaa"}


@virtually
async def test_in_a_private_chat_a_watch_command_switches_to_its_video(tmp_path):
    async with open_scene(tmp_path, Private()) as scene:
        await scene.command("watch", PRIVATE, link=BEES_LINK)
        await scene.settle()
        room = await scene.store.bindings.find("fake", PRIVATE.place)
        assert room.video_id == "aaaaaaaaaaa"


@virtually
async def test_without_a_thread_every_message_is_a_reply(tmp_path):
    async with open_scene(tmp_path, Threadless()) as scene:
        link = await scene.write(BEES_LINK)
        await scene.settle()
        assert {shown.draft.reply_to for shown in scene.shown(HERE)} == {link.id}
        summary = scene.summary(HERE)
        question = await scene.write(QUEEN, reply_to=summary.id)
        await scene.settle()
        assert scene.shown(HERE)[-1].draft.reply_to == question.id
        label = summary.draft.buttons[0].label
        await scene.press(summary, label)
        await scene.settle()
        asked, answer = scene.shown(HERE)[-2:]
        assert (asked.draft.reply_to, answer.draft.reply_to) == (summary.id, "")


@virtually
async def test_a_request_resumed_after_a_kill_still_replies_to_the_link(tmp_path):
    transcriber = WaitingTranscriber(*SAID)
    async with open_scene(tmp_path, Threadless(), transcriber=transcriber) as scene:
        link = await scene.write(BEES_LINK)
        await asyncio.sleep(5)
        await scene.restart()
        await asyncio.sleep(5)
        transcriber.go_on.set()
        await scene.settle()
        assert [shown.draft.reply_to for shown in scene.shown(HERE)] == [link.id, link.id]


@virtually
async def test_a_command_on_a_message_is_about_its_video(tmp_path):
    async with open_scene(tmp_path, Threadless()) as scene:
        for link in (BEES_LINK, OTHER_LINK):
            await scene.write(link)
            await scene.settle()
        first = next(one for one in scene.shown(HERE) if len(one.draft.buttons) == 6)
        event = scene.command_event("transcript")
        told = await scene.handlers.command(replace(event, message_id=first.id))
        assert told.file.name == "aaaaaaaaaaa.txt"
        told = await scene.handlers.command(replace(event, message_id="?", text=BEES_LINK))
        assert told.file.name == "aaaaaaaaaaa.txt", "also on the link itself"


@virtually
async def test_ask_here_asks_the_video_that_the_place_is_about_or_all(tmp_path):
    async with open_scene(tmp_path, Private()) as scene:
        for link in (OTHER_LINK, BEES_LINK):
            await scene.write(link, PRIVATE, is_to_bot=True)
            await scene.settle()
        await scene.command("ask", PRIVATE, question=QUEEN, scope="here")
        await scene.settle()
        assert await asked_videos(scene) == {"aaaaaaaaaaa"}
        await scene.write(BEES_LINK, HERE)
        await scene.settle()
        elsewhere = Where("c", HERE.channel, HERE.server)
        assert await scene.command("ask", elsewhere, question=QUEEN, scope="here") == EN(
            "chat.begun"
        )


@virtually
async def test_a_previewed_answer_becomes_a_message_when_it_is_complete(tmp_path):
    speaker = Speaker("Nora Lee found the queen. [2] " * 3, pause_s=0.4)
    async with open_scene(tmp_path, Sketching(), model=speaker) as scene:
        await scene.write(BEES_LINK, PRIVATE, is_to_bot=True)
        await scene.settle()
        before = len(scene.shown(PRIVATE))
        await scene.write(QUEEN, PRIVATE, is_to_bot=True)
        await scene.settle()
        [answer] = scene.shown(PRIVATE)[before:]
        assert len(answer.drafts) == 1
        places, previews = zip(*scene.chat.previews, strict=True)
        assert set(places) == {PRIVATE.place}
        assert previews[0].text.startswith("Nora Lee found the queen.")
