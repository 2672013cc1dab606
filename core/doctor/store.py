"""Check the store and the search caches of its channels."""

from __future__ import annotations

from core.backends.storage.addresses import database_url
from core.backends.storage.database import sqlite_file
from core.backends.storage.store import open_store
from core.backup.daily_copies import FOLDER, naming_the_newest
from core.config import Core
from core.doctor.probes import open_child
from core.errors import CoreError, IndexBroken
from core.model import Check
from core.search.caches import embedder_of
from core.workers.limits import INDEX
from core.workers.remote_backends import RemoteKeywordIndex, RemoteVectorIndex

Holdings = dict[str, str]


async def store(config: Core) -> Check:
    """Check that the store opens, is writable and intact.

    Raises what open_store and Store.check raise."""
    url = database_url(config)
    with naming_the_newest(config.data_dir / FOLDER, sqlite_file(url)):
        async with open_store(url) as opened:
            await opened.check()
            channels = await opened.library.channels()
    return Check("store", "ok", facts={"channels": len(channels)})


async def caches(config: Core) -> Check | None:
    """Check that the caches match the store. Repairs nothing: the next use does.

    None if the store can't be read."""
    try:
        async with open_store(database_url(config)) as opened:
            channels = await opened.library.channels()
            expected = {channel: await opened.library.recipes(channel) for channel in channels}
    except CoreError:  # reported by `store`
        return None
    if not expected:
        return Check("caches", "ok", "none")
    return await _compare(expected, config)


async def _compare(expected: dict[str, Holdings], config: Core) -> Check:
    lagging = 0
    try:
        async with open_child(INDEX, config) as worker:
            keywords, vectors = RemoteKeywordIndex(worker), RemoteVectorIndex(worker)
            for channel, recipes in expected.items():
                embedded = {
                    video_id: recipe
                    for video_id, recipe in recipes.items()
                    if embedder_of(recipe) == config.embedding.model
                }
                lagging += not (
                    await keywords.holdings(channel) == recipes
                    and await vectors.holdings(channel) == embedded
                )
    except IndexBroken:
        return Check("caches", "warn", "broken")
    facts = {"channels": len(expected), "lagging": lagging}
    if lagging:
        return Check("caches", "warn", "lagging", facts)
    return Check("caches", "ok", facts=facts)
