"""The contracts of `Videos`, `Chunks`, `Library` and `Threads`, on every store."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from core.backends.storage.store import Store
from core.chat_records import (
    AskRequest,
    ChatSettings,
    RequestOrigin,
    StoredButton,
    WatchRequest,
)
from core.errors import QuestionForgotten, UnknownVideo
from core.model import (
    Answer,
    Asker,
    CaptionTrack,
    Chapter,
    ChapterMark,
    Chunk,
    Citation,
    Point,
    Segment,
    Summary,
    Timings,
    Transcript,
    Turn,
    Video,
)
from tests.fakes.store import MemoryStore

BEES, WHALES = Video("bees0000000", "Bees"), Video("whales00000", "Whales")
OTTERS = Video("otters00000", "Otters")
HIVE, SEA = "discord:1", "telegram:2"
SUMMARY = Summary(
    topic="How bees dance",
    points=(Point("They dance.", 0.0),),
    chapters=(Chapter("Dance", 0.0, 9.5, (Point("In circles.", 2.25),)), Chapter("Wax", 9.5, 12.0)),
    hashtags=("#bees", "#꿀벌"),
    questions=("Why?", "How?", "When?"),
    language="en",
    covered_s=12.0,
    engine="extractive",
)


def heard(video: Video, *texts: str, recipe: str = "large") -> Transcript:
    segments = (Segment(n * 2.0, n * 2 + 1.7, text) for n, text in enumerate(texts))
    return Transcript(video.id, "en", "whisper", tuple(segments), recipe)


def cut(video: Video, *texts: str) -> list[Chunk]:
    return [Chunk(video.id, n, n * 9.0, n * 9 + 9, n, n, "Head", t) for n, t in enumerate(texts)]


def rows(count: int, size: int = 3) -> np.ndarray:
    return np.arange(count * size, dtype=np.float32).reshape(count, size) / 7


def asked(question: str, *videos: Video) -> Turn:
    citations = (Citation(n, v.id, 1.5, 2.5, "said", v.url_at(1.5)) for n, v in enumerate(videos))
    timings = Timings(1, 2, 3, 4)
    answer = Answer(
        question, "Yes [0].", tuple(citations), ("a", "b", "c"), True, "x", timings, ("n",)
    )
    return Turn(question, answer)


async def test_a_video_comes_back_as_it_was_saved(store):
    video = Video(
        id=BEES.id,
        title='"Bees" — 꿀벌 🐝\n\ttwo lines',
        channel_name="Hive",
        duration_s=12.25,
        description="All about bees",
        hashtags=("bees", "wax"),
        marks=(ChapterMark("Dance", 0.0), ChapterMark("Wax", 9.5)),
        thumbnail_url="https://i.ytimg.com/vi/x/hq.jpg",
        caption_tracks=(CaptionTrack("en-orig", "en", automatic=True),),
        language="en",
        file_name="bees.mp3",
    )
    await store.videos.save(video)
    assert await store.videos.get(video.id) == video


async def test_a_video_saved_again_is_replaced_and_keeps_what_was_made_of_it(store):
    await store.videos.save(BEES)
    await store.videos.save_transcript(heard(BEES, "Bees dance."))
    await store.videos.save(replace(BEES, title="More bees"))
    assert (await store.videos.get(BEES.id)).title == "More bees"
    assert await store.videos.transcript(BEES.id) == heard(BEES, "Bees dance.")


async def test_what_was_never_saved_is_none(store):
    assert await store.videos.get("nothing0000") is None
    assert await store.videos.transcript("nothing0000") is None
    assert await store.videos.summary("nothing0000", "r") is None
    assert await store.chunks.recipe("nothing0000") is None


@pytest.mark.parametrize("texts", [(), ("One.",), ("One.", "", " Three. ", "넷 🐋")])
async def test_a_transcript_comes_back_in_order(store, texts):
    await store.videos.save(BEES)
    await store.videos.save_transcript(heard(BEES, *texts))
    assert await store.videos.transcript(BEES.id) == heard(BEES, *texts)


async def test_a_twelve_hour_transcript_comes_back_whole(store):
    long = heard(BEES, *(f"Sentence number {n} of a very long day." for n in range(15_000)))
    await store.videos.save(BEES)
    await store.videos.save_transcript(long)
    assert await store.videos.transcript(BEES.id) == long


async def test_a_new_transcript_ends_what_was_made_of_the_old_one(store):
    for video in (BEES, WHALES):
        await store.videos.save(video)
        await store.videos.save_transcript(heard(video, "Old.", "Older."))
        await store.videos.save_summary(video.id, "r", SUMMARY)
        await store.chunks.save(video.id, "c", cut(video, "Old."), None)
    await store.videos.save_transcript(heard(BEES, "New.", recipe="turbo"))
    assert await store.videos.transcript(BEES.id) == heard(BEES, "New.", recipe="turbo")
    assert await store.videos.summary(BEES.id, "r") is None
    assert await store.chunks.recipe(BEES.id) is None
    assert await store.chunks.load([BEES.id, WHALES.id]) == (cut(WHALES, "Old."), None)
    assert await store.videos.summary(WHALES.id, "r") == SUMMARY


async def test_each_recipe_has_its_own_summary_and_the_last_one_saved_counts(store):
    await store.videos.save(BEES)
    await store.videos.save_summary(BEES.id, "en", replace(SUMMARY, topic="first"))
    await store.videos.save_summary(BEES.id, "en", SUMMARY)
    await store.videos.save_summary(BEES.id, "ko", replace(SUMMARY, language="ko"))
    assert await store.videos.summary(BEES.id, "en") == SUMMARY
    assert await store.videos.summary(BEES.id, "ko") == replace(SUMMARY, language="ko")


async def test_nothing_is_kept_of_a_video_that_is_not_there(store):
    with pytest.raises(UnknownVideo) as refused:
        await store.videos.save_transcript(heard(BEES, "Bees dance."))
    assert refused.value.video_id == BEES.id
    with pytest.raises(UnknownVideo):
        await store.videos.save_summary(BEES.id, "r", SUMMARY)
    with pytest.raises(UnknownVideo):
        await store.chunks.save(BEES.id, "c", cut(BEES, "Bees dance."), None)
    with pytest.raises(UnknownVideo):
        await store.library.add(HIVE, BEES.id)
    with pytest.raises(UnknownVideo):
        await store.threads.add(HIVE, "t", asked("Why?"), [BEES.id])
    assert await store.videos.transcript(BEES.id) is None
    assert await store.threads.turns(HIVE, "t", 9) == []


async def test_chunks_come_back_in_the_order_asked_for_with_their_vectors(store):
    for video, vectors in ((BEES, rows(2)), (WHALES, -rows(1))):
        await store.videos.save(video)
        await store.chunks.save(video.id, "c", cut(video, "A", "B")[: len(vectors)], vectors)
    chunks, vectors = await store.chunks.load([WHALES.id, "nothing0000", BEES.id, WHALES.id])
    assert chunks == [*cut(WHALES, "A"), *cut(BEES, "A", "B")]
    assert vectors.dtype == np.float32
    assert np.array_equal(vectors, np.concatenate([-rows(1), rows(2)]))


@pytest.mark.parametrize("other", [None, rows(1, size=4)], ids=["none", "another size"])
async def test_vectors_come_back_only_if_they_can_be_compared(store, other):
    for video, vectors in ((BEES, rows(1)), (WHALES, other)):
        await store.videos.save(video)
        await store.chunks.save(video.id, "c", cut(video, "A"), vectors)
    chunks, vectors = await store.chunks.load([BEES.id, WHALES.id])
    assert (len(chunks), vectors) == (2, None)
    assert (await store.chunks.load([BEES.id]))[1] is not None


async def test_chunks_are_found_by_their_keys_with_what_is_said_in_them(store):
    videos = [Video("aaaaaaaaaaa", "A"), Video("file-a:b", "B"), Video("ccccccccccc", "C")]
    for video in videos:
        await store.videos.save(video)
        await store.videos.save_transcript(heard(video, *map(str, range(24))))
        chunks = [
            Chunk(video.id, n, n, n + 1, 2 * n, 2 * n + 1, "", video.title) for n in range(12)
        ]
        await store.chunks.save(video.id, "r ", chunks, None)
        await store.library.add(SEA if video.title == "C" else HIVE, video.id, f"{video.title}.mp3")
    keys = ["file-a:b:11", "aaaaaaaaaaa:3", "aaaaaaaaaaa:99", "gone:1", "ccccccccccc:1"]
    found = await store.chunks.found(HIVE, keys)
    assert [(one.video, one.chunk.key) for one in found] == [
        (videos[1].named("B.mp3"), keys[0]),
        (videos[0].named("A.mp3"), keys[1]),
    ]
    assert [one.video.file_name for one in found] == ["B.mp3", "A.mp3"]
    assert [[s.text for s in one.segments] for one in found] == [["22", "23"], ["6", "7"]]
    assert [(one.vector, one.sentence_vectors) for one in found] == [(None, None)] * 2
    assert await store.chunks.found(HIVE, []) == []
    assert await store.chunks.found(SEA, keys[:2]) == []


async def test_a_found_chunk_has_its_own_rows_of_the_matrices(store):
    for video, vectors, of_sentences in (
        (BEES, rows(3), rows(6)),
        (WHALES, rows(3, size=5), None),
        (OTTERS, None, None),
    ):
        await store.videos.save(video)
        await store.videos.save_transcript(heard(video, *"abcdef"))
        # A chunk's number is a name; its row is its place among the video's chunks.
        chunks = [Chunk(video.id, n, n, n + 1, n - 1, n, "", "") for n in (1, 3, 5)]
        await store.chunks.save(video.id, "r", chunks, vectors, of_sentences)
        await store.library.add(HIVE, video.id)
    keys = [f"{WHALES.id}:1", f"{BEES.id}:5", f"{BEES.id}:3", f"{OTTERS.id}:1"]
    whales, last, middle, otters = await store.chunks.found(HIVE, keys, with_vectors=True)
    assert whales.vector == pytest.approx(rows(3, size=5)[0])
    assert last.vector == pytest.approx(rows(3)[2])
    assert last.sentence_vectors == pytest.approx(rows(6)[4:6], rel=1e-3)
    assert middle.sentence_vectors == pytest.approx(rows(6)[2:4], rel=1e-3)
    assert (whales.sentence_vectors, otters.vector, otters.sentence_vectors) == (None, None, None)


async def test_a_video_without_a_chunk_does_not_take_the_others_vectors_away(store):
    await store.videos.save(BEES)
    await store.videos.save(WHALES)
    await store.chunks.save(BEES.id, "c", cut(BEES, "A"), rows(1))
    await store.chunks.save(WHALES.id, "c", [], None)
    chunks, vectors = await store.chunks.load([WHALES.id, BEES.id])
    assert chunks == cut(BEES, "A")
    assert np.array_equal(vectors, rows(1))
    assert await store.chunks.load([WHALES.id]) == ([], None)
    assert await store.chunks.load([]) == ([], None)


async def test_chunks_saved_again_replace_the_old_ones(store):
    await store.videos.save(BEES)
    await store.chunks.save(BEES.id, "old", cut(BEES, "A", "B", "C"), rows(3))
    await store.chunks.save(BEES.id, "new", cut(BEES, "D"), None)
    assert await store.chunks.recipe(BEES.id) == "new"
    assert await store.chunks.load([BEES.id]) == (cut(BEES, "D"), None)


async def test_each_sentence_keeps_its_vector_to_three_digits(store):
    await store.videos.save(BEES)
    await store.videos.save_transcript(heard(BEES, "a", "b", "c"))
    await store.chunks.save(BEES.id, "r", cut(BEES, "A"), rows(1), rows(3) / 7)
    ids = [BEES.id, "nothing0000"]
    found = await store.chunks.sentence_vectors(ids)
    assert found == {BEES.id: pytest.approx(rows(3) / 7, rel=1e-3)}
    await store.chunks.save(BEES.id, "r", cut(BEES, "A"), rows(1))
    assert await store.chunks.sentence_vectors(ids) == {}


async def test_segments_are_found_by_their_indexes_both_included(store):
    await store.videos.save(BEES)
    await store.videos.save_transcript(heard(BEES, "a", "b", "c", "d"))
    ranges = [(BEES.id, 3, 9), ("nothing0000", 0, 9), (BEES.id, 1, 2), (BEES.id, 2, 3)]
    found = await store.chunks.segments(ranges)
    assert [[s.text for s in of] for of in found] == [["d"], [], ["b", "c"], ["c", "d"]]
    assert await store.chunks.segments([]) == []


async def test_a_channel_sees_its_own_videos_newest_first(store):
    for video in (BEES, WHALES):
        await store.videos.save(video)
        await store.library.add(HIVE, video.id)
    await store.library.add(HIVE, BEES.id)
    await store.library.add(SEA, WHALES.id)
    assert await store.library.videos(HIVE) == [WHALES, BEES]
    assert await store.library.videos(SEA) == [WHALES]
    assert await store.library.videos("nobody") == []


async def test_channels_that_know_a_video_are_listed_by_name(store):
    assert await store.library.channels() == []
    for video in (BEES, WHALES):
        await store.videos.save(video)
    for channel, video in ((SEA, BEES), (HIVE, BEES), (SEA, WHALES)):
        await store.library.add(channel, video.id)
    assert await store.library.channels() == [HIVE, SEA]
    revisions = {name: await store.library.revision(name) for name in (HIVE, SEA)}
    assert await store.library.revisions() == revisions
    await store.library.forget(HIVE)
    assert await store.library.channels() == [SEA]
    assert await store.library.revisions() == {SEA: revisions[SEA]}


async def test_a_thread_remembers_its_last_turns_oldest_first(store):
    await store.videos.save(BEES)
    first, second, third = (asked(question, BEES) for question in ("1?", "2?", "3?"))
    for turn in (first, second, third):
        await store.threads.add(HIVE, "t", turn, [BEES.id, BEES.id])
    await store.threads.add(SEA, "t", asked("nothing found"), [])
    assert await store.threads.turns(HIVE, "t", 2) == [second, third]
    assert await store.threads.turns(HIVE, "t", 9) == [first, second, third]
    assert await store.threads.turns(HIVE, "t", 0) == []
    assert await store.threads.turns(SEA, "t", 9) == [asked("nothing found")]
    assert await store.threads.turns("elsewhere", "t", 9) == []


async def test_a_persons_questions_are_forgotten_in_all_channels(store):
    await store.videos.save(BEES)
    mine, other = "discord:7", "discord:77"
    for channel in (HIVE, SEA):
        await store.threads.add(channel, "t", asked("Mine?", BEES), [BEES.id], Asker("", mine))
    await store.threads.add(HIVE, "t", asked("Other?", BEES), [BEES.id], Asker("", other))
    own = Asker("", "telegram:7")
    await store.threads.add("telegram:7", "t", asked("Elsewhere?", BEES), [BEES.id], own)
    await store.threads.add(mine, "t", asked("Private, of old?", BEES), [BEES.id])
    proof = json.dumps({"question": "Mine?"})
    texts = {"suggested": "a", "own": "Mine?", "proof": proof, "foreign": "Other?"}
    for name, text in texts.items():
        await store.buttons.add([StoredButton(name, HIVE, BEES.id, "ask", text)])
    origin = RequestOrigin("discord", "hive", HIVE, "", "7")
    ask = AskRequest("ask", origin, "Mine?", BEES.id, "t", "")
    others = AskRequest("others", replace(origin, person="77"), "Other?", BEES.id, "t", "")
    watch = WatchRequest("watch", origin, BEES.id)
    for request in (ask, others, watch):
        await store.requests.add(request)
    await store.settings.save(mine, ChatSettings(links=True))
    assert await store.threads.forget("discord", "7") == 3
    assert await store.threads.turns(HIVE, "t", 9) == [asked("Other?", BEES)]
    assert await store.threads.turns(SEA, "t", 9) == []
    assert await store.threads.turns(mine, "t", 9) == []
    assert await store.threads.turns("telegram:7", "t", 9)
    assert [name for name in texts if await store.buttons.get(name)] == ["foreign"]
    nobody = replace(watch, origin=replace(origin, person=""))
    assert await store.requests.open("discord") == [others, nobody]
    assert await store.settings.get([mine]) == [ChatSettings()]
    assert await store.videos.get(BEES.id) == BEES


async def test_an_answer_to_who_was_forgotten_meanwhile_is_not_stored(store):
    await store.videos.save(BEES)
    origin = RequestOrigin("discord", "hive", HIVE, "", "7")
    early, other = [AskRequest(id, origin, "Why?", BEES.id, "t", "") for id in ("early", "other")]
    await store.requests.add(early)
    await store.requests.add(replace(other, origin=replace(origin, person="77")))
    await store.threads.forget("discord", "7")
    late = replace(early, id="late")
    await store.requests.add(late)
    turn = asked("Why?", BEES)
    with pytest.raises(QuestionForgotten):
        await store.threads.add(HIVE, "t", turn, [BEES.id], Asker("", "discord:7", "early"))
    for request, person in (("late", "7"), ("other", "77")):
        who = Asker("", f"discord:{person}", request)
        await store.threads.add(HIVE, "t", turn, [BEES.id], who)
    await store.library.add(HIVE, BEES.id)
    await store.library.forget(HIVE, "another")  # which closes no question about this one
    await store.threads.add(HIVE, "t", turn, [BEES.id], Asker("", "discord:7", "late"))
    await store.requests.save(replace(early, done=True))
    assert await store.threads.turns(HIVE, "t", 9) == [turn, turn, turn]


async def known_everywhere(store: Store | MemoryStore) -> None:
    """Store both videos and all their derived data, in two channels that asked about them."""
    for video in (BEES, WHALES):
        await store.videos.save(video)
        await store.videos.save_transcript(heard(video, "Said."))
        await store.videos.save_summary(video.id, "r", SUMMARY)
        await store.chunks.save(video.id, "c", cut(video, "Said."), rows(1))
        for channel in (HIVE, SEA):
            await store.library.add(channel, video.id)
            await store.threads.add(channel, "t", asked(video.title, video), [video.id])
    for channel in (HIVE, SEA):
        await store.threads.add(channel, "t", asked("Both?", BEES, WHALES), [BEES.id, WHALES.id])


async def questions(store: Store | MemoryStore, channel: str) -> list[str]:
    return [turn.question for turn in await store.threads.turns(channel, "t", 99)]


async def test_a_channel_forgets_a_video_and_the_others_keep_it(store):
    await known_everywhere(store)
    assert await store.library.forget(HIVE, BEES.id) == [BEES.id]
    assert await store.library.videos(HIVE) == [WHALES]
    assert await questions(store, HIVE) == ["Whales"]
    assert await store.library.videos(SEA) == [WHALES, BEES]
    assert await questions(store, SEA) == ["Bees", "Whales", "Both?"]
    assert await store.videos.transcript(BEES.id) == heard(BEES, "Said.")


async def test_what_the_last_channel_forgets_is_gone(store):
    await known_everywhere(store)
    await store.threads.add("elsewhere", "t", asked("Of no channel", BEES), [BEES.id])
    for channel in (HIVE, SEA):
        await store.library.forget(channel, BEES.id)
    assert await store.videos.get(BEES.id) is None
    assert await store.videos.transcript(BEES.id) is None
    assert await store.videos.summary(BEES.id, "r") is None
    assert await store.chunks.recipe(BEES.id) is None
    assert await store.chunks.load([BEES.id]) == ([], None)
    assert await store.chunks.segments([(BEES.id, 0, 9)]) == [[]]
    assert await questions(store, SEA) == ["Whales"]
    assert await questions(store, "elsewhere") == []
    assert await store.videos.summary(WHALES.id, "r") == SUMMARY


async def test_a_channel_forgets_everything(store):
    await known_everywhere(store)
    await store.threads.add(HIVE, "t", asked("About nothing"), [])
    assert sorted(await store.library.forget(HIVE)) == [BEES.id, WHALES.id]
    assert await store.library.videos(HIVE) == []
    assert await questions(store, HIVE) == []
    assert await store.library.videos(SEA) == [WHALES, BEES]
    assert await questions(store, SEA) == ["Bees", "Whales", "Both?"]


async def test_forgetting_what_is_not_known_does_nothing(store):
    await known_everywhere(store)
    assert await store.library.forget(HIVE, "nothing0000") == []
    assert await store.library.forget("nobody") == []
    assert await store.library.videos(HIVE) == [WHALES, BEES]


@pytest.mark.parametrize("code", [0, 0xD83D, 0xDC80], ids=["NUL", "high half", "low half"])
async def test_characters_that_no_database_takes_do_no_harm(store, code):
    odd = chr(code)
    name = f"a{odd}b"
    video = replace(BEES, title=name, marks=(ChapterMark(name, 1.0),))
    await store.videos.save(video)
    await store.videos.save_transcript(heard(video, name, "next"))
    await store.videos.save_summary(video.id, name, replace(SUMMARY, topic=name))
    await store.chunks.save(video.id, name, cut(video, name), None)
    await store.library.add(name, video.id)
    await store.threads.add(name, name, asked(name, video), [video.id])
    (known,) = await store.library.videos(name)
    (turn,) = await store.threads.turns(name, name, 9)
    (chunk,), _ = await store.chunks.load([video.id])
    first, second = (await store.videos.transcript(video.id)).segments
    summary = await store.videos.summary(video.id, name)
    for text in (known.title, known.marks[0].title, turn.question, chunk.text, first.text):
        assert (text[0], text[2:]) == ("a", "b")
    assert (summary.topic[0], second.text) == ("a", "next")
    assert await store.videos.get(odd) is None
    assert await store.library.forget(name, video.id) == [video.id]


@pytest.mark.parametrize("text", ["", " ", "말" * 1_000_000, "\\u0000 \\x00 %s :name {} ' \""])
async def test_text_of_any_length_and_look_comes_back_equal(store, text):
    video = replace(BEES, title=text, description=text)
    await store.videos.save(video)
    await store.videos.save_transcript(heard(video, text))
    await store.chunks.save(video.id, "c", cut(video, text), None)
    assert await store.videos.get(video.id) == video
    assert await store.videos.transcript(video.id) == heard(video, text)
    assert await store.chunks.load([video.id]) == (cut(video, text), None)


async def test_a_store_that_is_whole_passes_its_check(store):
    await known_everywhere(store)
    await store.check()
