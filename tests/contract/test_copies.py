"""The contract of the store's automatic copies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from core.backends.storage.sqlite_copy import copy
from core.backends.storage.store import open_store, sqlite_url
from core.backup.daily_copies import FOLDER, keep_copy
from core.backup.outdated_copies import StoreCopies
from core.ports import Copies
from tests.fakes.copies import FakeCopies

DAY_S = 86_400.0


@pytest.fixture(params=["fake", "sqlite"])
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[list[Copies]]:
    """None, and two of them."""
    if request.param == "fake":
        yield [FakeCopies(), FakeCopies(2)]
        return
    file = tmp_path / "store.db"
    async with open_store(sqlite_url(file)) as store:
        for day in range(2):
            await keep_copy(tmp_path / FOLDER, file, partial(copy, file), day * DAY_S)
        yield [
            StoreCopies(folder, file, partial(copy, file), store.outdated_copies)
            for folder in (tmp_path / "none", tmp_path / FOLDER)
        ]


async def test_one_new_copy_stands_in_place_of_all(kept):
    none, two = kept
    assert (none.count(), two.count()) == (0, 2)
    assert await two.replace()
    assert two.count() == 1
    assert not await none.replace()
    assert none.count() == 0
