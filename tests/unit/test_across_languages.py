"""Questions in another language than the video."""

from __future__ import annotations

import pytest

from core.errors import EmbedderMissing, ModelFailed
from core.model import Segment
from core.search.nearness import Background
from core.sources import Link
from tests.fakes.bilingual import BilingualEmbedder
from tests.fakes.indexes import FakeEmbedder
from tests.fakes.language_model import ScriptedModel
from tests.fakes.transcriber import FakeTranscriber
from tests.harness.fake_core import BEES, FakeCore, ask, finish

LINK = Link(BEES.id)
SAID = (
    Segment(0.0, 4.0, "Today we talk about bees and what they do in the winter."),
    Segment(5.0, 9.0, "The queen of the hive in Arden was found by Nora Lee in the spring."),
    Segment(10.0, 14.0, "A worker bee of Kelso visits ninety flowers in an hour."),
)
QUEEN, MOON = "누가 아든에서 여왕벌을 찾았나요?", "달까지 얼마나 걸리나요?"
FOUND = "노라 리가 아든에서 여왕벌을 찾았어요."
BILINGUAL = BilingualEmbedder(
    {
        QUEEN: "Who found the queen of the hive in Arden?",
        MOON: "How long does a rocket take to the moon?",
        FOUND: "Nora Lee found the queen of the hive in Arden.",
    }
)


@pytest.fixture
def world(tmp_path):
    return FakeCore(tmp_path, transcriber=FakeTranscriber(*SAID), embedder=BILINGUAL)


async def answer_to(world: FakeCore, question: str):
    pipeline = world.pipeline()
    await finish(pipeline.ingest(LINK, "hive"))
    return await ask(pipeline, question)


async def test_a_korean_question_finds_its_place_in_an_english_video(world):
    answer = await answer_to(world, QUEEN)
    assert [citation.start_s for citation in answer.citations][:1] == [5.0]
    assert answer.partly


async def test_a_korean_question_about_something_else_is_refused(world):
    assert (await answer_to(world, MOON)).text == ""


def scripted(translation) -> ScriptedModel:
    """A model that answers FOUND. `translation`: its reply when asked for one."""
    summary = {"topic": "Bees", "points": [], "chapters": [], "hashtags": [], "questions": []}
    replies = {
        "Sum up": summary,
        "Translate it": translation,
        "As JSON: questions": {"questions": ["누가요?", "언제요?", "어디서요?"]},
    }

    def reply(prompt):
        task = prompt[-1].text
        return next((text for words, text in replies.items() if words in task), FOUND)

    return ScriptedModel(reply)


async def test_a_korean_answer_is_supported_by_an_english_sentence(world):
    world.model = scripted({})
    answer = await answer_to(world, QUEEN)
    assert answer.text == f"{FOUND} [1]"
    assert answer.citations[0].start_s == 5.0


async def answer_in_channel(world: FakeCore, question: str, translation):
    """Ask all videos, which are not read whole, without an embedder."""
    world.embedder.failure = EmbedderMissing("away")
    world.model = scripted(translation)
    pipeline = world.pipeline()
    for link in (LINK, Link("bbbbbbbbbbb")):
        await finish(pipeline.ingest(link, "hive"))
    answer = await ask(pipeline, question)
    tasks = [prompt[-1].text for prompt in world.model.prompts]
    return answer, sum("Translate it" in task for task in tasks)


async def test_the_words_of_a_translation_are_found_in_a_video_in_another_language(world):
    world.embedder = FakeEmbedder()
    translation = {"question": "Who found the queen of the hive in Arden?"}
    await answer_in_channel(world, QUEEN, translation)
    passages = [prompt[1].text for prompt in world.model.prompts if QUEEN in prompt[-1].text]
    assert "found by Nora Lee" in passages[-1]


@pytest.mark.parametrize("failure", [ModelFailed("oops"), "no JSON", {"question": ""}])
async def test_a_question_that_is_not_translated_is_answered_all_the_same(world, failure):
    world.embedder = FakeEmbedder()
    answer, translations = await answer_in_channel(world, QUEEN, failure)
    assert answer.text == ""
    assert translations == 1


async def test_a_question_in_the_videos_language_is_not_translated(world):
    world.embedder = FakeEmbedder()
    _, translations = await answer_in_channel(world, "Who found the queen?", {"question": "?"})
    assert translations == 0


async def test_an_english_embedder_refuses_and_says_why(world):
    world.embedder = FakeEmbedder()
    answer = await answer_to(world, QUEEN)
    assert answer.text == ""
    assert answer.notes == ("one_language",)
    assert "one_language" not in (await answer_to(world, "Who found the queen?")).notes


async def test_an_embedder_is_known_by_whether_it_finds_translations():
    assert await Background(BILINGUAL).knows_korean()
    assert not await Background(FakeEmbedder()).knows_korean()
