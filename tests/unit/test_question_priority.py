"""Questions call the language model before summaries do."""

import asyncio
import random
from contextlib import aclosing

import numpy as np
import pytest

from core.answers.asked import Asked
from core.errors import ModelFailed
from core.model import Answer, Passage, Segment, Transcript, Video
from core.pipeline.engine import Engine
from tests.fakes.language_model import ScriptedModel
from tests.fakes.store import MemoryStore

VIDEO = Video("beesbeesbee", "How bees dance")
SHORT = tuple(Segment(30.0 * n, 30.0 * n + 29, f"Bees dance, part {n}.") for n in range(20))
LONG = tuple(Segment(7.5 * n, 7.5 * n + 7, f"Bees dance {n} times. " * 8) for n in range(200))
SUMMARY = {
    "topic": "Bees",
    "points": [{"text": "Bees dance.", "segment": 1}],
    "questions": ["What do bees do?"],
}
PARTS = 5
"""Parts of LONG; each takes one call."""


def reply(prompt):
    return SUMMARY if "JSON" in prompt[-1].text else "Bees dance [1]."


class SlowModel(ScriptedModel):
    """No call ends before `may_end` is set. `calls`: the calls started, in order."""

    def __init__(self, replies=reply):
        super().__init__(replies, num_ctx=4096)
        self.calls = []
        self.may_end = asyncio.Event()
        self.asked = 0
        """Answers in progress."""
        self.summing_up = 0
        self.clashes = []

    async def stream(self, prompt, **rest):
        self.calls.append("answer")
        await self.may_end.wait()
        async for piece in super().stream(prompt, **rest):
            yield piece

    async def complete(self, prompt, *, schema, **rest):
        kind = schema["title"].removesuffix("Draft").lower()
        self.calls.append(kind)
        is_clash = kind != "questions" and (self.asked or self.summing_up)
        self.clashes += [kind] * is_clash
        self.summing_up += kind != "questions"
        try:
            await self.may_end.wait()
            return await super().complete(prompt, schema=schema, **rest)
        finally:
            self.summing_up -= kind != "questions"

    async def has_begun(self, *calls):
        """Wait until exactly these calls have started."""
        async with asyncio.timeout(10):
            while len(self.calls) < len(calls):  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        for _ in range(20):
            await asyncio.sleep(0)
        assert self.calls == list(calls)


def engine_of(model):
    async def is_there():
        pass

    return Engine(model, is_there, True, 256, MemoryStore().checkpoints)


async def sum_up(engine, segments=SHORT):
    transcript = Transcript(VIDEO.id, "en", "whisper", segments)
    return await engine.summarise(engine.model, VIDEO, transcript, "en", lambda _: None)


class NoSearch:
    async def places(self):
        return ()

    async def cosines(self, sentence, passages):
        return None

    async def near(self, passages):
        return np.ones(sum(len(passage.segments) for passage in passages), dtype=bool)


async def ask(engine):
    passages = [Passage(VIDEO, SHORT)]
    stream = engine.answer(engine.model, Asked("What do bees do?", passages, "en"), NoSearch())
    engine.model.asked += 1
    try:
        async with aclosing(stream) as pieces:
            return [piece async for piece in pieces][-1]
    finally:
        engine.model.asked -= 1


def start(work):
    return asyncio.create_task(work)


async def test_a_summary_starts_when_the_question_is_answered():
    engine = engine_of(model := SlowModel())
    question = start(ask(engine))
    await model.has_begun("answer")
    summary = start(sum_up(engine))
    await model.has_begun("answer")
    model.may_end.set()
    assert isinstance(await question, Answer)
    assert (await summary).topic == "Bees"
    assert model.calls == ["answer", "questions", "summary"]


async def test_questions_go_between_two_calls_of_a_summary_at_once():
    engine = engine_of(model := SlowModel())
    summary = start(sum_up(engine, LONG))
    await model.has_begun("notes")
    questions = [start(ask(engine)) for _ in range(2)]
    await model.has_begun("notes", "answer", "answer")  # although notes are being taken
    model.may_end.set()
    await asyncio.gather(summary, *questions)
    assert model.calls[3:5] == ["questions"] * 2
    assert model.calls[5:] == ["notes"] * (PARTS - 1) + ["summary"]
    assert model.clashes == []


async def test_summaries_call_one_at_a_time():
    engine = engine_of(model := SlowModel())
    summaries = [start(sum_up(engine)) for _ in range(3)]
    await model.has_begun("summary")
    model.may_end.set()
    await asyncio.gather(*summaries)
    assert model.calls == ["summary"] * 3
    assert model.clashes == []


async def test_a_cancelled_question_unblocks_summaries():
    engine = engine_of(model := SlowModel())
    question = start(ask(engine))
    await model.has_begun("answer")
    summary = start(sum_up(engine))
    await model.has_begun("answer")
    question.cancel()
    await model.has_begun("answer", "summary")
    model.may_end.set()
    assert (await summary).topic == "Bees"


async def test_a_failed_question_unblocks_summaries():
    engine = engine_of(model := SlowModel([ModelFailed("broken"), SUMMARY]))
    model.may_end.set()
    with pytest.raises(ModelFailed):
        await ask(engine)
    assert (await sum_up(engine)).topic == "Bees"


async def test_cancelled_summaries_unblock_the_next_one():
    engine = engine_of(model := SlowModel())
    first, waiting, last = (start(sum_up(engine)) for _ in range(3))
    await model.has_begun("summary")
    for gone in (waiting, first):
        gone.cancel()
    model.may_end.set()
    assert (await last).topic == "Bees"
    assert model.calls == ["summary"] * 2


@pytest.mark.parametrize("seed", range(20))
async def test_no_summary_calls_during_a_question_whichever_is_cancelled(seed):
    chance = random.Random(seed)
    engine = engine_of(model := SlowModel())
    model.may_end.set()

    async def one(work):
        await ticks()
        await work(engine)

    async def ticks():
        for _ in range(chance.randrange(60)):
            await asyncio.sleep(0)

    tasks = [start(one(chance.choice((ask, sum_up)))) for _ in range(12)]
    for task in chance.sample(tasks, 5):
        await ticks()
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert model.clashes == []
    assert all(task.cancelled() or not task.exception() for task in tasks)
