"""This file checks the order of the steps: what is done once, stood in for, told and kept."""

import asyncio
import json
import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.errors import (
    BadModelOutput,
    DownloadFailed,
    EmbedderMissing,
    EmptyQuestion,
    IndexBroken,
    ModelFailed,
    ModelStalled,
    NoSpeech,
    NothingToAsk,
    OllamaUnreachable,
    UnknownJob,
    UnknownVideo,
    VideoPrivate,
)
from core.model import ELSEWHERE, CaptionTrack, Progress, Ready, Segment, Turn
from core.sources import File, Link
from core.text.languages import is_written_in
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.language_model import Broken, ScriptedModel
from tests.fakes.transcriber import FakeTranscriber, WaitingTranscriber
from tests.harness.fake_core import BEES, SAID, FakeCore, ask, finish, silent

LINK, OTHER = Link(BEES.id), Link("bbbbbbbbbbb")
SUMMARY = {
    "topic": "Bees",
    "points": [{"text": "Nora Lee found the queen.", "segment": 2}],
    "chapters": [{"title": "Bees", "segment": 1}],
    "hashtags": ["bees"],
    "questions": ["Who found the queen?", "How many flowers?", "Where is Kelso?"],
}
QUESTIONS = {"questions": ["What else?", "And then?", "Who says so?"]}
KOREAN_QUESTIONS = {"questions": ["그다음은요?", "누가 그랬나요?", "또 있나요?"]}
QUEEN = "Who found the queen of the hive in Arden?"


@pytest.fixture
def world(tmp_path):
    return FakeCore(tmp_path)


async def test_a_link_becomes_a_video_one_can_question(world):
    pipeline = world.pipeline()
    ready = await finish(pipeline.ingest(LINK, "hive"))
    answer = await ask(pipeline, QUEEN)
    assert ready.video.title == BEES.title
    assert ready.transcript.segments == SAID
    assert ready.summary.covered_s == SAID[-1].end_s
    assert answer.text == f"{SAID[1].text} [1]"
    assert answer.citations[0].url == f"https://youtu.be/{BEES.id}?t=5"


async def test_an_ingest_yields_its_progress_and_then_what_is_ready(world):
    *stages, ready = [event async for event in world.pipeline().ingest(LINK, "hive")]
    assert [type(event) for event in stages] == [Progress] * len(stages)
    assert {"transcribe", "summarise"} <= {progress.stage for progress in stages}
    assert isinstance(ready, Ready)


async def test_five_pastes_at_once_are_heard_once_and_known_to_each_channel(world):
    pipeline = world.pipeline()
    channels = ("one", "two", "three", "four", "five")
    await asyncio.gather(*(finish(pipeline.ingest(LINK, channel)) for channel in channels))
    assert len(world.transcriber.heard) == 1
    assert world.fetcher.calls == ["look_up", "download"]
    assert world.embedder.embedded == 1 + len(SAID), "a chunk and its sentences"
    for channel in channels:
        assert [video.id for video in await world.store.library.videos(channel)] == [BEES.id]


async def test_a_known_video_asks_nobody_anything(world):
    await finish(world.pipeline().ingest(LINK, "hive"))
    world.fetcher = FakeFetcher(failures={"look_up": VideoPrivate()})
    world.transcriber = FakeTranscriber(failure=NoSpeech())
    before = world.embedder.embedded
    told = []
    again = await finish(world.pipeline().ingest(LINK, "hive"), told.append)
    assert again.transcript.segments == SAID
    assert world.embedder.embedded == before
    assert told == []


async def test_a_video_that_cannot_be_had_leaves_nothing_behind(world):
    world.transcriber = FakeTranscriber()
    pipeline = world.pipeline()
    with pytest.raises(NoSpeech):
        await finish(pipeline.ingest(LINK, "hive"))
    assert await world.store.videos.get(BEES.id) is None
    with pytest.raises(NothingToAsk):
        await ask(pipeline, QUEEN)
    assert list(world.scratch.iterdir()) == []


