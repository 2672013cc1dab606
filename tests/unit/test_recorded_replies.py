"""What real models wrote, whole and broken: it is read without a crash, and what is shown is valid.

The replies are recorded by `python -m tests.eval model --record`.
"""

from __future__ import annotations

import asyncio
import json
import re
from functools import cache, partial
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.answers.answer_sentences import SentenceStream
from core.answers.asked import Asked
from core.answers.generative import answer
from core.errors import BadModelOutput
from core.language_model.replies import QuestionsDraft, SummaryDraft, parse
from core.model import Answer, Passage
from tests.eval.datasets import Recording, short_talks
from tests.eval.ingests import ingest, parts
from tests.fakes.language_model import Broken, ScriptedModel
from tests.harness.fake_core import FakeCore, ask, silent
from tests.harness.recorded_replies import JUNK, NUMBERS, RecordedReply, mutated, recorded_replies
from tests.harness.valid import check_questions, check_summary

recorded_answers = partial(recorded_replies, "Answer")
recorded_summaries = partial(recorded_replies, "SummaryDraft")
recorded_questions = partial(recorded_replies, "QuestionsDraft")
_MARKER, _ANY_MARKER = re.compile(r"\[(\d+)\]"), re.compile(r"\[[^\]]*\]")


@cache
def _parts() -> dict[str, Recording]:
    return {part.video.id: part for part in parts(short_talks())}


class NoSearch:
    """`AnswerSearch` without an embedder: words alone support a sentence."""

    async def places(self):
        return ()

    async def cosines(self, sentence, passages):
        return None

    async def near(self, passages):
        return np.ones(sum(len(passage.segments) for passage in passages), dtype=bool)


async def answered(recorded: RecordedReply, text: str, questions: str) -> Answer:
    """Answer with these replies; check that what is streamed is the answer's text."""
    asked = Asked(recorded.question, recorded.passages, "en")
    model = ScriptedModel(lambda prompt: questions if "As JSON" in prompt[-1].text else text)
    *pieces, last = [piece async for piece in answer(asked, model, 300, NoSearch())]
    assert isinstance(last, Answer)
    assert "".join(map(str, pieces)) == last.text
    return last


def check_answer(found: Answer, passages: tuple[Passage, ...]) -> None:
    """Every marker has a citation of a real sentence, every shown sentence a marker."""
    said = {(p.video.id, s.start_s, s.end_s) for p in passages for s in p.segments}
    assert [citation.n for citation in found.citations] == [*range(1, len(found.citations) + 1)]
    assert all((one.video_id, one.start_s, one.end_s) in said for one in found.citations)
    markers = {int(number) for number in _MARKER.findall(found.text)}
    assert markers == ({one.n for one in found.citations} if found.text else set())
    assert not found.text or found.text.endswith("]")
    assert not re.search(r"https?://|(?<!\w)@everyone|<@|[\x00\u202e]", found.text)
    check_questions(found.questions)


def test_replies_of_several_models_are_recorded():
    assert len({reply.model for reply in recorded_replies()}) >= 3
    assert len(recorded_answers()) >= 50
    assert len(recorded_questions()) >= 10
    assert len(recorded_summaries()) >= 2


@pytest.mark.parametrize("size", [1, 5, 999])
def test_no_word_of_a_recorded_answer_is_lost_between_sentences(size):
    for recorded in recorded_answers():
        stream, text = SentenceStream(), _ANY_MARKER.sub("", recorded.text)
        pieces = [text[i : i + size] for i in range(0, len(text), size)]
        found = [one for piece in pieces for one in stream.feed(piece)] + stream.close()
        assert "".join("".join(one.text.split()) for one in found) == "".join(text.split())


@pytest.mark.parametrize("kind", [SummaryDraft, QuestionsDraft])
def test_a_recorded_reply_as_json_is_read(kind):
    for recorded in recorded_replies(kind.__name__):
        starts = [s.start_s for passage in recorded.passages for s in passage.segments]
        assert parse(recorded.text, kind, starts).model_fields_set >= {"questions"}


async def test_recorded_answers_are_shown_with_their_places():
    shown = 0
    for recorded in recorded_answers():
        found = await answered(recorded, recorded.text, '{"questions": []}')
        check_answer(found, recorded.passages)
        shown += bool(found.text)
    assert shown >= len(recorded_answers()) // 2


async def test_a_model_that_strays_from_the_question_is_not_shown(tmp_path):
    """Asked about a remote control for children, it goes on to list whatever was said in the
    meeting: "the need for a market expert", "for a personal coach"."""
    recorded = next(one for one in recorded_answers() if "control for children." in one.task)
    model = ScriptedModel(lambda prompt: recorded.text)
    core, video = FakeCore(tmp_path, model=model), recorded.video
    await core.store.videos.save(video)
    await core.store.videos.save_transcript(recorded.transcript)
    indexer = core.ingest().indexer
    await indexer.index(video, recorded.transcript, (), silent)
    await indexer.add("hive", video.id)
    found = await ask(core.pipeline(), recorded.question, "hive", video.id)
    assert "children proof" in found.text
    assert found.partly
    strayed = re.compile("market expert|personal coach|user requirement")
    assert strayed.search(recorded.text)
    assert not strayed.search(found.text)


def invented(random: Random) -> str:
    """Return what no model ever wrote."""
    texts = [
        random.choice((*JUNK, *NUMBERS, "Bees dance. [1]")) for _ in range(random.randint(0, 9))
    ]
    items = [{"title": text, "text": text, "segment": random.choice(NUMBERS)} for text in texts]
    whole = {"topic": random.choice(JUNK), "points": items, "chapters": items, "questions": texts}
    return random.choice(("".join(texts), json.dumps(whole), json.dumps(items)))


def malformed(recorded: RecordedReply, random: Random) -> str:
    """Return a malformed reply: every other one is a real one after faults."""
    return mutated(recorded.text, random) if random.random() < 0.5 else invented(random)


def broken(text: str, random: Random) -> str | Broken:
    """Return the reply, or one that its server calls bad in the end."""
    return Broken(text, BadModelOutput("endless")) if random.random() < 0.1 else text


@given(st.randoms(use_true_random=True))
def test_answers_are_valid_whatever_the_model_writes(random):
    """Two malformed replies an example, and an ingest has four on average: together 6,000 in
    `make torture`."""
    recorded = random.choice(recorded_answers())
    text, questions = (
        malformed(recorded, random),
        malformed(random.choice(recorded_questions()), random),
    )
    check_answer(asyncio.run(answered(recorded, text, questions)), recorded.passages)


@given(st.randoms(use_true_random=True))
def test_an_ingest_is_ready_whatever_the_model_writes(random):
    recorded = random.choice(recorded_summaries())
    model = ScriptedModel(lambda _: broken(malformed(recorded, random), random))
    check_summary(asyncio.run(ingest(_parts()[recorded.video.id], model)))
