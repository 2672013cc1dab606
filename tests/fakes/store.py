"""In-memory versions of the store's ports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from core.chat_records import OutboxEntry, SummaryRequest
from core.errors import QuestionForgotten, UnknownVideo
from core.model import ANYBODY, Asker, Chunk, Segment, Summary, Transcript, Turn, Video
from core.ports import FoundChunk, SegmentRange, Vectors
from tests.fakes.chat_records import (
    FakeButtons,
    FakePlaceBindings,
    FakeRequests,
    FakeSettings,
    FakeUsage,
    is_about,
)


@dataclass
class Shelf:
    """State that the fakes share."""

    videos: dict[str, Video] = field(default_factory=dict)
    transcripts: dict[str, Transcript] = field(default_factory=dict)
    summaries: defaultdict[str, dict[str, Summary]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    chunks: dict[str, tuple[str, list[Chunk], Vectors | None]] = field(default_factory=dict)
    sentence_vectors: dict[str, Vectors | None] = field(default_factory=dict)
    library: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    file_names: dict[tuple[str, str], str] = field(default_factory=dict)
    added: dict[tuple[str, str], datetime] = field(default_factory=dict)
    pins: set[tuple[str, str]] = field(default_factory=set)
    turns: list[tuple[str, str, Turn, frozenset[str], str]] = field(default_factory=list)
    checkpoints: dict[tuple[str, str, int], tuple[str, datetime]] = field(default_factory=dict)
    outbox_entries: FakeOutboxEntries = field(default_factory=lambda: FakeOutboxEntries())
    requests: FakeRequests = field(default_factory=FakeRequests)
    bindings: FakePlaceBindings = field(default_factory=FakePlaceBindings)
    buttons: FakeButtons = field(default_factory=FakeButtons)
    settings: FakeSettings = field(default_factory=FakeSettings)
    memberships: dict[str, tuple[str, datetime | None]] = field(default_factory=dict)

    def require(self, *video_ids: str) -> None:
        for video_id in video_ids:
            if video_id not in self.videos:
                raise UnknownVideo(video_id)


class MemoryStore:
    """The store's fakes, most of them over one shared `Shelf`."""

    def __init__(self) -> None:
        shelf = Shelf()
        self.videos = FakeVideos(shelf)
        self.chunks = FakeChunks(shelf)
        self.library = FakeLibrary(shelf)
        self.threads = FakeThreads(shelf)
        self.outbox_entries = shelf.outbox_entries
        self.checkpoints = FakeCheckpoints(shelf)
        self.requests = shelf.requests
        self.bindings = shelf.bindings
        self.buttons = shelf.buttons
        self.settings = shelf.settings
        self.usage = FakeUsage()
        self.memberships = FakeMemberships(shelf)

    async def check(self) -> None:
        """Memory never fails."""


def records_of(store: MemoryStore) -> tuple[Any, ...]:
    """What a HandlerContext takes of a store, in its order."""
    people = (store.requests, store.bindings, store.buttons, store.settings, store.usage)
    return *people, store.memberships


class FakeVideos:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def save(self, video: Video) -> None:
        self._shelf.videos[video.id] = video

    async def discard(self, video_id: str) -> None:
        known = any(video_id in videos for videos in self._shelf.library.values())
        if not known and video_id not in self._shelf.transcripts:
            self._shelf.videos.pop(video_id, None)

    async def get(self, video_id: str) -> Video | None:
        return self._shelf.videos.get(video_id)

    async def save_transcript(self, transcript: Transcript) -> None:
        self._shelf.require(transcript.video_id)
        self._shelf.transcripts[transcript.video_id] = transcript
        self._shelf.summaries.pop(transcript.video_id, None)
        self._shelf.chunks.pop(transcript.video_id, None)

    async def transcript(self, video_id: str) -> Transcript | None:
        return self._shelf.transcripts.get(video_id)

    async def save_summary(self, video_id: str, recipe: str, summary: Summary) -> None:
        self._shelf.require(video_id)
        self._shelf.summaries[video_id][recipe] = summary

    async def summary(self, video_id: str, recipe: str) -> Summary | None:
        return self._shelf.summaries[video_id].get(recipe)


