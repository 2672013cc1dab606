"""Keep a channel's vector and keyword caches in sync with the store, the source of truth.

A cache is compared with the store at first use and whenever the channel's videos have changed. A
difference of one video is repaired at once. A cache that misses more, or cannot be read, is filled
by a background task from stored vectors; until then searches do without it
(core/search/exact_search.py).
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from core.errors import CoreError, DiskFull, IndexBroken, WorkerFailed, WorkerTimeout
from core.ports import Chunks, Embedder, KeywordIndex, Library, VectorIndex

log = logging.getLogger(__name__)

Notes = tuple[str, ...]
"""Codes of messages to the user."""
SEARCH_CUT = "search_cut"
"""A note's code: older videos were not searched by words."""
Cache = VectorIndex | KeywordIndex
Recipes = dict[str, str]
"""Video id → the recipe of its chunks."""

UNAVAILABLE = (IndexBroken, WorkerFailed, WorkerTimeout, DiskFull)
"""Errors of a cache that cannot be used now. They do not affect the store."""
INLINE_VIDEOS = 1
"""Videos added while a search waits: one takes 80 ms per hundred chunks."""
DRAIN_S = 5.0
"""How long a finished program stays to fill caches, so that a series of short commands eventually
fills those of a large channel."""
CHECK_S = 60.0
"""How long what another process forgets may stay in the caches."""
_ATTEMPTS = 3
_NEAREST = 10
"""Nearest chunks to look at: chunks of the same text have the same vector."""
_CANCEL_S = 1.0
_KEPT_CHANNELS = 64
"""Channels whose recipes stay in memory, 150 bytes per video."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What the store holds of a channel at one `revision`, newest video first."""

    revision: str
    recipes: Recipes
    embedded: Recipes
    """Videos whose vectors come from the configured embedder; vectors of different models are not
    comparable."""


@dataclass(frozen=True, slots=True)
class CacheStatus:
    """Which of a channel's caches hold exactly what the store holds."""

    keywords: bool
    vectors: bool
    is_cut: bool = False
    """Without the keyword cache only a part of the channel was searched by words."""

    @property
    def notes(self) -> Notes:
        rebuilding = () if self.keywords and self.vectors else ("cache_rebuilding",)
        return rebuilding + (SEARCH_CUT,) * self.is_cut


