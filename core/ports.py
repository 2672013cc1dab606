"""This file names what the core needs from the outside, in the core's own words.

A backend (core/backends, or core/workers/remote_backends.py, through a child process) and a fake in
tests/fakes fulfil every port; both pass the same contract suite. A port raises only core.errors.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from core.chat_records import ChatSettings, OutboxEntry, PlaceBinding, Quota, Request, StoredButton
from core.model import (
    Chunk,
    Job,
    Order,
    Progress,
    Segment,
    SpeechCompute,
    Summary,
    Transcript,
    Turn,
    Video,
    Window,
)

Vectors = NDArray[np.float32]
"""Shape (n, d), rows of length 1, or (d,) for one text."""

ProgressCallback = Callable[[Progress], None]
"""Told how far a piece of work is; returns at once."""

Kind = Literal["passage", "question"]
Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of a prompt."""

    role: Role
    text: str


Prompt = tuple[Message, ...]


class Fetcher(Protocol):
    """YouTube."""

    async def look_up(self, video_id: str) -> Video:
        """What YouTube says about the video. Refuses what has no end or is not there."""

    async def download(self, video: Video, folder: Path, on_progress: ProgressCallback) -> Path:
        """The smallest good audio, as a file in the empty `folder`."""

    async def captions(self, video: Video, language: str) -> Transcript:
        """The best caption track: `language` before the video's own, people's before automatic.
        Raises NoCaptions."""


class Transcriber(Protocol):
    """Ears."""

    def transcribe(
        self, audio: Path, language: str, from_s: float = 0.0, compute: SpeechCompute | None = None
    ) -> AsyncGenerator[Window]:
        """The audio's words, window by window. The first window has only the duration.

        `language`: a code, or "" to find out. `from_s`: where a former hearing's window ended; its
        words are not heard again. `compute`: None for the settings'. No speech → no segments.
        Closing the iterator stops the work within 2 s. Raises NoAudio, NotMedia,
        SpeechModelMissing, WorkerOutOfMemory, SpeechDeviceFailed."""

    async def resolve_compute(self, compute: SpeechCompute) -> SpeechCompute:
        """What it means on this machine: nothing in it is `auto` any more."""


class Embedder(Protocol):
    """Texts to vectors."""

    name: str

    async def load(self) -> None:
        """Returns once the model is in memory. Raises EmbedderMissing."""

    async def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """One row a text, in order. Long texts count whole."""