class FakeMemberships:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def note(self, channel: str, server: str) -> None:
        self._shelf.memberships[channel] = server, None

    async def leave(self, server: str, channels: Sequence[str], now: datetime) -> None:
        for channel in channels:
            if self._shelf.library[channel] or self._shelf.bindings.is_bound(channel):
                self._shelf.memberships.setdefault(channel, (server, None))
        self._set(now, lambda of: of == server)

    async def join(self, server: str) -> None:
        self._set(None, lambda of: of == server)

    async def meet(self, platform: str, servers: Collection[str], now: datetime) -> None:
        def is_ours(server: str) -> bool:
            return server.startswith(f"{platform}:")

        self._set(None, lambda of: is_ours(of) and of in servers)
        self._set(now, lambda of: is_ours(of) and of not in servers)

    async def left(self, platform: str, before: datetime) -> list[str]:
        known = self._shelf.memberships.items()
        ours = [(channel, at) for channel, (of, at) in known if of.startswith(f"{platform}:")]
        return sorted(channel for channel, at in ours if at and at < before)

    def _set(self, left_at: datetime | None, is_meant: Callable[[str], bool]) -> None:
        rows = self._shelf.memberships
        for channel, (server, known) in rows.items():
            if is_meant(server) and not (known and left_at):
                rows[channel] = server, left_at


class FakeChunks:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def save(
        self,
        video_id: str,
        recipe: str,
        chunks: Sequence[Chunk],
        vectors: Vectors | None,
        sentence_vectors: Vectors | None = None,
    ) -> None:
        self._shelf.require(video_id)
        self._shelf.chunks[video_id] = (recipe, list(chunks), vectors)
        self._shelf.sentence_vectors[video_id] = sentence_vectors

    async def recipe(self, video_id: str) -> str | None:
        stored = self._shelf.chunks.get(video_id)
        return stored[0] if stored else None

    async def load(self, video_ids: Sequence[str]) -> tuple[list[Chunk], Vectors | None]:
        known = [self._shelf.chunks[v] for v in dict.fromkeys(video_ids) if v in self._shelf.chunks]
        full = [(chunks, vectors) for _, chunks, vectors in known if chunks]
        parts = [vectors for _, vectors in full if vectors is not None]
        of_one_size = len(parts) == len(full) and len({part.shape[1] for part in parts}) == 1
        chunks = [chunk for of_one, _ in full for chunk in of_one]
        return chunks, np.concatenate(parts) if of_one_size else None

    async def found(
        self, channel: str, keys: Sequence[str], *, with_vectors: bool = False
    ) -> list[FoundChunk]:
        known = [
            self._shelf.chunks[v] for v in self._shelf.library[channel] if v in self._shelf.chunks
        ]
        places = {
            chunk.key: (chunk, None if vectors is None else vectors[place])
            for _, chunks, vectors in known
            for place, chunk in enumerate(chunks)
        }
        found = [places[key] for key in dict.fromkeys(keys) if key in places]
        return [self._found(channel, chunk, vector, with_vectors) for chunk, vector in found]

    def _found(
        self, channel: str, chunk: Chunk, vector: Vectors | None, with_vectors: bool
    ) -> FoundChunk:
        video_id, first, last = chunk.segments
        segments = tuple(self._segments(*chunk.segments))
        name = self._shelf.file_names[channel, video_id]
        video = self._shelf.videos[video_id].named(name)
        if not with_vectors:
            return FoundChunk(video, chunk, segments)
        rows = self._shelf.sentence_vectors.get(video_id)
        rows = None if rows is None else rows[first : last + 1]
        return FoundChunk(video, chunk, segments, vector, rows)

    async def sentence_vectors(self, video_ids: Sequence[str]) -> dict[str, Vectors]:
        kept = self._shelf.sentence_vectors
        rows = {v: kept.get(v) for v in video_ids if v in self._shelf.chunks}
        return {video_id: own for video_id, own in rows.items() if own is not None}

    async def segments(self, ranges: Sequence[SegmentRange]) -> list[list[Segment]]:
        return [self._segments(*each) for each in ranges]

    def _segments(self, video_id: str, first: int, last: int) -> list[Segment]:
        transcript = self._shelf.transcripts.get(video_id)
        return list(transcript.segments[first : last + 1]) if transcript else []


