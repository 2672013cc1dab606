"""The contract of `Library` for one video, a page, a search and a revision, on every store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.backends.storage.store import Store
from core.errors import UnknownVideo
from core.model import Chunk, Transcript, Video
from tests.fakes.store import MemoryStore

HIVE, SEA = "discord:1", "telegram:2"
BEES = Video("bees0000000", "How Bees Dance", description="long")
STREET = Video("street00000", "Die STRASSE der Bienen")
KOREAN = Video("korean00000", "꿀벌의 춤 100%")
UNTITLED = Video("untitled_00", "")
ALL = (BEES, STREET, KOREAN, UNTITLED)


@pytest.fixture
async def hive(store: Store | MemoryStore) -> Store | MemoryStore:
    """Fill one channel with four videos, the newest of which is also in another."""
    for video in ALL:
        await store.videos.save(video)
        await store.library.add(HIVE, video.id)
    await store.library.add(SEA, UNTITLED.id)
    return store


async def cut(store: Store | MemoryStore, video: Video, recipe: str, *texts: str) -> None:
    chunks = [Chunk(video.id, n, n, n + 1, n, n, "", text) for n, text in enumerate(texts)]
    await store.chunks.save(video.id, recipe, chunks, np.zeros((len(texts), 3), np.float32))


async def test_a_video_is_got_by_the_channels_that_know_it(hive):
    assert await hive.library.get(HIVE, BEES.id) == BEES
    assert await hive.library.get(SEA, BEES.id) is None
    assert await hive.library.get(HIVE, "nothing0000") is None
    assert await hive.library.get("nobody", BEES.id) is None


async def test_each_channel_has_its_own_name_for_a_file(store):
    video = Video("file-0123456789abcdef", "")
    await store.videos.save(video)
    for channel, name in ((HIVE, "Smith's affair.mp3"), (SEA, "lecture.MP3"), ("third", "")):
        await store.library.add(channel, video.id, name)
        await store.library.add(channel, video.id, "again.mp3")
    await store.videos.save(replace(video, duration_s=3.0))
    named = video.named("lecture.MP3")
    assert (named.title, named.file_name) == ("lecture", "lecture.MP3")
    saved = replace(named, duration_s=3.0)
    library = store.library
    assert await library.get(SEA, video.id) == saved
    for found in (
        await library.get_many(SEA, [video.id]),
        await library.page(SEA, 1),
        await library.videos(SEA),
    ):
        assert found == [saved]
    assert await library.find(SEA, "LECT", 9) == {video.id: "lecture"}
    assert await library.find(SEA, "smith", 9) == {}
    assert await library.find(HIVE, "smith's affair", 9, whole=True) == {video.id: "Smith's affair"}
    assert await library.find("third", video.id, 9) == {video.id: ""}
    assert await store.videos.get(video.id) == replace(video, duration_s=3.0)


async def test_of_several_videos_those_come_back_that_the_channel_knows(hive):
    ids = [BEES.id, "nothing0000", UNTITLED.id, BEES.id]
    assert await hive.library.get_many(HIVE, ids) == [UNTITLED, BEES]
    assert await hive.library.get_many(SEA, ids) == [UNTITLED]
    assert await hive.library.get_many(HIVE, []) == []


async def test_old_videos_expire_one_by_one_unless_their_channel_has_pinned_them(hive):
    library, soon = hive.library, datetime.now(UTC) + timedelta(hours=1)
    assert await library.expired(soon - timedelta(hours=2)) is None
    await library.pin(HIVE, BEES.id, pinned=True)
    await library.pin(HIVE, UNTITLED.id, pinned=True)
    assert await library.pinned(HIVE, [BEES.id, STREET.id]) == {BEES.id}
    assert await library.pinned(SEA, [UNTITLED.id]) == set()
    await library.pin(HIVE, BEES.id, pinned=False)
    gone = set()
    while found := await library.expired(soon):
        gone.add(found)
        await library.forget(*found)
    assert gone == {(HIVE, BEES.id), (HIVE, STREET.id), (HIVE, KOREAN.id), (SEA, UNTITLED.id)}
    assert await library.get_many(HIVE, [video.id for video in ALL]) == [UNTITLED]
    with pytest.raises(UnknownVideo):
        await library.pin(SEA, BEES.id, pinned=True)


async def test_a_channels_videos_are_counted(hive):
    counts = [await hive.library.count(channel) for channel in (HIVE, SEA, "nobody")]
    assert counts == [4, 1, 0]


async def test_pages_hold_every_video_once_newest_first(hive):
    assert await hive.library.page(HIVE, 3) == [UNTITLED, KOREAN, STREET]
    assert await hive.library.page(HIVE, 3, 3) == [BEES]
    assert await hive.library.page(HIVE, 3, 9) == []
    assert await hive.library.page(SEA, 3) == [UNTITLED]
    assert await hive.library.page("nobody", 3) == []


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", [UNTITLED, KOREAN, STREET, BEES]),
        ("BEES", [BEES]),
        ("e", [UNTITLED, STREET, BEES]),
        ("straße", [STREET]),
        ("꿀벌", [KOREAN]),
        ("0%", [KOREAN]),
        ("%", [KOREAN]),
        ("_", [UNTITLED]),
        ("wasps", []),
        ("\0", []),
    ],
)
async def test_a_title_is_found_by_a_part_of_it_in_any_case(hive, typed, found):
    assert list(await hive.library.find(HIVE, typed, 9)) == [video.id for video in found]
    assert list(await hive.library.find(HIVE, typed, 2)) == [video.id for video in found[:2]]


async def test_a_found_video_has_its_title_as_it_is_written(hive):
    assert await hive.library.find(HIVE, "bees", 1) == {BEES.id: BEES.title}
    assert await hive.library.find(HIVE, "UNTITLED", 1) == {UNTITLED.id: ""}


async def test_a_whole_title_is_found_and_no_longer_one(hive):
    assert await hive.library.find(HIVE, "how bees dance", 9, whole=True) == {BEES.id: BEES.title}
    assert await hive.library.find(HIVE, "bees", 9, whole=True) == {}


async def test_a_search_stays_in_its_channel(hive):
    assert await hive.library.find(SEA, "bees", 9) == {}


async def test_a_changed_title_is_found_and_the_old_one_is_not(hive):
    await hive.videos.save(replace(BEES, title="Wasps"))
    assert await hive.library.find(HIVE, "WASP", 9) == {BEES.id: "Wasps"}
    assert await hive.library.find(HIVE, "dance", 9) == {}


async def test_recipes_are_of_the_channels_videos_that_have_chunks(hive):
    await cut(hive, BEES, "b", "Bees dance.")
    await cut(hive, STREET, "s", "Eine Straße.", "Noch eine.")
    await cut(hive, UNTITLED, "u")
    assert list((await hive.library.recipes(HIVE)).items()) == [(STREET.id, "s"), (BEES.id, "b")]
    assert await hive.library.recipes(SEA) == {}


async def test_a_revision_stays_as_long_as_nothing_changes(hive):
    before = await hive.library.revision(HIVE)
    await hive.library.add(HIVE, BEES.id)
    await hive.videos.save(BEES)
    assert await hive.library.revision(HIVE) == before
    assert await hive.library.revision("nobody") == ""


async def test_a_revision_changes_with_the_channels_videos_and_their_chunks(hive):
    seen = [await hive.library.revision(HIVE)]

    async def is_new() -> bool:
        seen.append(await hive.library.revision(HIVE))
        return seen[-1] not in seen[:-1]

    await cut(hive, BEES, "b", "Bees dance.")
    assert await is_new(), "chunks"
    await cut(hive, BEES, "c", "Bees.")
    assert await is_new(), "other chunks"
    await hive.library.forget(HIVE, KOREAN.id)
    assert await is_new(), "a video left"
    await hive.videos.save(KOREAN)
    await hive.videos.save_transcript(Transcript(KOREAN.id, "ko", "whisper", (), "r"))
    await cut(hive, KOREAN, "k", "춤")
    await hive.library.add(HIVE, KOREAN.id)
    assert await is_new(), "a video joined"


async def test_a_new_transcript_changes_the_revision_for_the_chunks_go_with_the_old_one(hive):
    await cut(hive, BEES, "b", "Bees dance.")
    before = await hive.library.revision(HIVE)
    await hive.videos.save_transcript(Transcript(BEES.id, "en", "whisper", (), "r"))
    assert await hive.library.revision(HIVE) != before


async def test_another_channels_change_leaves_the_revision_alone(hive):
    before = await hive.library.revision(SEA)
    await cut(hive, BEES, "b", "Bees dance.")
    await hive.library.forget(HIVE, KOREAN.id)
    assert await hive.library.revision(SEA) == before
    await cut(hive, UNTITLED, "u", "Said.")
    assert await hive.library.revision(SEA) != before


async def test_nothing_is_left_of_a_channel_that_forgets_everything(hive):
    await hive.library.forget(HIVE)
    assert await hive.library.revision(HIVE) == ""
    assert await hive.library.count(HIVE) == 0
    assert await hive.library.find(HIVE, "", 9) == {}


async def test_a_video_that_is_not_there_joins_no_channel(store):
    with pytest.raises(UnknownVideo):
        await store.library.add(HIVE, BEES.id)
    assert await store.library.revision(HIVE) == ""
