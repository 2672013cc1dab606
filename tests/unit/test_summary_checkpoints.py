"""A summary that is killed at any part resumes without losing the finished parts."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from core.errors import ModelFailed
from core.model import EXTRACTIVE, Segment, Transcript, Video, writer_of
from core.pipeline.engine import Engine
from core.summary.generative import summarise
from tests.fakes.language_model import ScriptedModel
from tests.fakes.store import FakeCheckpoints, Shelf

VIDEO = Video("beesbeesbee", "How bees dance", "The Hive")
SAID = tuple(
    Segment(7.5 * n, 7.5 * n + 7, f"Here the speaker says that number {n} of the bees is famous.")
    for n in range(240)
)
TRANSCRIPT = Transcript(VIDEO.id, "en", "whisper", SAID)
SHORT = replace(TRANSCRIPT, segments=SAID[:40])
KILLED = asyncio.CancelledError()


def obedient(prompt):
    """Notes on a part, or a summary, made of the prompt's first lines and its last."""
    lines = [line for line in prompt[1].text.splitlines() if line.startswith("[")]
    said = [(int(line[1 : line.index("]")]), line.partition("] ")[2]) for line in lines]
    points = [{"text": text[-80:], "segment": n} for n, text in (*said[:2], said[-1])]
    chapters = [{"title": f"From {points[0]['text'][:40]}", "segment": said[0][0]}]
    return {"topic": "Bees", "points": points, "chapters": chapters}


def wordy(prompt):
    """So long that its notes are split into parts as well."""
    reply = obedient(prompt)
    return reply | {"points": [p | {"text": p["text"] + " Indeed." * 30} for p in reply["points"]]}


def stubborn(prompt):
    """Replies that are unusable as notes on one part."""
    is_bad = "part of" in prompt[-1].text and "number 100 of" in prompt[1].text
    return "Sorry." if is_bad else obedient(prompt)


def until(calls, replies, error=KILLED):
    """A model that fails after so many replies."""
    left = iter(range(calls))

    def reply(prompt):
        if next(left, None) is None:
            raise error
        return replies(prompt)

    return reply


@dataclass
class Attempts:
    """Repeated summaries of one video over the same checkpoints."""

    replies: object = obedient
    num_ctx: int = 2048
    shelf: Shelf = field(default_factory=Shelf)
    fractions: list[float] = field(default_factory=list)

    async def run(self, replies=None, **changed):
        """The result, and the prompts that it took."""
        model = ScriptedModel(replies or self.replies, changed.pop("num_ctx", self.num_ctx))
        model.name = changed.pop("name", model.name)
        facts = {"video": VIDEO, "transcript": TRANSCRIPT, "language": "en"} | changed
        self.fractions.clear()
        on_progress = lambda progress: self.fractions.append(progress.fraction)  # noqa: E731
        checkpoints = FakeCheckpoints(self.shelf)
        summary = await summarise(
            **facts, model=model, on_progress=on_progress, checkpoints=checkpoints
        )
        return summary, model.prompts

    async def kill_after(self, calls):
        with pytest.raises(asyncio.CancelledError):
            await self.run(until(calls, self.replies))


@pytest.mark.parametrize(("replies", "rounds"), [(obedient, 1), (wordy, 2)])
async def test_after_a_kill_only_unfinished_parts_are_read_again(replies, rounds):
    uninterrupted = Attempts(replies)
    whole, prompts = await uninterrupted.run()
    assert len({recipe for _, recipe, _ in uninterrupted.shelf.checkpoints}) == rounds
    for calls in range(len(prompts)):
        attempts = Attempts(replies)
        await attempts.kill_after(calls)
        assert await attempts.run() == (whole, prompts[calls:])


async def test_killed_after_every_part_the_summary_is_the_same():
    whole, prompts = await Attempts(wordy).run()
    attempts = Attempts(wordy)
    for _ in prompts[:-1]:
        await attempts.kill_after(1)
    assert await attempts.run() == (whole, prompts[-1:])


async def test_key_sentences_in_place_of_notes_are_kept_too():
    whole, prompts = await Attempts(stubborn).run()
    assert writer_of(whole.engine) == ("scripted", True)
    attempts = Attempts(stubborn)
    await attempts.kill_after(len(prompts) - 1)
    assert await attempts.run() == (whole, prompts[-1:])


async def test_progress_starts_at_what_is_kept():
    attempts = Attempts()
    await attempts.run()
    whole = list(attempts.fractions)
    attempts.shelf.checkpoints.clear()
    await attempts.kill_after(3)
    await attempts.run()
    assert attempts.fractions == pytest.approx([0.0, *whole[3:]])


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "another model"},
        {"language": "ko"},
        {"video": replace(VIDEO, title="How bees sleep")},
        {"transcript": replace(TRANSCRIPT, segments=(*SAID[:-1], replace(SAID[-1], text="No.")))},
        {"transcript": replace(TRANSCRIPT, segments=(replace(SAID[0], end_s=7.25), *SAID[1:]))},
    ],
    ids=["model", "language", "title", "words", "times"],
)
async def test_notes_are_not_reused_for_other_settings_or_words(changed):
    fresh = await Attempts().run(**changed)
    attempts = Attempts()
    await attempts.kill_after(4)
    assert await attempts.run(**changed) == fresh


async def test_another_split_resumes_after_the_finished_parts():
    """The context size or the token estimate has changed."""
    attempts = Attempts()
    await attempts.kill_after(2)
    _, prompts = await attempts.run(num_ctx=3072)
    read = " ".join(prompt[1].text for prompt in prompts[:-1])
    known = [segment.text in read for segment in SAID]
    assert not known[0]
    assert known == sorted(known)  # from one line on all of them, none before it
    assert known[-1]


async def test_a_summary_in_one_call_keeps_no_checkpoints():
    attempts = Attempts(num_ctx=16_384)
    await attempts.run(transcript=SHORT)
    assert attempts.shelf.checkpoints == {}


async def test_a_model_that_was_away_resumes_from_its_notes():
    _, prompts = await Attempts().run()
    shelf, summaries = Shelf(), []
    for replies in (until(2, obedient, ModelFailed("gone")), obedient):
        model = ScriptedModel(replies, 2048)
        engine = Engine(model, None, False, 256, checkpoints=FakeCheckpoints(shelf))
        silent = lambda progress: None  # noqa: E731
        summaries.append(await engine.summarise(model, VIDEO, TRANSCRIPT, "en", silent))
    assert [summary.engine for summary in summaries] == [EXTRACTIVE, "scripted"]
    assert model.prompts == prompts[2:]


async def test_a_finished_summary_clears_its_own_notes_only():
    shelf, silent = Shelf(), lambda progress: None
    model = ScriptedModel(until(2, obedient), 2048)
    engine = Engine(model, None, True, 256, checkpoints=FakeCheckpoints(shelf))
    with pytest.raises(asyncio.CancelledError):
        await engine.summarise(model, VIDEO, TRANSCRIPT, "en", silent)
    begun = dict(shelf.checkpoints)
    model.replies = obedient
    await engine.summarise(model, VIDEO, TRANSCRIPT, "ko", silent)
    assert len(shelf.checkpoints) > len(begun)
    await engine.clear_notes(VIDEO.id, "ko")
    assert shelf.checkpoints == begun
