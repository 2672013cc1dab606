"""A summary that was made without the language model is made again once that is back."""

from __future__ import annotations

import asyncio

import pytest

from bot.handlers.summaries import PAUSES_S, WAIT_S
from bot.words import Words
from core.errors import ModelFailed, OllamaUnreachable
from tests.harness.fake_core import BEES
from tests.harness.scene import HERE, MODERATOR, Scene, Speaker, open_scene
from tests.harness.virtual_loop import virtually

EN = Words("en")
AWAY = EN("notes.llm_away")
DAY_S = 24 * 3600.0


class Failing(Speaker):
    """A model that is there and fails."""

    def __init__(self) -> None:
        super().__init__("So it is.")
        self.calls = 0

    async def complete(self, prompt, *, schema, **more):
        self.calls += 1
        raise ModelFailed("out of order")


async def watched_without_model(scene: Scene, **more):
    """Post a link while the model is away; return the thread with the summary."""
    scene.world.away = OllamaUnreachable("http://localhost:11434")
    thread = await scene.watched(**more)
    assert AWAY in scene.summary(thread).draft.text
    return thread


async def waiting(scene: Scene) -> int:
    return len(await scene.store.requests.open("fake"))


@virtually
async def test_its_message_is_edited_once_the_model_is_back(tmp_path):
    async with open_scene(tmp_path, model=Speaker("So it is.")) as scene:
        thread = await watched_without_model(scene)
        shown = scene.summary(thread)
        before = len(scene.chat.messages)
        await asyncio.sleep(1800)
        assert len(shown.drafts) == 1
        scene.world.away = None
        await asyncio.sleep(300)
        assert scene.summary(thread) is shown
        assert AWAY not in shown.draft.text
        assert EN("engines.model", engine="speaker") in shown.draft.text
        assert len(scene.chat.messages) == before
        assert await waiting(scene) == 0
        await scene.press(shown, shown.draft.buttons[0].label)
        await scene.settle()
        assert "So it is" in scene.shown(thread)[-1].draft.text


@virtually
async def test_a_message_that_is_too_old_to_be_edited_gets_a_successor(tmp_path):
    async with open_scene(tmp_path, model=Speaker("So it is.")) as scene:
        thread = await watched_without_model(scene)
        await asyncio.sleep(DAY_S)
        scene.world.away = None
        await asyncio.sleep(300)
        old, new = scene.shown(thread)[-2:]
        assert AWAY in old.draft.text
        assert EN("engines.model", engine="speaker") in new.draft.text
        assert await waiting(scene) == 0


@virtually
async def test_it_is_edited_also_after_a_restart(tmp_path):
    async with open_scene(tmp_path, model=Speaker("So it is.")) as scene:
        thread = await watched_without_model(scene)
        shown = scene.summary(thread)
        await scene.restart()
        scene.world.away = None
        await asyncio.sleep(300)
        assert AWAY not in shown.draft.text
        assert scene.summary(thread) is shown
        assert await waiting(scene) == 0


@virtually
async def test_a_forgotten_video_is_not_summarised_again(tmp_path):
    async with open_scene(tmp_path, model=Speaker("So it is.")) as scene:
        thread = await watched_without_model(scene)
        await scene.command("forget", author=MODERATOR, video=BEES.id)
        scene.world.away = None
        await asyncio.sleep(300)
        assert AWAY in scene.summary(thread).draft.text
        assert not await scene.core.knows(HERE.channel, BEES.id)
        assert await waiting(scene) == 0


@virtually
async def test_a_model_that_fails_again_and_again_is_left_alone(tmp_path):
    model = Failing()
    async with open_scene(tmp_path, model=model) as scene:
        thread = await scene.watched()
        at_first = model.calls
        await asyncio.sleep(sum(PAUSES_S) + 3600)
        assert model.calls == at_first * (2 + len(PAUSES_S))
        assert AWAY in scene.summary(thread).draft.text
        assert await waiting(scene) == 0
        assert await scene.store.outbox_entries.unfinished("fake") == []


@pytest.mark.parametrize("days", [6, 8])
@virtually
async def test_a_model_that_does_not_come_back_is_not_waited_for_for_ever(
    days, tmp_path, monkeypatch
):
    loop = asyncio.get_running_loop()
    monkeypatch.setattr("time.time", loop.time)
    async with open_scene(tmp_path, model=Speaker("So it is.")) as scene:
        await watched_without_model(scene)
        await asyncio.sleep(days * DAY_S)
        assert await waiting(scene) == (days * DAY_S < WAIT_S)