class FakeLibrary:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def add(self, channel: str, video_id: str, file_name: str = "") -> None:
        self._shelf.require(video_id)
        if video_id not in self._shelf.library[channel]:
            self._shelf.library[channel].append(video_id)
            self._shelf.file_names[channel, video_id] = file_name
            self._shelf.added[channel, video_id] = datetime.now(UTC)

    async def get(self, channel: str, video_id: str) -> Video | None:
        return next(iter(await self.get_many(channel, [video_id])), None)

    async def get_many(self, channel: str, video_ids: Sequence[str]) -> list[Video]:
        return [video for video in await self.videos(channel) if video.id in video_ids]

    async def count(self, channel: str) -> int:
        return len(self._shelf.library[channel])

    async def page(self, channel: str, limit: int, offset: int = 0) -> list[Video]:
        return (await self.videos(channel))[offset : offset + limit]

    async def find(
        self, channel: str, typed: str, limit: int, *, whole: bool = False
    ) -> dict[str, str]:
        wanted, videos = typed.casefold(), await self.videos(channel)
        titles = {video: (video.title or video.id).casefold() for video in videos}
        found = [v for v in videos if wanted == titles[v] or (wanted in titles[v] and not whole)]
        return {video.id: video.title for video in found[:limit]}

    async def videos(self, channel: str) -> list[Video]:
        names = self._shelf.file_names
        known = reversed(self._shelf.library[channel])
        return [self._shelf.videos[v].named(names[channel, v]) for v in known]

    async def pin(self, channel: str, video_id: str, *, pinned: bool) -> None:
        if video_id not in self._shelf.library[channel]:
            raise UnknownVideo(video_id)
        change = self._shelf.pins.add if pinned else self._shelf.pins.discard
        change((channel, video_id))

    async def pinned(self, channel: str, video_ids: Sequence[str]) -> set[str]:
        return {of for where, of in self._shelf.pins if where == channel and of in video_ids}

    def added_ago(self, channel: str, age: timedelta) -> None:
        """Let the channel have its videos since then."""
        for key in self._shelf.added:
            if key[0] == channel:
                self._shelf.added[key] = datetime.now(UTC) - age

    async def expired(self, before: datetime) -> tuple[str, str] | None:
        shelf = self._shelf
        known = ((channel, of) for channel, videos in shelf.library.items() for of in videos)
        old = (of for of in known if shelf.added[of] < before and of not in shelf.pins)
        return next(old, None)

    async def channels(self) -> list[str]:
        return sorted(channel for channel, known in self._shelf.library.items() if known)

    async def revision(self, channel: str) -> str:
        known = self._shelf.library[channel]
        return repr([(v, self._shelf.chunks.get(v, ("",))[0]) for v in known]) if known else ""

    async def revisions(self) -> dict[str, str]:
        return {channel: await self.revision(channel) for channel in await self.channels()}

    async def recipes(self, channel: str) -> dict[str, str]:
        known = [v for v in reversed(self._shelf.library[channel]) if v in self._shelf.chunks]
        stored = {v: self._shelf.chunks[v] for v in known}
        return {v: recipe for v, (recipe, chunks, _) in stored.items() if chunks}

    async def forget(self, channel: str, video_id: str | None = None) -> list[str]:
        shelf = self._shelf
        gone = [known for known in shelf.library[channel] if video_id in (None, known)]
        for gone_id in gone:
            shelf.library[channel].remove(gone_id)
            shelf.pins.discard((channel, gone_id))
            used = any(gone_id in known for known in shelf.library.values())
            shelf.turns = [
                row for row in shelf.turns if gone_id not in row[3] or (used and row[0] != channel)
            ]
            if not used:
                for kept in (shelf.videos, shelf.transcripts, shelf.summaries, shelf.chunks):
                    kept.pop(gone_id, None)
                await FakeCheckpoints(shelf).clear(gone_id)
        if video_id is None:
            if shelf.memberships.get(channel, ("", None))[1]:
                del shelf.memberships[channel]
            shelf.turns = [turn for turn in shelf.turns if turn[0] != channel]
        shelf.outbox_entries.forget(shelf, channel, video_id)
        shelf.requests.forget(channel, video_id)
        shelf.bindings.forget(channel, video_id)
        shelf.buttons.forget(channel, video_id)
        return gone