async def test_after_a_failure_the_same_link_can_be_tried_again(world):
    world.transcriber = FakeTranscriber(*SAID, failure=ModelFailed("once"))
    with pytest.raises(ModelFailed):
        await finish(world.pipeline().ingest(LINK, "hive"))
    world.transcriber = FakeTranscriber(*SAID)
    assert await finish(world.pipeline().ingest(LINK, "hive"))


async def test_the_model_sums_up_and_answers_where_it_is_there(world):
    world.model = ScriptedModel([SUMMARY, "Nora Lee found her [2].", QUESTIONS])
    pipeline = world.pipeline()
    ready = await finish(pipeline.ingest(LINK, "hive"))
    answer = await ask(pipeline, QUEEN)
    assert ready.summary.engine == "scripted"
    assert ready.summary.points[0].start_s == 5.0
    assert ready.notes == ()
    assert (answer.text, answer.engine) == ("Nora Lee found her. [1]", "scripted")
    assert answer.citations[0].quote == SAID[1].text
    assert answer.questions == tuple(QUESTIONS["questions"])


@pytest.mark.parametrize("when", ["away", "failing"])
async def test_a_model_that_is_away_or_fails_is_stood_in_for_and_it_is_said(world, when):
    world.model = ScriptedModel([ModelFailed("broke")] * 3)
    world.away = OllamaUnreachable("http://127.0.0.1:11434") if when == "away" else None
    pipeline = world.pipeline()
    ready = await finish(pipeline.ingest(LINK, "hive"))
    answer = await ask(pipeline, QUEEN)
    assert (ready.summary.engine, answer.engine) == ("extractive", "extractive")
    assert ready.notes == ("llm_away",)
    assert answer.notes == ("llm_away",)
    assert answer.citations


async def test_a_summary_of_the_stand_in_gives_way_when_the_model_is_back(world):
    world.model = ScriptedModel([SUMMARY])
    world.away = OllamaUnreachable("http://127.0.0.1:11434")
    await finish(world.pipeline().ingest(LINK, "hive"))
    world.away = None
    ready = await finish(world.pipeline().ingest(LINK, "hive"))
    assert ready.summary.engine == "scripted"
    assert len(world.transcriber.heard) == 1


async def test_a_stored_summary_of_the_model_serves_while_it_is_away(world):
    world.model = ScriptedModel([SUMMARY])
    await finish(world.pipeline().ingest(LINK, "hive"))
    world.away = OllamaUnreachable("http://127.0.0.1:11434")
    ready = await finish(world.pipeline().ingest(LINK, "hive"))
    assert ready.summary.engine == "scripted"
    assert ready.notes == ()


async def test_without_a_model_that_must_be_used_a_video_is_ready_but_not_answered_about(world):
    world.model, world.insist = ScriptedModel([SUMMARY, "Nora Lee found her [2].", QUESTIONS]), True
    world.away = OllamaUnreachable("http://127.0.0.1:11434")
    pipeline = world.pipeline()
    ready = await finish(pipeline.ingest(LINK, "hive"))
    assert (ready.summary.engine, ready.notes) == ("extractive", ("llm_away",))
    assert await finish(pipeline.ingest(LINK, "hive")) == ready
    with pytest.raises(OllamaUnreachable):
        await ask(pipeline, QUEEN)
    world.away = None
    assert (await finish(pipeline.ingest(LINK, "hive"))).summary.engine == "scripted"
    assert (await ask(pipeline, QUEEN)).engine == "scripted"


def bad_writer(seed):
    """Replies of a model that loops, breaks off, or writes no JSON, more often than not."""
    chance = random.Random(seed)

    def reply(prompt):
        text = json.dumps(SUMMARY)
        begun = text[: chance.randrange(len(text))]
        looped = text[:-2] + ', "And then?"' * 40
        faults = (
            Broken(looped, BadModelOutput("it repeats itself without end")),
            Broken(begun, BadModelOutput("it stopped without an end")),
            Broken(begun, ModelStalled(60)),
            Broken("", ModelFailed("the connection broke")),
            begun,
            text.replace('"segment": ', '"segment": 99'),
            "I cannot do that.",
            "",
        )
        return chance.choice(faults) if chance.random() < 0.8 else SUMMARY

    return reply