class Caches:
    """Both caches of every channel, kept in the index child, and the tasks that fill them."""

    def __init__(
        self,
        library: Library,
        chunks: Chunks,
        embedder: Embedder,
        vectors: VectorIndex,
        keywords: KeywordIndex,
    ) -> None:
        self.vectors = vectors
        self.keywords = keywords
        self._library = library
        self._chunks = chunks
        self._embedder = embedder
        self._contents: OrderedDict[str, Contents] = OrderedDict()
        self._verified: dict[tuple[str, Cache], str] = {}
        """The revision that a cache last matched."""
        self._checked: dict[str, str] | None = None
        """The revision of each channel at the last check."""
        self._filling: dict[tuple[str, Cache], asyncio.Task[None]] = {}
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Cancel the tasks; after a normal exit, wait up to DRAIN_S for them to finish first."""
        if self._filling and kind is None:
            await asyncio.wait(list(self._filling.values()), timeout=DRAIN_S)
        await _stop(list(self._filling.values()))

    async def sync(self, channel: str) -> CacheStatus:
        """Compare the channel's caches with the store if it has changed, and repair them."""
        return (await self.state(channel))[1]

    async def state(self, channel: str) -> tuple[Contents, CacheStatus]:
        """Return what the channel holds, and the caches' status after `sync`, in one read."""
        contents = await self.contents(channel)
        return contents, CacheStatus(
            keywords=await self._is_in_sync((channel, self.keywords), contents),
            vectors=await self._is_in_sync((channel, self.vectors), contents),
        )

    async def contents(self, channel: str) -> Contents:
        """Return what the store holds of the channel, read again only if its revision changed."""
        revision = await self._library.revision(channel)
        contents = self._contents.pop(channel, None)
        if contents is None or contents.revision != revision:
            recipes = await self._library.recipes(channel)
            ours = self._embedder.name
            embedded = {v: made for v, made in recipes.items() if embedder_of(made) == ours}
            contents = Contents(revision, recipes, embedded)
        self._contents[channel] = contents
        if len(self._contents) > _KEPT_CHANNELS:
            self._contents.popitem(last=False)
        return contents

    def mark_unverified(self, channel: str) -> None:
        """Make the next search compare the channel's caches with the store again."""
        for cache in (self.keywords, self.vectors):
            self._verified.pop((channel, cache), None)

    async def drop(self, channel: str, video_ids: Sequence[str] | None = None) -> None:
        """Remove the videos, or the whole channel, from the caches, and from the disk.

        A cache that cannot be read is rebuilt without them before it is next searched."""
        own = [task for (name, _), task in self._filling.items() if name == channel]
        await _stop(own)  # a task may be adding what is being dropped
        async with self._lock:
            self.mark_unverified(channel)
            for cache in (self.keywords, self.vectors):
                try:
                    await self._erase(cache, channel, video_ids)
                except UNAVAILABLE:
                    log.warning("a cache could not drop videos; it is rebuilt later", exc_info=True)

    async def follow(self) -> None:
        """Compare all caches with the store every minute, until cancelled."""
        while True:
            await asyncio.sleep(CHECK_S)
            try:
                await self.check()
            except CoreError as error:
                log.warning("the caches were not compared with the store: %s", error)

    async def check(self) -> None:
        """Drop what the store no longer knows: other processes cannot open these caches, and what
        they forget might never be searched again (#12)."""
        async with self._lock:  # a channel is in the store before it is in a cache
            revisions = await self._library.revisions()
            if revisions == self._checked:
                return
            try:
                for cache in (self.keywords, self.vectors):
                    await cache.keep(list(revisions))
            except UNAVAILABLE:
                log.info("the caches were not checked: another process has them, or damage")
                return
        checked = self._checked or {}
        for channel in [name for name, known in revisions.items() if checked.get(name) != known]:
            await self.sync(channel)
        self._checked = revisions

    async def _is_in_sync(self, key: tuple[str, Cache], contents: Contents) -> bool:
        if key in self._filling:
            return False
        # Checked before the lock as well, so as not to wait for another channel's update.
        if self._verified.get(key) == contents.revision:
            return True
        wanted = contents.recipes if key[1] is self.keywords else contents.embedded
        async with self._lock:
            if self._verified.get(key) == contents.revision:
                return True
            try:
                missing = await self._missing(key, wanted)
                if len(missing) <= INLINE_VIDEOS:
                    await self._add(key, missing, wanted)
                    self._verified[key] = contents.revision
                    return True
            except UNAVAILABLE:
                log.warning("a channel's cache cannot be used", exc_info=True)
            if key not in self._filling:
                self._filling[key] = asyncio.create_task(self._fill(key, wanted))
        return False

    async def _fill(self, key: tuple[str, Cache], wanted: Recipes) -> None:
        """Fill the cache; the next `sync` verifies the result against the then current store."""
        try:
            for _ in range(_ATTEMPTS):  # damage may only show when the child dies at the first
                try:
                    await self._add(key, await self._missing(key, wanted), wanted)
                    return
                except CoreError:
                    log.warning("a channel's cache could not be filled", exc_info=True)
        finally:
            self._filling.pop(key)

    async def _missing(self, key: tuple[str, Cache], wanted: Recipes) -> Recipes:
        """Return what the cache misses, after dropping what it should not hold."""
        channel, cache = key
        try:
            held = await cache.holdings(channel)
            if cache is self.vectors and key not in self._verified:
                await self._spot_check(channel, [v for v in wanted if held.get(v) == wanted[v]])
        except IndexBroken:
            log.warning("a channel's cache is rebuilt", exc_info=True)
            self._verified.clear()  # FTS5 keeps all channels in one file
            await cache.drop(channel)
            held = {}
        if surplus := held.keys() - wanted.keys():
            await self._erase(cache, channel, list(surplus))
            held = {} if cache is self.vectors else held
        return {video: recipe for video, recipe in wanted.items() if held.get(video) != recipe}

    async def _erase(self, cache: Cache, channel: str, video_ids: Sequence[str] | None) -> None:
        """Remove the videos, or the whole channel, so that nothing of them stays on the disk.

        Chroma keeps deleted vectors in its queue and its graph, so the channel's others go with
        them and are added again from the store (#12)."""
        if video_ids is None or cache is self.vectors:
            await cache.drop(channel)
            return
        for video_id in video_ids:
            await cache.drop(channel, video_id)

    async def _spot_check(self, channel: str, video_ids: Sequence[str]) -> None:
        """Check that some stored vectors find themselves: a damaged file can hold valid numbers.

        Raises IndexBroken."""
        count = len(video_ids)
        for place in sorted({0, count // 2, count - 1}) if count else ():
            chunks, vectors = await self._chunks.load([video_ids[place]])
            if vectors is None:
                continue
            for i in {0, len(chunks) - 1}:
                if chunks[i].key not in await self.vectors.nearest(channel, vectors[i], _NEAREST):
                    raise IndexBroken("a vector does not find itself")

    async def _add(self, key: tuple[str, Cache], missing: Recipes, wanted: Recipes) -> None:
        """Add what is missing and verify it.

        If something is still missing, because damaged rows shadow new ones, drop the whole channel
        from the cache and raise IndexBroken."""
        channel, cache = key
        for video_id, recipe in missing.items():
            chunks, vectors = await self._chunks.load([video_id])
            if cache is self.keywords:
                await self.keywords.put(channel, video_id, recipe, chunks)
            elif vectors is not None:
                await self.vectors.put(channel, video_id, recipe, chunks, vectors)
        if missing and await self._missing(key, wanted):
            await cache.drop(channel)
            raise IndexBroken("it does not keep what is added")


def embedder_of(recipe: str) -> str:
    """Return the embedder of a recipe's vectors; "" if it has none."""
    return recipe.partition(" ")[2]


async def _stop(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:  # a task that does not end hangs with its child, which is ended soon
        await asyncio.wait(tasks, timeout=_CANCEL_S)