class LanguageModel(Protocol):
    """Words to words. `num_ctx` is the whole context in tokens, prompt and answer together."""

    name: str
    num_ctx: int

    def tokens(self, text: str) -> int:
        """How many tokens `text` takes: an estimate that errs upward and learns."""

    def stream(self, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[str]:
        """The answer piece by piece. Raises PromptTooLong rather than lose a word."""

    async def complete(self, prompt: Prompt, *, max_tokens: int, schema: dict[str, object]) -> str:
        """The whole answer, JSON by `schema` (JSON Schema) as far as the model obeys."""


class Index(Protocol):
    """A cache of one kind, held apart for every channel. Its truth is the store."""

    async def holdings(self, channel: str) -> dict[str, str]:
        """Video id → the digest it was put with. Raises IndexBroken."""

    async def drop(self, channel: str, video_id: str | None = None) -> None:
        """Forgets one video, or the channel with everything of it on the disk."""


class VectorIndex(Index, Protocol):
    """A channel's vectors."""

    async def put(
        self, channel: str, video_id: str, digest: str, chunks: Sequence[Chunk], vectors: Vectors
    ) -> None:
        """Holds these chunks of the video and no others."""

    async def nearest(self, channel: str, vector: Vectors, limit: int) -> list[str]:
        """Chunk keys by cosine, best first. Raises IndexBroken."""


class KeywordIndex(Index, Protocol):
    """A channel's words."""

    async def put(self, channel: str, video_id: str, digest: str, chunks: Sequence[Chunk]) -> None:
        """Holds these chunks of the video and no others."""

    async def matching(self, channel: str, tokens: Sequence[str], limit: int) -> list[str]:
        """Chunk keys by BM25 over any of the tokens, best first. Raises IndexBroken."""


class KeywordRanker(Protocol):
    """BM25 over a handful of texts, in memory."""

    def scores(self, question: Sequence[str], texts: Sequence[Sequence[str]]) -> Vectors:
        """One score a text (tokens), 0 where no word matches; higher is better."""


class Videos(Protocol):
    """What was heard and summed up, once for everybody."""

    async def save(self, video: Video) -> None: ...
    async def get(self, video_id: str) -> Video | None: ...
    async def discard(self, video_id: str) -> None:
        """Forgets a video that has no transcript and that no channel knows."""

    async def save_transcript(self, transcript: Transcript) -> None:
        """Replaces the video's transcript and forgets what was made from the old one."""

    async def transcript(self, video_id: str) -> Transcript | None: ...
    async def save_summary(self, video_id: str, recipe: str, summary: Summary) -> None: ...
    async def summary(self, video_id: str, recipe: str) -> Summary | None: ...


class Chunks(Protocol):
    """The unit of finding, with its vectors where there are any."""

    async def save(
        self, video_id: str, recipe: str, chunks: Sequence[Chunk], vectors: Vectors | None
    ) -> None:
        """Replaces the video's chunks."""

    async def recipe(self, video_id: str) -> str | None:
        """The recipe the video's chunks were saved with."""

    async def load(self, video_ids: Sequence[str]) -> tuple[list[Chunk], Vectors | None]:
        """In order of video and time; vectors only if every chunk has one of the same size."""

    async def segments(self, video_id: str, first: int, last: int) -> list[Segment]: ...


class Library(Protocol):
    """Which videos a channel knows. Private to the channel."""

    async def add(self, channel: str, video_id: str) -> None:
        """A video added again keeps its place. Raises UnknownVideo."""

    async def get(self, channel: str, video_id: str) -> Video | None:
        """The video, if the channel knows it."""

    async def get_many(self, channel: str, video_ids: Sequence[str]) -> list[Video]:
        """Those of the videos that the channel knows, newest first."""

    async def count(self, channel: str) -> int:
        """How many videos the channel knows."""

    async def page(self, channel: str, limit: int, offset: int = 0) -> list[Video]:
        """At most `limit` videos, newest first, without the `offset` newest."""

    async def find(
        self, channel: str, typed: str, limit: int, *, whole: bool = False
    ) -> dict[str, str]:
        """Video id → title of at most `limit` videos whose title contains `typed`, or with `whole`
        equals it, newest first. Ignores case. A video without a title is found by its id."""

    async def videos(self, channel: str) -> list[Video]:
        """All of them with their descriptions, newest first: slow in a large channel."""

    async def channels(self) -> list[str]:
        """Names of the channels that know a video, sorted."""

    async def revision(self, channel: str) -> str:
        """A token that changes when a video joins or leaves the channel, or its chunks change."""

    async def recipes(self, channel: str) -> dict[str, str]:
        """Video id → recipe of its chunks, newest first. Videos without chunks are left out."""

    async def forget(self, channel: str, video_id: str | None = None) -> list[str]:
        """Removes one video, or all, and everything nobody else uses. The ids removed."""


class Threads(Protocol):
    """Conversations. Two channels' threads of one name have nothing in common."""

    async def turns(self, channel: str, thread: str, limit: int) -> list[Turn]:
        """The last ones, oldest first."""

    async def add(self, channel: str, thread: str, turn: Turn, video_ids: Sequence[str]) -> None:
        """`video_ids`: what the turn speaks of; it goes when the channel forgets one of them.
        Raises UnknownVideo."""


class Jobs(Protocol):
    """Work that goes on after a kill. Each job ends once: done, failed or cancelled."""

    async def submit(self, order: Order) -> str:
        """The job's id. Orders of one key that meet are worked on once, for all their channels."""

    def watch(self, job_id: str) -> AsyncGenerator[Progress]:
        """How far it is, from any process, until it is over. Raises UnknownJob."""

    async def outcome(self, job_id: str) -> tuple[Order, tuple[str, ...]]:
        """What was ordered and what the user should know, once it is done.

        Waits for it. Raises what it failed with, JobCancelled, UnknownJob."""

    async def pending(self, channel: str | None = None) -> list[Job]:
        """The jobs of the channel, or of all, that are not over; oldest first."""

    async def cancel(self, job_id: str) -> None:
        """It stops within 2 s. Raises UnknownJob, also where it is over."""

    async def forget(self, channel: str, video_id: str | None = None) -> list[str]:
        """Cancels the channel's jobs for the video, or all of its jobs, and forgets those that are
        over. The videos' ids of those that were not over."""


class OutboxEntries(Protocol):
    """What people shall see on the platforms. One process speaks for a platform."""

    async def add(self, effect: OutboxEntry) -> OutboxEntry:
        """Stores it last in the order; if its key is known, nothing changes. What is stored."""

    async def save(self, effect: OutboxEntry) -> None:
        """Replaces what is stored under its key."""

    async def unfinished(self, platform: str) -> list[OutboxEntry]:
        """Those that are not over, in order."""

    async def purge(self, before: datetime) -> None:
        """Forgets those that are over and were last saved before then."""


class Checkpoints(Protocol):
    """Finished parts of work that is not finished, so that a kill costs one part and no more.
    `recipe`: the settings that the parts were made with. The video need not be stored yet."""

    async def save(self, video_id: str, recipe: str, number: int, piece: str) -> None:
        """Replaces the piece of that number."""

    async def load(self, video_id: str, recipe: str) -> dict[int, str]:
        """By number, in order."""

    async def clear(self, video_id: str, recipe: str = "") -> None:
        """The video's whose recipe begins so."""

    async def purge(self, before: datetime) -> None:
        """Forgets those that were saved before then."""


class Requests(Protocol):
    """Requests made in chats: none runs twice, and none is lost by a kill."""

    async def add(self, request: Request) -> bool:
        """Store a request unless its id is known. Return whether it was new."""

    async def save(self, request: Request) -> None:
        """Replace the stored request with this id; do nothing if there is none."""

    async def open(self, platform: str) -> list[Request]:
        """The platform's requests that are not done, oldest first."""

    async def purge(self, before: datetime) -> None:
        """Delete the requests that are done and were last saved before then."""


class PlaceBindings(Protocol):
    """Which video a place, or the replies to a message, is about. Deleted with the video or its
    channel."""

    async def bind(self, platform: str, place: str, message_id: str, binding: PlaceBinding) -> None:
        """Bind a message, or with "" the whole place. Replaces an earlier binding."""

    async def find(self, platform: str, place: str, message_id: str = "") -> PlaceBinding | None:
        """The binding of the message, else of the place."""

    async def close(self, platform: str, place: str) -> None:
        """Delete the bindings of a deleted place and of all its messages."""


class Buttons(Protocol):
    """What buttons do when pressed. Deleted with the video or its channel."""

    async def add(self, buttons: Sequence[StoredButton]) -> None:
        """Store buttons. One whose id is known stays as it is."""

    async def get(self, button_id: str) -> StoredButton | None: ...


class Settings(Protocol):
    """The settings of servers and channels."""

    async def get(self, scopes: Sequence[str]) -> list[ChatSettings]:
        """The settings of each scope, in order, in one read. All None where nothing is set."""

    async def save(self, scope: str, settings: ChatSettings) -> None: ...


class Usage(Protocol):
    """What was used today (UTC)."""

    async def take(self, quotas: Sequence[Quota], now: datetime) -> tuple[Quota | None, bool]:
        """Counts one of each, unless one is used up: then that one, and whether it is said for the
        first time that day. Days before are forgotten."""


@dataclass(frozen=True, slots=True)
class ChatRecords:
    """What the chat platforms keep in the store."""

    outbox_entries: OutboxEntries
    requests: Requests
    bindings: PlaceBindings
    buttons: Buttons
    settings: Settings
    usage: Usage


Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]
