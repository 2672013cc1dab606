"""Every event is handled once and at its place, and errors are reported."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

import pytest

from bot.chat import Command, Message, Press, Where
from bot.handlers.incoming import Handlers
from bot.words import Words
from core.errors import StoreBroken
from core.model import Segment, Video
from tests.fakes.chat import Shown
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.transcriber import FakeTranscriber
from tests.harness.fake_core import BEES
from tests.harness.scene import (
    ADA,
    ANSWER_BUTTONS,
    BEES_LINK,
    BOB,
    ELSEWHERE,
    HERE,
    MODERATOR,
    QUEEN,
    Scene,
    open_scene,
)
from tests.harness.virtual_loop import virtually

EN = Words("en")


def events(scene: Scene, thread: Where) -> dict[str, Message | Press | Command]:
    """One of each kind that shows something to everybody."""
    summary = scene.summary(thread)
    question, more = summary.draft.buttons[0], summary.draft.buttons[5]
    return {
        "link": Message(HERE, "x1", ADA, f"{BEES_LINK} https://youtu.be/bbbbbbbbbbb"),
        "question": Message(thread, "x2", ADA, QUEEN),
        "press": Press(thread, "x3", summary.id, ADA, question.id),
        "more": Press(thread, "x4", summary.id, ADA, more.id),
        "watch": Command(HERE, "x5", ADA, "watch", {"link": BEES_LINK}),
        "ask": Command(HERE, "x6", ADA, "ask", {"question": QUEEN}),
        "summary": Command(HERE, "x7", ADA, "summary", {}),
        "refused": Message(HERE, "x8", ADA, "", is_to_bot=True),
    }


async def hear(scene: Scene, event: Message | Press | Command) -> object:
    name = {Message: "message", Press: "press", Command: "command"}[type(event)]
    return await getattr(scene.handlers, name)(event)


@pytest.mark.parametrize(
    "kind", ["link", "question", "press", "more", "watch", "ask", "summary", "refused"]
)
@virtually
async def test_an_event_delivered_twice_is_handled_once(kind, tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        event = events(scene, thread)[kind]
        before = len(scene.chat.messages)
        await asyncio.gather(*(hear(scene, event) for _ in range(3)))
        await scene.settle()
        shown = [*scene.chat.messages, *scene.chat.threads]
        assert len(scene.chat.messages) > before
        for _ in range(2):
            await hear(scene, event)
            await scene.settle()
            await scene.restart()
            await asyncio.sleep(24 * 3600)
        assert [*scene.chat.messages, *scene.chat.threads] == shown


@virtually
async def test_two_hundred_restarts_with_every_event_twice_show_each_once(tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        before = len(scene.shown(thread))
        for n in range(200):
            question = Message(thread, f"q{n}", ADA, f"{QUEEN} {n}")
            for _ in range(1 + (n % 10 == 0)):
                await scene.handlers.message(question)
            await scene.restart()
            await scene.handlers.message(question)
        await scene.settle()
        assert len(scene.shown(thread)) - before == 200


@virtually
async def test_an_unknown_button_is_refused(tmp_path):
    async with open_scene(tmp_path) as scene:
        for forged in ("", "forged", "' OR 1=1", "x" * 5000, "\ud800"):
            told = await scene.handlers.press(Press(HERE, "p", "m", ADA, forged))
            assert told.text == EN("chat.unknown_button")


@virtually
async def test_a_button_of_another_channel_is_refused(tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        said = len(scene.chat.messages)
        for button in scene.summary(thread).draft.buttons:
            told = await scene.handlers.press(Press(ELSEWHERE, "p", "m", MODERATOR, button.id))
            assert told.text == EN("chat.unknown_button")
            assert told.file is None
        await scene.settle()
        assert len(scene.chat.messages) == said


@virtually
async def test_only_the_person_who_pressed_sees_a_transcript_or_chapters(tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        said = len(scene.chat.messages)
        transcript = await scene.press(scene.summary(thread), "Transcript")
        assert transcript.file.name == f"{BEES.id}.txt"
        assert "Nora Lee" in transcript.file.text
        chapters = await scene.press(scene.summary(thread), "Chapters")
        assert f"(https://youtu.be/{BEES.id}?t=0)" in chapters.text
        assert len(scene.chat.messages) == said


@virtually
async def test_with_links_off_a_link_in_a_videos_thread_is_part_of_a_question(
    tmp_path,
):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        await scene.command("settings", author=MODERATOR, links="false")
        await scene.write(f"Is the queen that of {BEES_LINK}?", thread)
        await scene.settle()
        assert len(scene.shown(thread)[-1].draft.buttons) in ANSWER_BUTTONS
        await scene.write(BEES_LINK, HERE)
        await scene.settle()
        assert len(scene.chat.threads) == 1
        await scene.write(BEES_LINK, HERE, is_to_bot=True)
        await scene.settle()
        assert len(scene.chat.threads) == 2


@virtually
async def test_messages_that_are_not_for_the_bot_get_no_reply(tmp_path):
    async with open_scene(tmp_path) as scene:
        await scene.watched()
        said = len(scene.chat.messages)
        for text in ("Hello", "https://example.com", "youtube.com", "@everyone", ""):
            await scene.write(text)
            await scene.write(text, scene.inside("a/some thread"))
        await scene.settle()
        assert len(scene.chat.messages) == said


@virtually
async def test_a_thread_that_was_deleted_is_forgotten(tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        await scene.handlers.place_gone(thread.place)
        assert await scene.store.bindings.find("fake", thread.place) is None
        await scene.handlers.place_gone("never was")


@virtually
async def test_old_requests_are_purged_every_day(tmp_path):
    async with open_scene(tmp_path) as scene:
        purged, purge = [], scene.store.requests.purge

        async def count(before):
            purged.append(before)
            await purge(before)

        scene.store.requests.purge = count
        await asyncio.sleep(3 * 24 * 3600 + 60)
    assert len(purged) == 3


async def test_a_channel_that_was_deleted_leaves_nothing(tmp_path):
    async with open_scene(tmp_path) as scene:
        await scene.watched()
        place = HERE.channel.partition(":")[2]
        await scene.handlers.place_gone(place)
        assert await scene.store.library.videos(HERE.channel) == []
        assert await scene.store.videos.transcript(BEES.id) is None


class BrokenPort:
    """Every call of it fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        async def fail(*args: Any) -> Any:
            raise self.error

        return fail


