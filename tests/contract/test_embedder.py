"""The contract of `Embedder`, on the fake and on the real ones."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from core.ports import Embedder, Kind, Vectors
from tests.fakes.indexes import FakeEmbedder
from tests.harness.embedders import onnx_embedder, sentence_embedder
from tests.harness.onnx_model import onnx_minilm

BEES = "The bees of the hive dance to show each other the way to the flowers."
DANCE = "Which way do the bees dance to show flowers to the hive?"
MARKET = "Stock prices fell sharply after the central bank raised its interest rate."


class Threaded:
    """Adapts the synchronous embedder to the async port."""

    def __init__(self, embedder: Any) -> None:
        self._embedder = embedder
        self.name = embedder.name

    async def load(self) -> None:
        await asyncio.to_thread(self._embedder.load)

    async def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        return await asyncio.to_thread(self._embedder.embed, texts, kind)


SUBJECTS = {
    "fake": FakeEmbedder,
    "real": lambda: Threaded(sentence_embedder()),
    "onnx": lambda: Threaded(onnx_embedder(onnx_minilm())),
}


@pytest.fixture(scope="module", params=SUBJECTS)
def embedder(request: pytest.FixtureRequest) -> Embedder:
    return SUBJECTS[request.param]()


async def test_each_text_gets_a_row_of_length_one(embedder):
    await embedder.load()
    rows = await embedder.embed([BEES, MARKET, DANCE], "passage")

    assert rows.dtype == np.float32
    assert rows.shape == (3, rows.shape[1])
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-5)


async def test_what_is_about_the_same_lies_near(embedder):
    bees, market = await embedder.embed([BEES, MARKET], "passage")
    (question,) = await embedder.embed([DANCE], "question")

    assert question @ bees > question @ market + 0.3


async def test_a_row_depends_on_its_own_text_alone(embedder):
    together = await embedder.embed([BEES, MARKET + MARKET, "", DANCE], "passage")
    alone = [await embedder.embed([text], "passage") for text in (BEES, MARKET + MARKET, "", DANCE)]

    assert together == pytest.approx(np.concatenate(alone), abs=1e-5)


async def test_no_text_gives_no_row(embedder):
    some = await embedder.embed([BEES], "passage")
    none = await embedder.embed([], "passage")

    assert none.shape == (0, some.shape[1])


@pytest.mark.parametrize("text", ["", " ", "🐝", "꿀벌은 춤춘다", "\x00", "a" * 5000, "\n" * 5000])
async def test_any_text_has_a_row(embedder, text):
    rows = await embedder.embed([text], "question")

    assert np.isfinite(rows).all()
    assert np.linalg.norm(rows) == pytest.approx(1, abs=1e-5)


async def test_a_long_text_counts_whole(embedder):
    half = " ".join([BEES] * 60)
    bees, with_market = await embedder.embed([half, half + " ".join([MARKET] * 60)], "passage")
    (market,) = await embedder.embed([MARKET], "passage")

    assert with_market @ market > bees @ market + 0.3


async def test_a_long_text_weighs_its_parts_by_their_length(embedder):
    mostly_bees, mostly_market = await embedder.embed(
        [" ".join([BEES] * 90 + [MARKET] * 30), " ".join([BEES] * 30 + [MARKET] * 90)], "passage"
    )
    bees, market = await embedder.embed([BEES, MARKET], "passage")

    assert mostly_bees @ bees > mostly_bees @ market + 0.2
    assert mostly_market @ market > mostly_market @ bees + 0.2