async def test_of_a_hundred_ingests_with_a_bad_writer_none_fails(tmp_path):
    engines = Counter()
    for seed in range(100):
        world = FakeCore(tmp_path, model=ScriptedModel(bad_writer(seed)))
        ready = await finish(world.pipeline().ingest(LINK, "hive"))
        assert ready.summary.points
        assert ready.transcript.segments == SAID
        engines[ready.summary.engine] += 1
    assert engines["scripted"] > 20
    assert engines["extractive"] > 20


async def test_a_model_that_breaks_off_in_the_middle_is_told(world):
    world.model = ScriptedModel(
        [SUMMARY, Broken("Nora Lee found her. She then left", ModelFailed("broke"))]
    )
    pipeline = world.pipeline()
    await finish(pipeline.ingest(LINK, "hive"))
    with pytest.raises(ModelFailed):
        await ask(pipeline, QUEEN)
    assert await world.store.threads.turns("hive", "thread", 9) == []


async def test_a_thread_remembers_its_turns_and_a_question_is_asked_with_them(world):
    world.model = ScriptedModel([SUMMARY, "Nora Lee [2].", QUESTIONS, "In Arden [2].", QUESTIONS])
    pipeline = world.pipeline()
    await finish(pipeline.ingest(LINK, "hive"))
    first = await ask(pipeline, QUEEN)
    await ask(pipeline, "And where?")
    turns = await world.store.threads.turns("hive", "thread", 9)
    asked = world.model.prompts[3]
    assert turns[0] == Turn(QUEEN, first)
    assert any(QUEEN in message.text for message in asked)
    assert "And where?" in asked[-1].text


async def test_without_an_embedder_words_alone_serve(world):
    world.embedder.failure = EmbedderMissing("none")
    pipeline = world.pipeline()
    ready = await finish(pipeline.ingest(LINK, "hive"))
    answer = await ask(pipeline, QUEEN)
    found = await pipeline.search("queen", "hive", 5)
    assert "keyword_only" in ready.notes
    assert "keyword_only" in answer.notes
    assert answer.citations[0].start_s == 5.0
    assert found.notes == ("keyword_only",)
    assert found.said[0].video.id == BEES.id


async def test_an_embedder_that_comes_later_is_used_at_the_next_ingest(world):
    world.embedder.failure = EmbedderMissing("none")
    await finish(world.pipeline().ingest(LINK, "hive"))
    world.embedder.failure = None
    ready = await finish(world.pipeline().ingest(LINK, "hive"))
    chunks, vectors = await world.store.chunks.load([BEES.id])
    assert ready.notes == ()
    assert len(vectors) == len(chunks)


async def test_while_an_index_cannot_be_read_the_store_answers(world):
    pipeline = world.pipeline()
    await finish(pipeline.ingest(LINK, "hive"))
    await finish(pipeline.ingest(OTHER, "hive"))
    world.keywords.failure = IndexBroken("gone")
    answer = await ask(pipeline, QUEEN)
    assert "cache_rebuilding" in answer.notes
    assert answer.citations[0].start_s == 5.0
    world.keywords.failure = None
    assert "cache_rebuilding" not in (await ask(pipeline, QUEEN)).notes


async def test_channels_know_nothing_of_each_other(world):
    pipeline = world.pipeline()
    await finish(pipeline.ingest(LINK, "hive"))
    with pytest.raises(NothingToAsk):
        await ask(pipeline, QUEEN, channel="elsewhere")
    with pytest.raises(UnknownVideo):
        await ask(pipeline, QUEEN, channel="elsewhere", video_id=BEES.id)
    with pytest.raises(NothingToAsk):
        await pipeline.search("queen", "elsewhere", 5)