class FakeThreads:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def turns(self, channel: str, thread: str, limit: int) -> list[Turn]:
        own = [row[2] for row in self._shelf.turns if row[:2] == (channel, thread)]
        return own[max(len(own) - limit, 0) :]

    async def add(
        self,
        channel: str,
        thread: str,
        turn: Turn,
        video_ids: Sequence[str],
        asker: Asker = ANYBODY,
    ) -> None:
        if asker.request in self._shelf.requests.forgotten:
            raise QuestionForgotten()
        self._shelf.require(*video_ids)
        self._shelf.turns.append((channel, thread, turn, frozenset(video_ids), asker.person))

    async def forget(self, platform: str, person: str) -> int:
        shelf, name = self._shelf, f"{platform}:{person}"
        gone = [row for row in shelf.turns if name in (row[0], row[4])]
        shelf.turns = [row for row in shelf.turns if row not in gone]
        for channel in {row[0] for row in gone}:
            own = [row[2] for row in gone if row[0] == channel]
            shelf.buttons.forget_person(channel, own)
        shelf.requests.forget_person(platform, person)
        shelf.settings.forget(name)
        return len(gone)


class FakeOutboxEntries:
    def __init__(self) -> None:
        self.effects: dict[tuple[str, str], OutboxEntry] = {}
        self._saved_at: dict[tuple[str, str], datetime] = {}
        self._count = 0

    async def add(self, effect: OutboxEntry) -> OutboxEntry:
        name = effect.platform, effect.key
        if name not in self.effects:
            self._count += 1
            self.effects[name] = replace(effect.stored, number=self._count)
            self._saved_at[name] = datetime.now(UTC)
        return self.effects[name]

    async def save(self, effect: OutboxEntry) -> None:
        name = effect.platform, effect.key
        if name in self.effects:
            self.effects[name] = replace(effect.stored, number=self.effects[name].number)
            self._saved_at[name] = datetime.now(UTC)

    async def unfinished(self, platform: str) -> list[OutboxEntry]:
        known = sorted(self.effects.values(), key=lambda effect: effect.number)
        return [effect for effect in known if effect.platform == platform and not effect.over]

    async def purge(self, before: datetime) -> None:
        for name, effect in list(self.effects.items()):
            if effect.over and self._saved_at[name] < before:
                del self.effects[name]

    def forget(self, shelf: Shelf, channel: str, video_id: str | None) -> None:
        places = shelf.bindings.places(channel, video_id)
        for name, effect in list(self.effects.items()):
            own = [
                request
                for request in shelf.requests.known()
                if request.id == effect.owner or effect.key.startswith(f"{request.id}:")
            ]
            is_gone = (
                any(is_about(request, channel, video_id) for request in own)
                if own
                else (effect.platform, effect.place) in places
            )
            is_written = any(not isinstance(request, SummaryRequest) for request in own)
            if not is_gone or effect.over:
                continue
            if is_written and effect.kind == "message" and not effect.finished:
                self.effects[name] = replace(effect, draft="", shown=effect.revision)
            else:
                del self.effects[name]


class FakeCheckpoints:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def save(self, video_id: str, recipe: str, number: int, piece: str) -> None:
        self._shelf.checkpoints[video_id, recipe, number] = piece, datetime.now(UTC)

    async def load(self, video_id: str, recipe: str) -> dict[int, str]:
        kept = sorted(self._shelf.checkpoints.items())
        return {name[2]: piece for name, (piece, _) in kept if name[:2] == (video_id, recipe)}

    async def clear(self, video_id: str, recipe: str = "") -> None:
        for name in list(self._shelf.checkpoints):
            if name[0] == video_id and name[1].startswith(recipe):
                del self._shelf.checkpoints[name]

    async def purge(self, before: datetime) -> None:
        for name, (_, saved_at) in list(self._shelf.checkpoints.items()):
            if saved_at < before:
                del self._shelf.checkpoints[name]
