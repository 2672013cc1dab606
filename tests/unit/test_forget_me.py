"""/forget me while an answer is being written, and the same by another process."""

from __future__ import annotations

import asyncio

from bot.words import Words
from core.model import Turn
from tests.harness.scene import ADA, BEES_LINK, BOB, HERE, Scene, Speaker, open_scene
from tests.harness.virtual_loop import virtually

EN = Words("en")
CLAIM = "The queen was found by Nora Lee"
SENTENCES = [f"{CLAIM} {word}." for word in ("in", "of", "on", "at", "by", "to")]
MINE, THEIRS = "Who found the queen?", "Where was she found?"


async def begin_answers(scene: Scene) -> None:
    """Let both people ask, and the answers be on their way."""
    thread = await scene.watched(BEES_LINK)
    for person, question in ((ADA, MINE), (BOB, THEIRS)):
        await scene.write(question, thread, person)
    await asyncio.sleep(8)
    assert len(await scene.store.requests.open("fake")) == 2
    assert len(written(scene)) == 2


def written(scene: Scene) -> list[str]:
    """What is shown of the answers."""
    return [text for one in scene.chat.messages if (text := one.draft.text).startswith(CLAIM)]


async def turns(scene: Scene) -> list[Turn]:
    place = scene.chat.threads[0]
    return await scene.store.threads.turns(HERE.channel, f"{place.place}/{place.id}", 9)


def speaker() -> Speaker:
    return Speaker(" ".join(SENTENCES), 0.4)


@virtually
async def test_an_answer_stops_at_forget_me_and_those_to_others_go_on(tmp_path):
    async with open_scene(tmp_path, model=speaker()) as scene:
        await begin_answers(scene)
        told = await scene.command("forget", author=ADA, video="me")
        assert "Deleted 0 questions" in told
        assert await turns(scene) == [], "both were being written"
        await scene.settle()
        assert [one.draft.text for one in scene.chat.messages].count(EN("chat.stopped")) == 1
        assert [one.question for one in await turns(scene)] == [THEIRS]
        assert len(written(scene)) == 1
        await scene.restart()
        await scene.settle()
        assert [one.question for one in await turns(scene)] == [THEIRS]


@virtually
async def test_an_answer_to_who_another_process_forgot_is_neither_shown_nor_kept(tmp_path):
    async with open_scene(tmp_path, model=speaker()) as scene:
        await begin_answers(scene)
        await scene.store.threads.forget("fake", ADA.id)
        await scene.settle()
        assert [one.question for one in await turns(scene)] == [THEIRS]
        shown = [one.draft.text for one in scene.chat.messages]
        why = EN("errors.question_forgotten.message")
        assert len([text for text in shown if text.startswith(why)]) == 1
        assert len(written(scene)) == 1
