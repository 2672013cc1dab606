"""Every file recovers from damage. `make torture` tries every kind on every file, often."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.torture.damage import (
    CHROMA,
    DAMAGES,
    build,
    damage_chroma,
    damage_truth,
    damage_words,
)

pytestmark = pytest.mark.usefixtures("forked_children")

SEED = 10  # with this seed, a flipped bit gets in the way of every later put


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[list[str]]]:
    folder = tmp_path_factory.mktemp("built") / "data"
    return folder, asyncio.run(build(folder))


async def test_answers_go_on_and_a_damaged_chroma_is_made_anew(tmp_path, built):
    done = await damage_chroma(built[0], tmp_path / "data", built[1], SEED, every=4)
    assert done == len(CHROMA) * len(DAMAGES) / 4


async def test_answers_go_on_and_a_damaged_word_file_is_made_anew(tmp_path, built):
    tmp_path.joinpath("data").mkdir()
    assert await damage_words(built[0], tmp_path / "data", built[1], SEED) == len(DAMAGES)


async def test_a_damaged_store_is_told_and_put_back(tmp_path, built):
    _, told = await damage_truth(built[0], tmp_path / "data", SEED)
    assert told >= len(DAMAGES) - 1, "all but flipped bits within a text"
