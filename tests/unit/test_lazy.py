"""A lazy resource is opened once, when it is asked for, and closed at the end."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from core.jobs.lazy import Lazy


class Door:
    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.told: list[str] = []

    @asynccontextmanager
    async def __call__(self):
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop()
        self.told.append("opened")
        try:
            yield self
        finally:
            self.told.append("closed")


async def test_what_nobody_asks_for_is_not_opened():
    door = Door()
    async with Lazy(door):
        pass
    assert door.told == []


async def test_of_all_who_ask_at_once_one_opens_it():
    door = Door()
    async with Lazy(door) as once:
        assert await asyncio.gather(*(once.get() for _ in range(5))) == [door] * 5
        assert door.told == ["opened"]
    assert door.told == ["opened", "closed"]


async def test_what_could_not_be_opened_is_tried_again():
    door = Door(OSError("no"))
    async with Lazy(door) as once:
        with pytest.raises(OSError):
            await once.get()
        assert await once.get() is door
    assert door.told == ["opened", "closed"]
