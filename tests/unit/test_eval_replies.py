"""The evaluation keeps a model's replies, records them as test data, and merges its page."""

from __future__ import annotations

import json

import pytest

from core.errors import BadModelOutput
from core.language_model.prompts import ask, prompt
from core.language_model.replies import QuestionsDraft, schema
from core.model import Passage
from tests.eval import kept_replies
from tests.eval.datasets import Span, short_talks
from tests.eval.kept_replies import KeptReplies
from tests.eval.metrics import is_relevant
from tests.eval.recorder import Recorder
from tests.eval.report import document
from tests.eval.tables import Table
from tests.fakes.language_model import Broken, ScriptedModel

TALKS = short_talks()
TALK = TALKS[1]
PASSAGES = [Passage(TALK.video, TALK.sentences[7:9]), Passage(TALK.video, TALK.sentences[2:5])]
PROMPT = prompt(PASSAGES, ask("What is a character?", "en"))
QUESTIONS = schema(QuestionsDraft)


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_replies, "CACHE", tmp_path)


async def read(model) -> str:
    return "".join([piece async for piece in model.stream(PROMPT, max_tokens=9)])


async def test_a_reply_is_asked_for_once_per_model_and_prompt():
    scripted = ScriptedModel(["A letter.", "Another.", {"questions": ["Why?"]}])
    model = KeptReplies("small", scripted)
    assert [await read(model), await read(model)] == ["A letter."] * 2
    assert await read(KeptReplies("large", scripted)) == "Another."
    for _ in range(2):
        reply = await model.complete(PROMPT, max_tokens=9, schema=QUESTIONS)
        assert reply == '{"questions": ["Why?"]}'
    assert len(scripted.prompts) == 3


async def test_a_bad_reply_is_kept_as_bad():
    model = KeptReplies("small", ScriptedModel([Broken("{", BadModelOutput("endless"))]))
    for _ in range(2):
        with pytest.raises(BadModelOutput) as refused:
            await model.complete(PROMPT, max_tokens=9, schema=QUESTIONS)
        assert (refused.value.text, refused.value.detail) == ("{", "endless")


async def test_a_recorded_line_names_its_sentences(tmp_path):
    scripted = ScriptedModel(["A letter.", {"questions": ["Why?"]}])
    model = Recorder(scripted, TALKS, tmp_path / "replies.jsonl")
    await read(model)
    await model.complete(PROMPT, max_tokens=9, schema=QUESTIONS)
    first, second = map(json.loads, (tmp_path / "replies.jsonl").read_text("utf-8").splitlines())
    assert first == {
        "kind": "Answer",
        "model": "scripted",
        "recording": TALK.video.id,
        "sentences": [[7, 9], [2, 5]],
        "task": PROMPT[-1].text,
        "reply": "A letter.",
    }
    assert (second["kind"], second["reply"]) == ("QuestionsDraft", '{"questions": ["Why?"]}')


def test_a_table_takes_its_older_ones_place_and_leaves_the_others():
    def table(title: str, figure: float) -> Table:
        return Table(title, title, "About.", ("share",), {"ours": (figure,)})

    page = ""
    for title, figure in (("One", 0.1), ("Two", 0.2), ("One", 0.3)):
        page = document(page, table(title, figure))
    assert [line for line in page.splitlines() if line.startswith(("##", "| ours"))] == [
        "## One",
        "| ours | .300 |",
        "## Two",
        "| ours | .200 |",
    ]
    assert page.count("# Quality\n") == 1


def test_every_gold_span_of_the_short_talks_holds_a_sentence():
    for talk in TALKS:
        places = [Span(sentence.start_s, sentence.end_s) for sentence in talk.sentences]
        for question in talk.questions:
            assert any(is_relevant(place, question.gold) for place in places), question
