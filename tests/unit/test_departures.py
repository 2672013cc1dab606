"""What a bot knows of a server that it was removed from is forgotten three days later."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from bot.handlers.departures import GRACE
from core.errors import StoreBroken
from tests.harness.fake_core import BEES
from tests.harness.scene import BEES_LINK, HERE, Scene, open_scene
from tests.harness.virtual_loop import virtually

LATER = timedelta(minutes=1)


async def known(scene: Scene) -> list[str]:
    return await scene.store.library.channels()


@virtually
async def test_a_removed_bot_forgets_after_the_grace_and_nothing_before(tmp_path):
    async with open_scene(tmp_path) as scene:
        await scene.watched()
        await scene.handlers.removed(HERE.server, [])
        now = datetime.now(UTC)
        await scene.handlers.departures.forget_left(now + GRACE - LATER)
        assert await known(scene) == [HERE.channel]
        await scene.restart()
        await scene.handlers.departures.forget_left(now + GRACE + LATER)
        assert await known(scene) == []
        assert await scene.store.videos.get(BEES.id) is None


@virtually
async def test_a_bot_that_is_invited_again_or_written_to_forgets_nothing(tmp_path):
    async with open_scene(tmp_path) as scene:
        await scene.watched()
        later = datetime.now(UTC) + GRACE + LATER
        await scene.handlers.removed(HERE.server, [HERE.place])
        await scene.handlers.joined(HERE.server)
        await scene.handlers.departures.forget_left(later)
        await scene.handlers.removed(HERE.server, [HERE.place])
        await scene.write(BEES_LINK)
        await scene.settle()
        await scene.handlers.departures.forget_left(later)
        assert await known(scene) == [HERE.channel]


@virtually
async def test_servers_that_the_bot_is_no_longer_in_were_left_while_it_was_down(tmp_path):
    async with open_scene(tmp_path) as scene:
        await scene.watched()
        await scene.handlers.is_in(["elsewhere"])
        later = datetime.now(UTC) + GRACE + LATER
        await scene.handlers.is_in([HERE.server])
        await scene.handlers.departures.forget_left(later)
        assert await known(scene) == [HERE.channel]
        await scene.handlers.is_in(["elsewhere"])
        await scene.handlers.departures.forget_left(later)
        assert await known(scene) == []


@virtually
async def test_a_removal_while_the_store_fails_is_noted_later(tmp_path, monkeypatch):
    async with open_scene(tmp_path) as scene:
        await scene.watched()
        leave, failures = scene.store.memberships.leave, [StoreBroken("SQLITE_BUSY")]

        async def fail_once(*about: object) -> None:
            if failures:
                raise failures.pop()
            await leave(*about)

        monkeypatch.setattr(scene.store.memberships, "leave", fail_once)
        await scene.handlers.removed(HERE.server, [])
        await asyncio.sleep(10)
        later = datetime.now(UTC) + GRACE + LATER
        assert await scene.store.memberships.left("fake", later) == [HERE.channel]