async def test_what_is_forgotten_is_not_found_again(world):
    pipeline = world.pipeline()
    await finish(pipeline.ingest(LINK, "hive"))
    await finish(pipeline.ingest(OTHER, "hive"))
    await ask(pipeline, QUEEN, video_id=BEES.id)
    assert await pipeline.forget("hive", BEES.id) == [BEES.id]
    found = await pipeline.search("queen", "hive", 9)
    assert {place.video.id for place in found.said + found.nearest} == {OTHER.video_id}
    assert await world.store.threads.turns("hive", "thread", 9) == []
    with pytest.raises(UnknownVideo):
        await pipeline.forget("hive", BEES.id)


@pytest.mark.parametrize("question", ["", "  \n\t ", "\udcff\x07"])
async def test_an_empty_question_is_refused(world, question):
    pipeline = world.pipeline()
    await finish(pipeline.ingest(LINK, "hive"))
    with pytest.raises(EmptyQuestion):
        await ask(pipeline, question)
    with pytest.raises(EmptyQuestion):
        await pipeline.search(question, "hive", 5)


async def test_a_korean_question_is_answered_in_korean(world):
    world.model = ScriptedModel(
        [SUMMARY, "노라 리입니다 [2].", KOREAN_QUESTIONS, "Nora Lee [2].", QUESTIONS]
    )
    pipeline = world.pipeline()
    await finish(pipeline.ingest(LINK, "hive"))
    await ask(pipeline, "누가 여왕벌을 찾았나요?")
    await ask(pipeline, QUEEN)
    assert "Korean" in world.model.prompts[1][-1].text
    assert "English" in world.model.prompts[3][-1].text


@pytest.mark.parametrize(
    ("question", "place", "answered"),
    [
        ("OK?", "ko", "Korean"),
        ("OK?", "", "English"),
        ("What does 여왕벌 mean?", "ko", "English"),
        ("Nora Lee는?", "en", "Korean"),
    ],
)
async def test_an_answer_is_in_the_questions_language_else_the_places_else_the_settings(
    world, question, place, answered
):
    world.model = ScriptedModel([SUMMARY, "Nora Lee [2].", *[QUESTIONS] * 2])
    pipeline = world.pipeline()
    await finish(pipeline.ingest(LINK, "hive"))
    await ask(pipeline, question, language=place)
    assert f"Answer in {answered}" in world.model.prompts[1][-1].text


async def test_suggested_questions_are_in_the_language_of_the_answer(world):
    """The model's own are English, as is the summary."""
    world.model = ScriptedModel([SUMMARY, "노라 리가 찾았어요 [2].", *[QUESTIONS] * 2])
    pipeline = world.pipeline()
    await finish(pipeline.ingest(LINK, "hive"))
    asked = (await ask(pipeline, "누가 여왕벌을 찾았나요?")).questions
    more = await pipeline.more_questions("hive", BEES.id, "thread", "ko")
    assert all(is_written_in(question, "ko") for question in (*asked, *more))


async def test_the_proof_of_an_answer_is_what_is_said_around_its_citations(world):
    pipeline = world.pipeline()
    await finish(pipeline.ingest(LINK, "hive"))
    assert await pipeline.proof("hive", "thread") is None
    answer = await ask(pipeline, QUEEN)
    [citation] = answer.citations
    proof = await pipeline.proof("hive", "thread")
    assert proof.question == QUEEN
    [place] = proof.places
    assert place.citation == citation
    assert (place.before, place.said, place.after) == tuple(said.text for said in SAID)
    assert await pipeline.proof("hive", "thread", "Another question?") is None
    assert await pipeline.proof("hive", "another thread") is None


