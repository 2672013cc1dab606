"""This file keeps a channel's two caches level with the store, which is their truth.

A cache is compared with the store whenever the channel's videos have changed, and at first use.
One video more or less is put right at once. A cache that lacks more, or cannot be read, is filled
by a task in the background, without embedding anything again; whoever searches meanwhile is told
that it is not level, and goes without it (core/search/exact_search.py).
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
"""Codes of what the user should know."""
Cache = VectorIndex | KeywordIndex
Recipes = dict[str, str]
"""Video id → the recipe of its chunks."""

UNAVAILABLE = (IndexBroken, WorkerFailed, WorkerTimeout, DiskFull)
"""What a cache raises that cannot be used now. The store is not harmed by it."""
AT_ONCE = 1
"""Videos that are put while somebody waits: one takes 80 ms per hundred chunks."""
PATIENCE_S = 5.0
"""How long a program that has done its work stays to fill caches: commands that are called one by
one would otherwise never come to an end with a large channel."""
_TRIES = 3
_TWINS = 10
"""Chunks may have the same text, and so the same vector."""
_LEAVE_S = 1.0
_KEPT_CHANNELS = 64
"""Channels whose recipes stay in memory, 150 bytes a video."""


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
    """Which of a channel's caches hold what the store holds, no more and no less."""

    keywords: bool
    vectors: bool

    @property
    def notes(self) -> Notes:
        return () if self.keywords and self.vectors else ("cache_rebuilding",)


class Caches:
    """Both caches of every channel, and the tasks that fill them. They live in the index child."""

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
        self._seen: dict[tuple[str, Cache], str] = {}
        """The revision that a cache was last found level with."""
        self._filling: dict[tuple[str, Cache], asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """No task goes on. Only who leaves by error, or is told to stop, does not wait for them."""
        if self._filling and kind is None:
            await asyncio.wait(list(self._filling.values()), timeout=PATIENCE_S)
        await _stop(list(self._filling.values()))

    async def sync(self, channel: str) -> CacheStatus:
        """Compare the channel's caches with the store if it has changed, and repair them."""
        contents = await self.contents(channel)
        return CacheStatus(
            keywords=await self._is_level((channel, self.keywords), contents),
            vectors=await self._is_level((channel, self.vectors), contents),
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
        """They could not be read: at the next search they are compared again."""
        for cache in (self.keywords, self.vectors):
            self._seen.pop((channel, cache), None)

    async def drop(self, channel: str, video_ids: Sequence[str] | None = None) -> None:
        """Takes the videos, or the channel, out of the caches. One that cannot be read is made
        anew before it is searched, without them."""
        own = [task for (name, _), task in self._filling.items() if name == channel]
        await _stop(own)  # one of them may just be putting what is to go
        async with self._turn:
            self.mark_unverified(channel)
            for cache in (self.keywords, self.vectors):
                try:
                    for video_id in [None] if video_ids is None else video_ids:
                        await cache.drop(channel, video_id)
                except UNAVAILABLE:
                    log.warning("a cache will forget later", exc_info=True)

    async def _is_level(self, key: tuple[str, Cache], contents: Contents) -> bool:
        if key in self._filling:
            return False
        if self._seen.get(key) == contents.revision:  # nobody's put is waited for
            return True
        wanted = contents.recipes if key[1] is self.keywords else contents.embedded
        async with self._turn:
            if self._seen.get(key) == contents.revision:
                return True
            try:
                lacking = await self._lacking(key, wanted)
                if len(lacking) <= AT_ONCE:
                    await self._put(key, lacking, wanted)
                    self._seen[key] = contents.revision
                    return True
            except UNAVAILABLE:
                log.warning("a cache of a channel cannot be used", exc_info=True)
            if key not in self._filling:
                self._filling[key] = asyncio.create_task(self._fill(key, wanted))
        return False

    async def _fill(self, key: tuple[str, Cache], wanted: Recipes) -> None:
        """The next `level` looks whether it succeeded, and whether that is still what is wanted."""
        try:
            for _ in range(_TRIES):  # the first may show damage by the child's death
                try:
                    await self._put(key, await self._lacking(key, wanted), wanted)
                    return
                except CoreError:
                    log.warning("a cache of a channel is not filled yet", exc_info=True)
        finally:
            self._filling.pop(key)

    async def _lacking(self, key: tuple[str, Cache], wanted: Recipes) -> Recipes:
        """What the cache does not hold; what it holds too much of is taken out."""
        channel, cache = key
        try:
            held = await cache.holdings(channel)
            if cache is self.vectors and key not in self._seen:
                await self._sample(channel, [v for v in wanted if held.get(v) == wanted[v]])
        except IndexBroken:
            log.warning("a cache of a channel is made anew", exc_info=True)
            self._seen.clear()  # FTS5 keeps all channels in one file
            await cache.drop(channel)
            held = {}
        for video_id in held.keys() - wanted.keys():
            await cache.drop(channel, video_id)
        return {video: recipe for video, recipe in wanted.items() if held.get(video) != recipe}

    async def _sample(self, channel: str, video_ids: Sequence[str]) -> None:
        """Some of the store's vectors are found by themselves: files that were damaged may hold
        numbers as good as any. Raises IndexBroken."""
        count = len(video_ids)
        for place in sorted({0, count // 2, count - 1}) if count else ():
            chunks, vectors = await self._chunks.load([video_ids[place]])
            if vectors is None:
                continue
            for i in {0, len(chunks) - 1}:
                if chunks[i].key not in await self.vectors.nearest(channel, vectors[i], _TWINS):
                    raise IndexBroken("a vector does not find itself")

    async def _put(self, key: tuple[str, Cache], lacking: Recipes, wanted: Recipes) -> None:
        """Puts what is lacking. Raises IndexBroken, with all of the channel dropped, if some is
        lacking still: damaged rows may stand in the way of new ones."""
        channel, cache = key
        for video_id, recipe in lacking.items():
            pieces, found = await self._chunks.load([video_id])
            if cache is self.keywords:
                await self.keywords.put(channel, video_id, recipe, pieces)
            elif found is not None:
                await self.vectors.put(channel, video_id, recipe, pieces, found)
        if lacking and await self._lacking(key, wanted):
            await cache.drop(channel)
            raise IndexBroken("it does not keep what is put")


def embedder_of(recipe: str) -> str:
    """The embedder of the chunks' vectors; empty if they have none."""
    return recipe.partition(" ")[2]


async def _stop(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:  # one that does not end hangs with its child, which is ended soon
        await asyncio.wait(tasks, timeout=_LEAVE_S)
