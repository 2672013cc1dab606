"""What happens to a pasted link."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import replace

import pytest

from bot.chat import PlaceClosed, Refused
from bot.config import Config
from bot.words import Words
from core import errors
from core.config import Limits
from core.errors import CoreError, VideoPrivate
from core.model import Progress, Video
from tests.fakes.chat import FakeChat, Shown
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.transcriber import WaitingTranscriber
from tests.harness.fake_core import BEES, SAID
from tests.harness.scene import (
    ADA,
    ANSWER_BUTTONS,
    BEES_LINK,
    BOB,
    ELSEWHERE,
    HERE,
    QUEEN,
    Scene,
    Speaker,
    open_scene,
)
from tests.harness.virtual_loop import virtually

EN = Words("en")
OTHER_LINK = "https://youtu.be/bbbbbbbbbbb"


class Threadless(FakeChat):
    """A place in which there can be no thread."""

    def __init__(self, why: type[Exception] = Refused) -> None:
        super().__init__()
        self.why = why

    async def open_thread(self, place: str, message_id: str, title: str, key: str) -> str:
        raise self.why("no threads here")


class SlowFetcher(FakeFetcher):
    async def look_up(self, video_id: str) -> Video:
        await asyncio.sleep(10)
        return await super().look_up(video_id)


class Narrow(Threadless):
    text_limit = card_limit = 300


def is_answer(shown: Shown) -> bool:
    return "Nora Lee" in shown.draft.text and len(shown.draft.buttons) in ANSWER_BUTTONS


def titles(scene: Scene) -> list[list[str]]:
    """Every name that every thread had."""
    return [[draft.text for draft in thread.drafts] for thread in scene.chat.threads]


@virtually
async def test_a_link_opens_a_thread_at_once_which_gets_its_name_when_the_title_is_known(tmp_path):
    async with open_scene(tmp_path, fetcher=SlowFetcher(BEES)) as scene:
        await scene.write(f"look {BEES_LINK}")
        await asyncio.sleep(1)
        assert titles(scene) == [["Video"]]
        assert scene.world.fetcher.calls == []
        await scene.settle()
        assert titles(scene) == [["Video", "How bees dance"]]


@virtually
async def test_progress_edits_one_message_and_the_summary_is_a_new_one_with_six_buttons(tmp_path):
    transcriber = WaitingTranscriber(*SAID)
    async with open_scene(tmp_path, transcriber=transcriber) as scene:
        await scene.write(BEES_LINK)
        await asyncio.sleep(10)
        [progress] = scene.chat.messages
        assert "Transcribing" in progress.draft.text
        assert progress.draft.card.title == "How bees dance"
        transcriber.go_on.set()
        await scene.settle()
        first, summary = scene.chat.messages
        assert first is progress
        assert progress.draft.text == EN("chat.finished")
        assert len(progress.drafts) >= 3
        labels = [button.label for button in summary.draft.buttons]
        assert len(labels) == 6
        assert all(label.endswith("?") for label in labels[:3])
        assert labels[3:] == ["Transcript", "Chapters", "More questions"]
        assert "Topic" in summary.draft.text


@virtually
async def test_a_suggested_question_of_maximum_length_is_not_shortened(tmp_path):
    question = "Who found the queen of the hive in Arden, " * 3 + "and in which year?"
    model = Speaker("Yes.", questions=(question, "Why?", "Where?"))
    async with open_scene(tmp_path, model=model) as scene:
        thread = await scene.watched()
        assert scene.summary(thread).draft.buttons[0].label == question


@virtually
async def test_several_links_open_a_thread_each_and_no_more_than_the_limit(tmp_path):
    config = Config(limits=Limits(links_per_message=2))
    async with open_scene(tmp_path, config=config) as scene:
        await scene.write(f"{BEES_LINK} {OTHER_LINK} https://youtu.be/ccccccccccc {BEES_LINK}")
        await scene.settle()
        assert len(scene.chat.threads) == 2
        places = [f"a/{thread.id}" for thread in scene.chat.threads]
        for place, video_id in zip(places, ("aaaaaaaaaaa", "bbbbbbbbbbb"), strict=True):
            assert video_id in scene.summary(scene.inside(place)).draft.text


@virtually
async def test_a_known_video_is_shown_without_a_progress_message(tmp_path):
    async with open_scene(tmp_path) as scene:
        await scene.watched()
        calls = list(scene.world.fetcher.calls)
        for where in (HERE, ELSEWHERE):
            thread = await scene.watched(where=where)
            [summary] = scene.shown(thread)
            assert len(summary.draft.buttons) == 6
        assert scene.world.fetcher.calls == calls
        assert titles(scene)[1:] == [["How bees dance"]] * 2


@pytest.mark.parametrize("why", [Refused, PlaceClosed])
@virtually
async def test_where_no_thread_can_be_opened_everything_is_posted_in_the_channel(why, tmp_path):
    async with open_scene(tmp_path, chat=Threadless(why)) as scene:
        await scene.write(BEES_LINK)
        await scene.settle()
        progress, summary = scene.shown(HERE)
        assert progress.draft.text == EN("chat.finished")
        assert len(summary.draft.buttons) == 6
        await scene.write("nice weather today", author=BOB)
        await scene.settle()
        assert len(scene.chat.messages) == 2
        await scene.write(QUEEN, reply_to=summary.id)
        await scene.settle()
        assert is_answer(scene.chat.messages[-1])


@virtually
async def test_a_reply_to_an_answer_continues_its_conversation(tmp_path):
    async with open_scene(tmp_path, chat=Narrow()) as scene:
        await scene.write(BEES_LINK)
        await scene.settle()
        assert len(scene.chat.messages) > 2
        await scene.write("What of Kelso?", reply_to=scene.chat.messages[1].id)
        await scene.settle()
        await scene.press(scene.summary(HERE), scene.summary(HERE).draft.buttons[0].label)
        await scene.settle()
        await scene.write(QUEEN, reply_to=scene.chat.messages[-1].id)
        await scene.settle()
        assert is_answer(scene.chat.messages[-1])
        room = await scene.store.bindings.find("fake", "a", scene.summary(HERE).id)
        assert len(await scene.store.threads.turns(room.channel, room.thread, 9)) == 3


@virtually
async def test_where_the_bot_may_not_write_the_request_ends_without_a_message(tmp_path):
    chat = FakeChat()
    chat.closed.add("a")
    async with open_scene(tmp_path, chat=chat) as scene:
        await scene.write(BEES_LINK)
        await scene.settle()
        assert scene.chat.messages == scene.chat.threads == []


@virtually
async def test_a_thread_deleted_meanwhile_stops_its_messages_but_not_the_job(tmp_path):
    transcriber = WaitingTranscriber(*SAID)
    async with open_scene(tmp_path, transcriber=transcriber) as scene:
        await scene.write(BEES_LINK)
        await asyncio.sleep(5)
        [thread] = scene.chat.threads
        scene.chat.closed.add(f"a/{thread.id}")
        await scene.handlers.place_gone(f"a/{thread.id}")
        transcriber.go_on.set()
        await scene.settle()
        assert "How bees dance" in await scene.command("videos")


@pytest.mark.parametrize("restarted", [False, True])
@virtually
async def test_a_video_forgotten_while_it_is_processed_is_not_started_again(restarted, tmp_path):
    transcriber = WaitingTranscriber(*SAID)
    async with open_scene(tmp_path, transcriber=transcriber) as scene:
        await scene.write(BEES_LINK)
        await asyncio.sleep(5)
        if restarted:
            await scene.restart()
            await asyncio.sleep(5)
        await scene.core.forget(HERE.channel, BEES.id)
        await scene.settle()
        assert [one.draft.text for one in scene.chat.messages] == [EN("chat.stopped")]
        assert await scene.core.pending() == []
        assert len(transcriber.heard) == 1


@virtually
async def test_a_deleted_link_is_answered_in_the_channel(tmp_path):
    async with open_scene(tmp_path) as scene:
        scene.chat.deleted.add("gone")
        await scene.write(BEES_LINK, id="gone")
        await scene.settle()
        assert scene.chat.threads == []
        assert scene.summary(HERE)


@virtually
async def test_a_link_inside_a_thread_is_summarised_there_and_replies_are_about_it(tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = scene.inside("a/own")
        await scene.write(BEES_LINK, thread)
        await scene.settle()
        assert scene.chat.threads == []
        said = len(scene.chat.messages)
        await scene.write("people talk here of something else", thread)
        await scene.settle()
        assert len(scene.chat.messages) == said
        await scene.write(QUEEN, thread, reply_to=scene.summary(thread).id)
        await scene.settle()
        assert is_answer(scene.chat.messages[-1])


@virtually
async def test_a_link_in_a_videos_thread_does_not_rebind_the_thread(tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        await scene.write(OTHER_LINK, thread)
        await scene.settle()
        assert len(scene.chat.threads) == 1
        room = await scene.store.bindings.find("fake", thread.place)
        assert room.video_id == BEES.id
        summary = scene.summary(thread)
        assert "bbbbbbbbbbb" in summary.draft.text
        found = await scene.store.bindings.find("fake", thread.place, summary.id)
        assert found.video_id == "bbbbbbbbbbb"


@virtually
async def test_a_forums_post_with_a_link_becomes_the_videos_thread(tmp_path):
    async with open_scene(tmp_path) as scene:
        post = scene.inside("a/post")
        await scene.write(f"What do you think? {BEES_LINK}", post, opens_thread=True)
        await scene.settle()
        assert scene.chat.threads == []
        await scene.write(QUEEN, post)
        await scene.settle()
        assert is_answer(scene.chat.messages[-1])


def every_kind() -> list[type[CoreError]]:
    kinds = [errors.RequestError, errors.VideoError, errors.BackendError, errors.ConfigError]
    kinds.append(errors.ReplyBroken)
    below = [kind for above in kinds for kind in above.__subclasses__()]
    return [kind for kind in below if kind not in kinds]


@pytest.mark.parametrize("kind", every_kind())
@virtually
async def test_every_error_of_a_video_is_reported_in_its_thread(kind, tmp_path):
    facts = {"float": 5.0, "int": 7, "str": "fact", "tuple[str, ...]": ("KR",)}
    names = inspect.signature(kind).parameters.values()
    error = kind(**{name.name: facts[str(name.annotation)] for name in names})
    fetcher = FakeFetcher(BEES, failures={"look_up": error})
    async with open_scene(tmp_path, fetcher=fetcher) as scene:
        await scene.write(BEES_LINK)
        await scene.settle()
        [told] = scene.chat.messages
        if kind in (errors.JobCancelled, errors.UnknownJob):
            assert told.draft.text == EN("chat.stopped")
        else:
            assert len(told.draft.text.splitlines()) == 2
        assert await scene.core.videos(HERE.channel) == []
        await scene.restart()
        await scene.settle()
        assert len(scene.chat.messages) == 1


@pytest.mark.parametrize("is_noticed", [False, True])
@virtually
async def test_an_error_is_told_although_the_progress_message_was_deleted(is_noticed, tmp_path):
    class Slow(FakeFetcher):
        async def download(self, video, folder, on_progress):
            await asyncio.sleep(5)
            scene.chat.delete(scene.chat.messages[0].id)
            if is_noticed:
                on_progress(Progress("download", 0.5))
                await asyncio.sleep(10)
            raise VideoPrivate()

    async with open_scene(tmp_path, fetcher=Slow(BEES)) as scene:
        await scene.write(BEES_LINK)
        await scene.settle()
        [told] = scene.chat.messages
        assert EN("errors.video_private.message") in told.draft.text


@virtually
async def test_a_video_that_failed_can_be_tried_again_in_its_thread(tmp_path):
    failures: dict[str, CoreError] = {"look_up": VideoPrivate()}
    async with open_scene(tmp_path, fetcher=FakeFetcher(BEES, failures=failures)) as scene:
        await scene.write(BEES_LINK)
        await scene.settle()
        thread = scene.inside(f"a/{scene.chat.threads[0].id}")
        failures.clear()
        await scene.write(BEES_LINK, thread)
        await scene.settle()
        await scene.write(QUEEN, thread)
        await scene.settle()
        assert is_answer(scene.chat.messages[-1])


@virtually
async def test_an_unexpected_error_ends_only_its_own_request(tmp_path):
    fetcher = FakeFetcher(BEES, failures={"look_up": ValueError("secret")})
    async with open_scene(tmp_path, fetcher=fetcher) as scene:
        await scene.write(BEES_LINK)
        await scene.settle()
        assert "secret" not in scene.chat.messages[0].draft.text
        assert await scene.command("help")


@pytest.mark.parametrize("title", ["", " ", "@everyone " * 30, "\ud800\x00", "꿀벌" * 80, "a\nb"])
@virtually
async def test_a_video_with_any_title_gets_its_thread_and_its_summary(title, tmp_path):
    fetcher = FakeFetcher(replace(BEES, title=title))
    async with open_scene(tmp_path, fetcher=fetcher) as scene:
        thread = await scene.watched()
        assert scene.summary(thread)
        again = await scene.watched()
        assert scene.summary(again)


@virtually
async def test_five_people_pasting_one_link_get_a_thread_each_and_one_transcription(
    tmp_path,
):
    async with open_scene(tmp_path) as scene:
        people = [replace(ADA, id=str(n)) for n in range(5)]
        await asyncio.gather(*(scene.write(BEES_LINK, author=person) for person in people))
        await scene.settle()
        assert len(scene.chat.threads) == 5
        assert len(scene.world.transcriber.heard) == 1


@virtually
async def test_a_question_before_the_video_is_known_waits_for_it(tmp_path):
    transcriber = WaitingTranscriber(*SAID)
    async with open_scene(tmp_path, transcriber=transcriber) as scene:
        await scene.write(BEES_LINK)
        await asyncio.sleep(5)
        thread = scene.inside(f"a/{scene.chat.threads[0].id}")
        await scene.write(QUEEN, thread)
        await asyncio.sleep(5)
        asked = scene.chat.messages[-1]
        assert asked.draft.text == EN("chat.later")
        await scene.restart()
        await asyncio.sleep(5)
        transcriber.go_on.set()
        await scene.settle()
        assert "Nora Lee" in asked.draft.text
        assert len(asked.draft.buttons) in ANSWER_BUTTONS


@virtually
async def test_a_question_about_a_video_that_fails_says_so(tmp_path):
    fetcher = SlowFetcher(BEES, failures={"look_up": VideoPrivate()})
    async with open_scene(tmp_path, fetcher=fetcher) as scene:
        await scene.write(BEES_LINK)
        await asyncio.sleep(1)
        thread = scene.inside(f"a/{scene.chat.threads[0].id}")
        await scene.write(QUEEN, thread)
        await scene.settle()
        assert "/videos" in scene.chat.messages[-1].draft.text