async def test_a_place_that_a_newer_transcript_lacks_is_proved_by_its_quote(world):
    pipeline = world.pipeline()
    await finish(pipeline.ingest(LINK, "hive"))
    answer = await ask(pipeline, QUEEN)
    transcript = await world.store.videos.transcript(BEES.id)
    newer = replace(transcript, segments=(Segment(0.0, 90.0, "One sentence."),))
    await world.store.videos.save_transcript(newer)
    [place] = (await pipeline.proof("hive", "thread")).places
    assert (place.before, place.said, place.after) == ("", answer.citations[0].quote, "")


@pytest.fixture
async def two_videos(world):
    """A pipeline whose channel knows BEES and a video about a bridge."""
    await finish(world.pipeline().ingest(LINK, "hive"))
    world.transcriber = FakeTranscriber(
        Segment(0.0, 4.0, "The bridge of Oslo was painted red by Ann Berg."),
        Segment(5.0, 9.0, "It took her the whole of one cold summer."),
    )
    await finish(world.pipeline().ingest(OTHER, "hive"))
    return world.pipeline()


async def test_what_a_video_does_not_say_is_answered_from_the_others(two_videos, world):
    answer = await ask(two_videos, QUEEN, video_id=OTHER.video_id)
    assert ELSEWHERE in answer.notes
    assert {citation.video_id for citation in answer.citations} == {BEES.id}
    await two_videos.forget("hive", BEES.id)
    assert await world.store.threads.turns("hive", "thread", 9) == []


@pytest.mark.parametrize(
    ("question", "is_answered"),
    [("Who painted the bridge of Oslo?", True), ("When does the ferry to Bergen leave?", False)],
)
async def test_others_are_not_named_for_what_they_do_not_answer(two_videos, question, is_answered):
    answer = await ask(two_videos, question, video_id=OTHER.video_id)
    assert answer.grounded == is_answered
    assert ELSEWHERE not in answer.notes
    assert BEES.id not in {citation.video_id for citation in answer.citations}


async def test_a_model_that_finds_nothing_in_a_video_is_asked_about_the_others(two_videos, world):
    world.model = ScriptedModel(["NONE", QUESTIONS, "Nora Lee found the queen.", QUESTIONS])
    answer = await ask(world.pipeline(), QUEEN, video_id=OTHER.video_id)
    assert ELSEWHERE in answer.notes
    assert answer.text == "Nora Lee found the queen. [1]"
    assert answer.citations[0].video_id == BEES.id


async def test_a_question_that_leans_on_the_conversation_is_searched_with_the_one_before(world):
    pipeline = world.pipeline()
    await finish(pipeline.ingest(LINK, "hive"))
    await ask(pipeline, QUEEN)
    answer = await ask(pipeline, "And where was that?")
    assert answer.question == "And where was that?"
    assert [citation.start_s for citation in answer.citations][:1] == [5.0]
    alone = await ask(pipeline, "And where was that?", thread="another")
    assert [citation.start_s for citation in alone.citations][:1] != [5.0]


async def test_timings_leave_the_loading_of_a_model_out(world):
    pipeline = world.pipeline()
    await finish(pipeline.ingest(LINK, "hive"))
    timings = (await ask(pipeline, QUEEN)).timings
    assert timings.retrieval_ms <= timings.first_token_ms <= timings.total_ms


async def test_one_channel_may_forget_what_another_is_taking_in(world):
    pipeline = world.pipeline()
    await finish(pipeline.ingest(LINK, "hive"))
    await asyncio.gather(finish(pipeline.ingest(LINK, "sea")), pipeline.forget("hive"))
    assert [video.id for video in await world.store.library.videos("sea")] == [LINK.video_id]
    assert (await ask(pipeline, QUEEN, channel="sea")).citations