def with_broken(scene: Scene, port: str, error: Exception) -> Handlers:
    """Handlers over a store of which a part fails."""
    context, broken = scene.handlers._context, BrokenPort(error)
    if port == "library":
        store, library = scene.store, scene.store.library
        store.library = broken
        core = scene.world.pipeline()
        store.library = library
        return Handlers(replace(context, core=core))
    return Handlers(replace(context, **{port: broken}))


@pytest.mark.parametrize("error", [StoreBroken(), RuntimeError("secret of the store")])
@pytest.mark.parametrize(
    "port", ["requests", "bindings", "buttons", "settings", "usage", "library"]
)
@virtually
async def test_a_store_error_ends_one_request_and_is_reported(port, error, tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        found, well = events(scene, thread), scene.handlers
        scene.handlers = with_broken(scene, port, error)
        for event in found.values():
            told = await hear(scene, event)
            assert "secret" not in str(told)
        assert await scene.command("transcript", video=BEES.id)
        await scene.handlers.suggest(scene.command_event("forget"), "video", "")
        await scene.handlers.place_gone(thread.place)
        await scene.handlers.requests.close()
        scene.handlers = well
        assert "How bees dance" in await scene.command("videos")


# A channel is private

SECRETS = {"a": "zebra", "b": "quokka", "c": "walrus", "d": "ibex"}
SHARED = "sharedvideo"


def videos_of(channel: str) -> list[Video]:
    secret = SECRETS[channel]
    return [Video(f"{channel * 4}{n:07}", f"A talk on {secret}", secret, 60.0) for n in range(3)]


class Canaries(FakeTranscriber):
    """In each channel's videos its secret is said."""

    async def transcribe(self, audio, language, *more):
        word = SECRETS.get(audio.stem[0], "nothing")
        said = [
            Segment(9.0 * n, 9.0 * n + 8, f"The {word} of the hive was number {n} of the {word}.")
            for n in range(6)
        ]
        async for window in FakeTranscriber(*said).transcribe(audio, language, *more):
            yield window


class Prying:
    """People of every channel try everything, also with videos and buttons of other channels."""

    def __init__(self, scene: Scene, dice: random.Random) -> None:
        self.scene, self.dice = scene, dice
        self.told: list[tuple[str, str]] = []
        """To one person: the channel, and all that they see."""
        self.ids = [video.id for channel in SECRETS for video in videos_of(channel)]

    async def do_something(self) -> None:
        await self.dice.choice((self.paste, self.ask, self.ask, self.press, self.command))()

    def somewhere(self) -> Where:
        scene, channel = self.scene, self.dice.choice(list(SECRETS))
        own = [thread for thread in scene.chat.threads if thread.place == channel]
        if own and self.dice.random() < 0.6:
            return scene.inside(f"{channel}/{self.dice.choice(own).id}")
        return scene.inside(channel)

    async def paste(self) -> None:
        where = self.somewhere()
        own = [video.id for video in videos_of(where.place[0])]
        await self.scene.write(f"https://youtu.be/{self.dice.choice([*own, SHARED])}", where)

    async def ask(self) -> None:
        where, shown = self.somewhere(), self.scene.chat.messages
        reply_to = self.dice.choice(shown).id if shown else ""
        is_to_bot = self.dice.random() < 0.5
        text = f"What is the number of {SECRETS[where.place[0]]} in the hive?"
        await self.scene.write(text, where, BOB, is_to_bot=is_to_bot, reply_to=reply_to)

    async def press(self) -> None:
        if shown := [one for one in self.scene.chat.messages if one.draft.buttons]:
            one: Shown = self.dice.choice(shown)
            label = self.dice.choice(one.draft.buttons).label
            where = self.dice.choice((self.somewhere(), self.scene.inside(one.place)))
            self.tell(where, await self.scene.press(one, label, BOB, where))

    async def command(self) -> None:
        names = ("ask", "search", "videos", "summary", "transcript", "chapters", "status", "help")
        name = self.dice.choice((*names, *names, "forget"))
        where = self.somewhere()
        options = {"question": "What was the number?", "words": "hive number", "format": "json"}
        options["video"] = self.dice.choice(("", "talk", SHARED, *self.ids))
        event = self.scene.command_event(name, where, MODERATOR, **options)
        self.tell(where, await self.scene.handlers.command(event))
        for option in ("video", "job"):
            self.tell(where, await self.scene.handlers.suggest(event, option, ""))

    def tell(self, where: Where, seen: object) -> None:
        self.told.append((where.place[0], str(seen)))


@virtually
async def test_in_a_thousand_tries_no_channel_sees_a_word_of_another(tmp_path):
    dice = random.Random(4)
    videos = [video for channel in SECRETS for video in videos_of(channel)]
    fetcher = FakeFetcher(*videos, Video(SHARED, "Everybody's talk", "", 60.0))
    async with open_scene(tmp_path, fetcher=fetcher, transcriber=Canaries()) as scene:
        prying = Prying(scene, dice)
        for _ in range(1000):
            await prying.do_something()
            await asyncio.sleep(dice.choice((0.0, 0.0, 2.0)))
        await scene.settle()
        shown = [*scene.chat.messages, *scene.chat.threads]
        seen = [*prying.told, *((one.place[0], str(one.drafts)) for one in shown)]
        for channel, text in seen:
            for other, secret in SECRETS.items():
                assert other == channel or secret not in text
                assert other == channel or f"youtu.be/{other * 4}" not in text
        for channel, secret in SECRETS.items():
            own = [text for where, text in seen if where == channel]
            assert sum(secret in text for text in own) > 50, "it would prove nothing"
