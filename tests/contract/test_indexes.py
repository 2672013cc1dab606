"""The contract of a channel's two indexes, on the fakes and on the real ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.backends.chroma.vector_index import Chroma
from core.backends.fts5 import Fts5
from core.errors import IndexBroken
from core.model import Chunk
from core.ports import KeywordIndex, VectorIndex, Vectors
from core.text.tokens import tokenise
from tests.fakes.indexes import FakeKeywordIndex, FakeVectorIndex

HIVE, OTHER = "discord/1/hive", "discord/1/other"
NAMES = [
    "",
    " ",
    ".",
    "../../../etc/passwd",
    "CON",
    "'; DROP TABLE videos; --",
    'a "quoted" one',
    "100%_",
    "\x00",
    "half a character \ud800",
    "half a character ?",
    "한글 채널 🐝",
    "é",
    "e\u0301",  # looks the same
    "hive",
    "Hive",
    "x" * 10_000,
]


class Threaded:
    """Adapts a synchronous index to the async port."""

    def __init__(self, index: Any) -> None:
        self._index = index

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._index, name)
        return lambda *arguments: asyncio.to_thread(method, *arguments)


def _real_vectors(folder: Path, stack: ExitStack) -> Threaded:
    return Threaded(stack.enter_context(closing(Chroma(folder / "chroma"))))


def _real_keywords(folder: Path, stack: ExitStack) -> Threaded:
    return Threaded(stack.enter_context(closing(Fts5(folder / "fts5.sqlite"))))


VECTORS = {"fake": lambda *_: FakeVectorIndex(), "real": _real_vectors}
KEYWORDS = {"fake": lambda *_: FakeKeywordIndex(), "real": _real_keywords}


@pytest.fixture(params=VECTORS)
def vectors(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorIndex]:
    with ExitStack() as stack:
        yield VECTORS[request.param](tmp_path, stack)


@pytest.fixture(params=KEYWORDS)
def keywords(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeywordIndex]:
    with ExitStack() as stack:
        yield KEYWORDS[request.param](tmp_path, stack)


class VectorSide:
    """Calls what both ports share on a `VectorIndex`."""

    def __init__(self, index: VectorIndex) -> None:
        self.index = index

    async def put(self, channel: str, video: str, *texts: str, digest: str = "d") -> None:
        chunks = _chunks(video, texts)
        rows = np.stack([_row(text) for text in texts]) if texts else np.zeros((0, 32), np.float32)
        await self.index.put(channel, video, digest, chunks, rows)

    async def find(self, channel: str, text: str) -> list[str]:
        return await self.index.nearest(channel, _row(text), 10)


class KeywordSide:
    """Calls what both ports share on a `KeywordIndex`."""

    def __init__(self, index: KeywordIndex) -> None:
        self.index = index

    async def put(self, channel: str, video: str, *texts: str, digest: str = "d") -> None:
        await self.index.put(channel, video, digest, _chunks(video, texts))

    async def find(self, channel: str, text: str) -> list[str]:
        return await self.index.matching(channel, tokenise(text), 10)


Side = VectorSide | KeywordSide
SIDES = [(VectorSide, VECTORS[name], f"vectors-{name}") for name in VECTORS]
SIDES += [(KeywordSide, KEYWORDS[name], f"keywords-{name}") for name in KEYWORDS]


@pytest.fixture(params=SIDES, ids=lambda param: param[2])
def side(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Side]:
    kind, make, _ = request.param
    with ExitStack() as stack:
        yield kind(make(tmp_path, stack))


def _chunks(video: str, texts: Sequence[str]) -> list[Chunk]:
    return [
        Chunk(video, number, 0.0, 1.0, number, number, "", text)
        for number, text in enumerate(texts)
    ]


def _row(text: str, size: int = 32) -> Vectors:
    seed = list(text.encode())
    row = np.random.default_rng(seed).normal(size=size).astype(np.float32)
    return row / np.linalg.norm(row)


# Both indexes


async def test_a_channel_never_seen_holds_nothing_and_finds_nothing(side):
    assert await side.index.holdings(HIVE) == {}
    assert await side.find(HIVE, "bees") == []
    await side.index.drop(HIVE)
    await side.index.drop(HIVE, "v1")


async def test_what_was_put_is_held_and_found(side):
    await side.put(HIVE, "v1", "bees", "flowers", digest="first")
    await side.put(HIVE, "v2", "market", digest="second")

    assert await side.index.holdings(HIVE) == {"v1": "first", "v2": "second"}
    assert (await side.find(HIVE, "flowers"))[0] == "v1:1"
    assert (await side.find(HIVE, "market"))[0] == "v2:0"


async def test_a_video_put_twice_is_held_once(side):
    await side.put(HIVE, "v1", "bees", "flowers")
    await side.put(HIVE, "v1", "bees", "flowers")

    assert sorted(await side.find(HIVE, "bees flowers")) == ["v1:0", "v1:1"]


async def test_a_video_put_anew_has_its_new_chunks_and_no_others(side):
    await side.put(HIVE, "v1", "bees", "flowers", "honey", digest="old")
    await side.put(HIVE, "v2", "market")
    await side.put(HIVE, "v1", "wax", digest="new")

    assert await side.index.holdings(HIVE) == {"v1": "new", "v2": "d"}
    assert set(await side.find(HIVE, "bees flowers honey wax market")) == {"v1:0", "v2:0"}
    assert (await side.find(HIVE, "wax"))[0] == "v1:0"


async def test_a_video_without_chunks_is_not_held(side):
    await side.put(HIVE, "v1", "bees")
    await side.put(HIVE, "v1")

    assert await side.index.holdings(HIVE) == {}
    assert await side.find(HIVE, "bees") == []


async def test_a_dropped_video_is_gone_and_the_others_are_not(side):
    await side.put(HIVE, "v1", "bees", "flowers")
    await side.put(HIVE, "v2", "market")
    await side.index.drop(HIVE, "v1")

    assert await side.index.holdings(HIVE) == {"v2": "d"}
    assert await side.find(HIVE, "bees flowers market") == ["v2:0"]


async def test_a_dropped_channel_is_empty_and_may_be_filled_again(side):
    await side.put(HIVE, "v1", "bees")
    await side.put(OTHER, "v1", "bees")
    await side.index.drop(HIVE)

    assert await side.index.holdings(HIVE) == {}
    assert await side.find(HIVE, "bees") == []
    assert await side.find(OTHER, "bees") == ["v1:0"]
    await side.put(HIVE, "v2", "bees")
    assert await side.find(HIVE, "bees") == ["v2:0"]


async def test_only_kept_channels_stay(side, tmp_path):
    for channel in NAMES[:9]:
        await side.put(channel, "v1", "Nora Lee found the queen.")
    await side.index.keep([NAMES[2], NAMES[8], "never seen"])
    for channel in NAMES[:9]:
        is_kept = channel in (NAMES[2], NAMES[8])
        assert bool(await side.index.holdings(channel)) is is_kept
        assert bool(await side.find(channel, "queen")) is is_kept
    await side.index.keep([])
    assert await side.find(NAMES[2], "queen") == []
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in left if b"queen" in path.read_bytes()] == []
    assert [path for path in left if path.name == "chroma.sqlite3"] == []


async def test_channels_never_see_each_others_chunks(side):
    await side.put(HIVE, "v1", "bees", "secret")
    await side.put(OTHER, "v2", "bees", "market")

    assert set(await side.find(HIVE, "bees secret market")) <= {"v1:0", "v1:1"}
    assert set(await side.find(OTHER, "bees secret market")) <= {"v2:0", "v2:1"}
    await side.index.drop(OTHER, "v1")
    assert await side.index.holdings(HIVE) == {"v1": "d"}


async def test_any_two_names_are_two_channels(side):
    for number, name in enumerate(NAMES):
        await side.put(name, f"v{number}", "bees", digest=str(number))

    for number, name in enumerate(NAMES):
        assert await side.index.holdings(name) == {f"v{number}": str(number)}
        assert await side.find(name, "bees") == [f"v{number}:0"]


async def test_any_video_id_is_held(side):
    videos = ["file-3hFz_-8aQ1x", "-dash", "_", 'a"b', "it's", "100%", "비디오"]
    for video in videos:
        await side.put(HIVE, video, f"bees {video}")
    await side.index.drop(HIVE, "_")

    assert sorted(await side.index.holdings(HIVE)) == sorted({*videos} - {"_"})


# The vector index


async def test_the_nearest_come_first_and_no_more_than_asked(vectors):
    rows = np.stack([_row(f"text {i}", 384) for i in range(3000)])
    for first in range(0, 3000, 40):
        part = rows[first : first + 40]
        await vectors.put(HIVE, f"v{first}", "d", _chunks(f"v{first}", [""] * len(part)), part)
    keys = [f"v{i - i % 40}:{i % 40}" for i in range(3000)]

    found = right = 0
    for i in range(0, 3000, 100):
        near = await vectors.nearest(HIVE, rows[i], 10)
        exact = [keys[k] for k in np.argsort(-(rows @ rows[i]), kind="stable")[:10]]
        assert near[0] == keys[i]
        assert len(near) == len(set(near)) == 10
        found, right = found + len(set(near) & set(exact)), right + 10
    assert found / right > 0.9  # an approximate graph, not a comparison with every row
    assert len(await vectors.holdings(HIVE)) == 75


async def test_vectors_of_another_size_replace_what_the_old_embedder_made(vectors):
    side = VectorSide(vectors)
    await side.put(HIVE, "v1", "bees")
    await vectors.put(HIVE, "v2", "d", _chunks("v2", ["bees"]), _row("bees", 48)[None])

    assert await vectors.holdings(HIVE) == {"v2": "d"}
    assert await vectors.nearest(HIVE, _row("bees", 48), 10) == ["v2:0"]


async def test_a_question_of_another_size_is_refused(vectors):
    await VectorSide(vectors).put(HIVE, "v1", "bees")

    with pytest.raises(IndexBroken):
        await vectors.nearest(HIVE, _row("bees", 48), 10)


# The keyword index


async def test_the_rarer_word_counts_more(keywords):
    side = KeywordSide(keywords)
    await side.put(HIVE, "v1", *["the hive is full of bees"] * 20, "a bear found the hive")

    assert (await side.find(HIVE, "bear bees"))[0] == "v1:20"


async def test_any_of_the_words_is_enough_and_one_is_needed(keywords):
    side = KeywordSide(keywords)
    await side.put(HIVE, "v1", "bees dance", "the market fell", "honey", "nothing here")

    assert set(await side.find(HIVE, "dancing markets")) == {"v1:0", "v1:1"}
    assert await side.find(HIVE, "zebra") == []
    assert await keywords.matching(HIVE, [], 10) == []
    assert await side.find("never seen", "bees") == []


async def test_one_korean_letter_finds_the_words_that_it_begins(keywords):
    await KeywordSide(keywords).put(HIVE, "v1", "꿀은 달다", "꿀벌", "벌집", "꿀")

    assert set(await keywords.matching(HIVE, ["꿀"], 10)) == {"v1:0", "v1:1", "v1:3"}
    assert await keywords.matching(HIVE, ["b"], 10) == []


async def test_no_more_keys_come_than_asked_for(keywords):
    await KeywordSide(keywords).put(HIVE, "v1", *["bees"] * 30)

    assert len(await keywords.matching(HIVE, ["bee"], 7)) == 7


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("꿀벌은 춤을 춘다", "꿀벌이 춤춘다"),
        ("ミツバチはダンスをする", "ミツバチ"),
        ("it grew by 3.5 percent", "why 3.5"),
        ("it was 1955", "nineteen fifty five"),
        ("l'été à Zürich", "zürich"),
        ("пчёлы танцуют", "пчёлы"),
        ("𠮷野家 opened", "𠮷野家"),
    ],
)
async def test_every_script_is_found(keywords, said, asked):
    side = KeywordSide(keywords)
    await side.put(HIVE, "v1", said, "something else, 5 of 3, a zurich")

    assert await side.find(HIVE, asked) == ["v1:0"]


@pytest.mark.parametrize(
    "question",
    [
        '"bees',
        "'bees",
        "bees*",
        "NEAR(bees zebra)",
        "bees AND zebra",
        "key:bees",
        "-bees",
        "^bees)",
    ],
)
async def test_a_question_is_words_and_never_a_command(keywords, question):
    side = KeywordSide(keywords)
    await side.put(HIVE, "v1", "bees", "nothing")

    assert await side.find(HIVE, question) == ["v1:0"]


async def test_a_question_of_thousands_of_words_is_answered(keywords):
    await KeywordSide(keywords).put(HIVE, "v1", "bees", "nothing")

    assert await keywords.matching(HIVE, [*(f"w{i}" for i in range(5000)), "bee"], 5) == ["v1:0"]


async def test_among_three_thousand_chunks_the_right_one_is_found(keywords):
    for video in range(75):
        texts = [f"the bees of hive {video} on day {day}" for day in range(1000, 1040)]
        await keywords.put(HIVE, f"v{video}", "d", _chunks(f"v{video}", texts))

    assert (await keywords.matching(HIVE, tokenise("bees of hive 33, day 1007"), 10))[0] == "v33:7"
    assert len(await keywords.holdings(HIVE)) == 75