async def test_what_one_channel_forgets_stays_begun_for_another(world):
    world.transcriber = WaitingTranscriber(*SAID)
    pipeline = world.pipeline()
    jobs = await pipeline._jobs()
    theirs, ours = [
        await jobs.submit(await world.ingest().order(LINK, channel, "en"))
        for channel in ("sea", "hive")
    ]
    await world.transcriber.began.wait()
    recipe = world.ingest().transcript_maker.recipe_prefix(LINK)
    assert await world.store.checkpoints.load(BEES.id, recipe)
    assert await pipeline.forget("hive", BEES.id) == [BEES.id]
    assert await world.store.checkpoints.load(BEES.id, recipe)
    assert await world.store.videos.get(BEES.id)
    with pytest.raises(UnknownJob):
        await finish(pipeline.resume(ours))
    world.transcriber.go_on.set()
    assert (await finish(pipeline.resume(theirs))).transcript.segments == SAID


async def test_what_was_begun_a_week_ago_is_kept_no_longer(world):
    pieces = world.store.checkpoints
    for recipe in ("old", "new"):
        await pieces.save(BEES.id, recipe, 0, "piece")
    pieces._shelf.checkpoints[BEES.id, "old", 0] = ("piece", datetime(2020, 1, 1, tzinfo=UTC))
    await world.ingest().purge_expired()
    assert [await pieces.load(BEES.id, recipe) for recipe in ("old", "new")] == [{}, {0: "piece"}]


async def test_half_a_character_in_a_question_does_no_harm(world):
    pipeline = world.pipeline()
    await finish(pipeline.ingest(LINK, "hive"))
    answer = await ask(pipeline, f"\udcff{QUEEN}\x1b[2J")
    assert answer.question == QUEEN
    assert answer.citations


async def test_a_video_wanted_in_two_languages_is_heard_once(world):
    ingest = world.ingest()
    orders = [await ingest.order(LINK, "hive", language) for language in ("en", "ko")]
    for order in orders:
        await ingest.resolve(order, silent)
    await asyncio.gather(*(ingest.transcribe(order, silent) for order in orders))
    assert len(world.transcriber.heard) == 1


async def test_captions_give_way_to_the_audio_once_it_can_be_had(world):
    captioned = replace(BEES, caption_tracks=(CaptionTrack("en", "en", False),), language="en")
    failures = {"download": DownloadFailed("403")}
    written = [replace(segment, text=f"{segment.text} So it is written.") for segment in SAID]
    world.fetcher = FakeFetcher(captioned, said={"en": written}, failures=failures)
    pipeline = world.pipeline()
    assert (await finish(pipeline.ingest(LINK, "hive"))).transcript.source == "captions"
    assert (await finish(pipeline.ingest(LINK, "sea"))).transcript.source == "captions"
    assert world.fetcher.calls.count("download") == 1, "not again within the hour"
    pipeline = world.pipeline()  # a new process knows of no try
    assert (await finish(pipeline.ingest(LINK, "hive"))).transcript.source == "captions"
    assert world.fetcher.calls.count("download") == 2
    assert world.fetcher.calls.count("captions") == 1, "those at hand stay"
    failures.clear()
    pipeline = world.pipeline()
    ready = await finish(pipeline.ingest(LINK, "hive"))
    assert (ready.transcript.source, ready.notes) == ("whisper", ())
    assert "written" not in repr(ready.summary)
    answer = await ask(pipeline, QUEEN, "sea")
    assert "Nora Lee" in answer.text
    assert "written" not in answer.text
    await finish(pipeline.ingest(LINK, "hive"))
    assert world.fetcher.calls.count("download") == 3


async def test_nothing_that_channels_share_has_the_name_of_a_file(world, tmp_path):
    pipeline = world.pipeline()
    for name, channel in (("Smith.mp3", "hive"), ("Lecture.mp3", "sea")):
        path = tmp_path / name
        path.write_bytes(b"buzz")
        ready = await finish(pipeline.ingest(File(path), channel))
        assert (ready.video.file_name, ready.video.title) == (name, path.stem)
        assert (await pipeline.video(channel, ready.video.id)).file_name == name
    assert len(world.transcriber.heard) == 1
    shared = await world.store.videos.get(ready.video.id)
    assert (shared.title, shared.file_name) == ("", "")
    chunks, _ = await world.store.chunks.load([shared.id])
    assert "Smith" not in repr((chunks, ready.summary))
