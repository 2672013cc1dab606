"""What the core needs from the outside: one Protocol per need.

Every port has a backend (in core/backends, or in core/workers/remote_backends.py if it runs in a
child process) and a fake in tests/fakes. Both pass the same tests in tests/contract. A port raises
only errors of core/errors.py, and every method that waits is async.

    YouTube and models     Fetcher, Transcriber, Embedder, LanguageModel
    Search caches          VectorIndex, KeywordIndex, KeywordRanker
    The store              Videos, Chunks, Library, Threads, Checkpoints, Copies
    Durable work           Jobs
    The store, for chats   OutboxEntries, Requests, PlaceBindings, Buttons, Settings, Usage,
                           Memberships

Words used throughout. `channel`: the id of a chat channel, such as `discord:1`; its videos and
conversations are private to it. `recipe`: a text that names the settings something was made with;
another recipe means: make it again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from core.chat_records import ChatSettings, OutboxEntry, PlaceBinding, Quota, Request, StoredButton
from core.model import (
    ANYBODY,
    Asker,
    Chunk,
    EndedJob,
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
"""Shape (n, d), or (d,) for one text. Rows have length 1, so a dot product is the cosine."""

ProgressCallback = Callable[[Progress], None]
"""Progress callback. Must not block."""

Kind = Literal["passage", "question"]
"""What a text is to the embedder: some models embed questions differently."""
Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of a prompt."""

    role: Role
    text: str


Prompt = tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the model chooses its words. `seed`: the same one gives the same reply.

    `frequency_penalty`: 0 to 2; the higher, the less it repeats itself."""

    temperature: float = 0.2
    frequency_penalty: float = 0.0
    seed: int = 7


CUT_OFF = "…"
"""How a streamed reply ends that reached its `max_tokens`."""
STEADY = Sampling()
"""For JSON: the same reply to the same prompt."""


class Fetcher(Protocol):
    """Video metadata, audio and captions from YouTube.

    All methods raise VideoError for a video that will not work, BackendError to try again later."""

    async def look_up(self, video_id: str) -> Video:
        """Return the video's metadata. Raises VideoLive, NotYetAired and others."""

    async def download(self, video: Video, folder: Path, on_progress: ProgressCallback) -> Path:
        """Download the smallest good audio into the empty `folder`; return the file."""

    async def captions(self, video: Video, language: str) -> Transcript:
        """Return the best caption track: `language` before the video's own language, manual before
        automatic. Raises NoCaptions."""


class Transcriber(Protocol):
    """Speech to text."""

    def transcribe(
        self, audio: Path, language: str, from_s: float = 0.0, compute: SpeechCompute | None = None
    ) -> AsyncGenerator[Window]:
        """Transcribe window by window. The first window holds only the duration.

        `language`: a code, or "" to detect it. `from_s`: where to resume, the end of a finished
        window. `compute`: None for the configured one. Without speech there are no segments.
        Closing the iterator stops the work within 2 s. Raises NoAudio, NotMedia,
        SpeechModelMissing, WorkerOutOfMemory, SpeechDeviceFailed."""

    async def resolve_compute(self, compute: SpeechCompute) -> SpeechCompute:
        """Resolve every `auto` to a concrete value for this machine."""


class Embedder(Protocol):
    """Texts to vectors. Vectors of embedders with different `name`s are not comparable."""

    name: str

    async def load(self) -> None:
        """Load the model into memory. Raises EmbedderMissing."""

    async def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """Embed the texts, one row each, in order. No part of a long text is ignored."""


class LanguageModel(Protocol):
    """Prompts to replies."""

    name: str

    @property
    def num_ctx(self) -> int:
        """The context size in tokens, prompt and reply together."""

    def tokens(self, text: str) -> int:
        """Estimate how many tokens `text` takes: rather too many, and better after each reply."""

    def stream(self, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[str]:
        """Stream the reply; one that `max_tokens` cut ends in CUT_OFF. Raises PromptTooLong rather
        than truncate the prompt, and ReplyBroken, even after the first pieces."""

    async def complete(
        self,
        prompt: Prompt,
        *,
        max_tokens: int,
        schema: dict[str, object],
        sampling: Sampling = STEADY,
    ) -> str:
        """Return the whole reply, which should be JSON that fits `schema` (JSON Schema). A model
        may not obey: validate the reply. Raises BadModelOutput if `max_tokens` cut it."""


class Index(Protocol):
    """A search cache with a separate part per channel. It can always be rebuilt from the store."""

    async def holdings(self, channel: str) -> dict[str, str]:
        """Return video id → the digest it was put with. Raises IndexBroken."""

    async def drop(self, channel: str, video_id: str | None = None) -> None:
        """Delete one video, or the channel with all its files."""

    async def keep(self, channels: Sequence[str]) -> None:
        """Delete every channel but these, with all its files. Raises IndexBroken."""


class VectorIndex(Index, Protocol):
    """Nearest-neighbour search over a channel's chunks."""

    async def put(
        self, channel: str, video_id: str, digest: str, chunks: Sequence[Chunk], vectors: Vectors
    ) -> None:
        """Replace the video's chunks. `digest`: their recipe, returned by `holdings`."""

    async def nearest(self, channel: str, vector: Vectors, limit: int) -> list[str]:
        """Return keys of the chunks closest by cosine, best first. Raises IndexBroken."""


class KeywordIndex(Index, Protocol):
    """Keyword search over a channel's chunks."""

    async def put(self, channel: str, video_id: str, digest: str, chunks: Sequence[Chunk]) -> None:
        """Replace the video's chunks. `digest`: their recipe, returned by `holdings`."""

    async def matching(self, channel: str, tokens: Sequence[str], limit: int) -> list[str]:
        """Return keys of chunks with any of the tokens, ranked by BM25. A single CJK character also
        finds the tokens that it begins. Raises IndexBroken."""


class KeywordRanker(Protocol):
    """BM25 in memory, over the chunks of one video."""

    def scores(self, question: Sequence[str], texts: Sequence[Sequence[str]]) -> Vectors:
        """Return one score per tokenised text; higher is better, 0 if no token matches."""


class Videos(Protocol):
    """Videos with their transcripts and summaries, shared by all channels."""

    async def save(self, video: Video) -> None:
        """Insert the video or replace its metadata."""

    async def get(self, video_id: str) -> Video | None: ...
    async def discard(self, video_id: str) -> None:
        """Delete the video if it has no transcript and no channel knows it."""

    async def save_transcript(self, transcript: Transcript) -> None:
        """Replace the transcript; delete summaries and chunks made from the old one.
        Raises UnknownVideo."""

    async def transcript(self, video_id: str) -> Transcript | None: ...
    async def save_summary(self, video_id: str, recipe: str, summary: Summary) -> None:
        """Replace the summary of that recipe. Raises UnknownVideo."""

    async def summary(self, video_id: str, recipe: str) -> Summary | None: ...


SegmentRange = tuple[str, int, int]
"""A video's id, and the numbers of the first and the last of some of its segments."""


@dataclass(frozen=True, slots=True)
class FoundChunk:
    """A chunk and what is said in it. `vector`, `sentence_vectors`: the chunk's, and a row for each
    segment, where they were asked for and are stored."""

    video: Video
    chunk: Chunk
    segments: tuple[Segment, ...]
    vector: Vectors | None = None
    sentence_vectors: Vectors | None = None


class Chunks(Protocol):
    """Chunks, the unit of retrieval, with their vectors if they were embedded."""

    async def save(
        self,
        video_id: str,
        recipe: str,
        chunks: Sequence[Chunk],
        vectors: Vectors | None,
        sentence_vectors: Vectors | None = None,
    ) -> None:
        """Replace the video's chunks. `sentence_vectors`: a row for each segment of its transcript.
        Raises UnknownVideo."""

    async def recipe(self, video_id: str) -> str | None:
        """Return the recipe of the video's chunks. It ends with a space and the embedder's name,
        or with a space if they have no vectors."""

    async def load(self, video_ids: Sequence[str]) -> tuple[list[Chunk], Vectors | None]:
        """Return the videos' chunks, ordered as `video_ids` and by time. Vectors are None unless
        every chunk has one, all of the same size."""

    async def found(
        self, channel: str, keys: Sequence[str], *, with_vectors: bool = False
    ) -> list[FoundChunk]:
        """Return the chunks of these keys whose videos the channel knows, in the order of the keys,
        in one read, which reads nothing else."""

    async def sentence_vectors(self, video_ids: Sequence[str]) -> dict[str, Vectors]:
        """Return video id → a row for each segment of the transcript, exact to three digits, of
        those videos that have them."""

    async def segments(self, ranges: Sequence[SegmentRange]) -> list[list[Segment]]:
        """Return the segments of each range, in the order of the ranges, in one read."""


class Library(Protocol):
    """Which videos a channel knows, private to the channel.

    Only `videos` and `recipes` read a whole channel: 2,000 videos take 100 ms and more."""

    async def add(self, channel: str, video_id: str, file_name: str = "") -> None:
        """Add the video; one that is known keeps its place, and its name. Raises UnknownVideo.

        `file_name`: what the channel's people call a file. Only this channel is shown it: the
        other methods return each file by the channel's own name."""

    async def get(self, channel: str, video_id: str) -> Video | None:
        """Return the video if the channel knows it."""

    async def get_many(self, channel: str, video_ids: Sequence[str]) -> list[Video]:
        """Return those of the videos that the channel knows, newest first."""

    async def count(self, channel: str) -> int:
        """Count the channel's videos."""

    async def page(self, channel: str, limit: int, offset: int = 0) -> list[Video]:
        """Return `limit` videos, newest first, after skipping `offset`."""

    async def find(
        self, channel: str, typed: str, limit: int, *, whole: bool = False
    ) -> dict[str, str]:
        """Return id → title of the `limit` newest videos whose title contains `typed` or, if
        `whole`, equals it. Ignores case. A video without a title is found by its id."""

    async def videos(self, channel: str) -> list[Video]:
        """Return all videos with their descriptions, newest first."""

    async def pin(self, channel: str, video_id: str, *, pinned: bool) -> None:
        """Let the video stay when it is old, or no longer. Raises UnknownVideo."""

    async def pinned(self, channel: str, video_ids: Sequence[str]) -> set[str]:
        """Return those of the videos that the channel has pinned."""

    async def expired(self, before: datetime) -> tuple[str, str] | None:
        """Return channel and id of a video that was added before then and is not pinned."""

    async def channels(self) -> list[str]:
        """List the channels that know a video, sorted."""

    async def revision(self, channel: str) -> str:
        """Return a token that changes whenever a video joins or leaves, or its chunks change."""

    async def revisions(self) -> dict[str, str]:
        """Return the revision of every channel that knows a video."""

    async def recipes(self, channel: str) -> dict[str, str]:
        """Return video id → recipe of its chunks, newest first, for videos that have chunks."""

    async def forget(self, channel: str, video_id: str | None = None) -> list[str]:
        """Remove one video, or all, with its conversations, bindings, buttons, requests and
        undelivered messages; delete videos that no other channel knows. Returns the removed ids."""


class Threads(Protocol):
    """Conversations. Threads with the same name in two channels are separate."""

    async def turns(self, channel: str, thread: str, limit: int) -> list[Turn]:
        """Return the last `limit` turns, oldest first."""

    async def add(
        self,
        channel: str,
        thread: str,
        turn: Turn,
        video_ids: Sequence[str],
        asker: Asker = ANYBODY,
    ) -> None:
        """Append a turn. It is deleted when the channel forgets any of `video_ids`, the videos it
        is about. Raises UnknownVideo, and QuestionForgotten if who asked was forgotten since the
        request, also by another process."""

    async def forget(self, platform: str, person: str) -> int:
        """Delete what the person has asked in all channels of the platform, with the buttons of the
        answers, open questions and the settings of a private chat. Requests for videos go on as
        nobody's. Returns the number of turns."""


WorkerState = Literal["here", "elsewhere", "failing", "off"]
"""Who works on jobs: this process, another one of its data folder, this process in vain (it starts
again and again), or not this process."""


class Jobs(Protocol):
    """Work that survives a crash or restart. A job ends once: done, failed or cancelled."""

    async def submit(self, order: Order) -> str:
        """Queue an order; return the job's id. Orders with one key that overlap in time are worked
        on once, for all their channels."""

    def watch(self, job_id: str) -> AsyncGenerator[Progress]:
        """Stream the job's latest progress, from any process, until it ends. Raises UnknownJob."""

    async def outcome(self, job_id: str) -> tuple[Order, tuple[str, ...]]:
        """Wait for the job; return its order and notes, codes of what the user should know.

        Raises the job's own error, JobCancelled, UnknownJob."""

    async def pending(self, channel: str | None = None) -> list[Job]:
        """List the unfinished jobs of the channel, or of all channels, oldest first."""

    async def ended(self, since: datetime) -> list[EndedJob]:
        """List the jobs that ended since then, give or take a second, and were not forgotten, the
        oldest order first."""

    def worker(self) -> WorkerState:
        """Say who works on jobs, as this process knows it."""

    async def cancel(self, job_id: str) -> None:
        """Stop the job within 2 s. Raises UnknownJob, also if it has ended."""

    async def forget(self, channel: str, video_id: str | None = None) -> list[str]:
        """Cancel the channel's unfinished jobs for the video, or for all videos, and delete its
        finished ones. Returns the video ids of the cancelled jobs."""


class OutboxEntries(Protocol):
    """Messages to deliver to the platforms, in order. One process sends for a platform."""

    async def add(self, entry: OutboxEntry) -> OutboxEntry:
        """Append the entry unless its key is known. Returns the stored entry."""

    async def save(self, entry: OutboxEntry) -> None:
        """Replace the entry with the same key, if it is still known. An entry that is over keeps no
        draft."""

    async def unfinished(self, platform: str) -> list[OutboxEntry]:
        """List the entries that still have to be sent or may still change, in order."""

    async def purge(self, before: datetime) -> None:
        """Delete entries that are finished and were last saved before then."""


class Checkpoints(Protocol):
    """Finished parts of unfinished work, so that a crash costs at most one part.

    The video need not be stored yet."""

    async def save(self, video_id: str, recipe: str, number: int, part: str) -> None:
        """Insert or replace part `number`."""

    async def load(self, video_id: str, recipe: str) -> dict[int, str]:
        """Return number → part, in order."""

    async def clear(self, video_id: str, recipe: str = "") -> None:
        """Delete the video's parts whose recipe starts with `recipe`."""

    async def purge(self, before: datetime) -> None:
        """Delete parts that were saved before then."""


class Copies(Protocol):
    """Automatic copies of the store. They hold what was forgotten until they are replaced."""

    def count(self) -> int:
        """Count the copies that there are now."""

    async def replace(self) -> bool:
        """Put one new copy in place of all copies, then or, without space for one more, before;
        return whether there were any. Raises StoreBroken, DiskFull, CannotWrite."""


class Requests(Protocol):
    """Requests made in chats, so that none is done twice or lost."""

    async def add(self, request: Request) -> bool:
        """Store a new request. Returns False, and changes nothing, if its id is known."""

    async def save(self, request: Request) -> None:
        """Replace the stored request with this id; do nothing if there is none. One that is done
        is not opened again: the channel has forgotten it. Of a request that is done only the id
        and what it is about stay."""

    async def open(self, platform: str) -> list[Request]:
        """List the requests that are not done, oldest first."""

    async def purge(self, before: datetime) -> None:
        """Delete requests that are done and were last saved before then."""


class PlaceBindings(Protocol):
    """Which video a place, or a message in it, is about. Deleted with the video or channel."""

    async def bind(self, platform: str, place: str, message_id: str, binding: PlaceBinding) -> None:
        """Bind the message, or the whole place if `message_id` is "". Replaces a binding."""

    async def find(self, platform: str, place: str, message_id: str = "") -> PlaceBinding | None:
        """Return the message's binding, else the place's."""

    async def close(self, platform: str, place: str) -> None:
        """Delete the place's binding and those of its messages."""


class Buttons(Protocol):
    """What buttons do when pressed. Deleted with the video or channel."""

    async def add(self, buttons: Sequence[StoredButton]) -> None:
        """Store the buttons, except those whose id is known."""

    async def get(self, button_id: str) -> StoredButton | None: ...


class Settings(Protocol):
    """Settings of servers and channels. `scope`: the id of either."""

    async def get(self, scopes: Sequence[str]) -> list[ChatSettings]:
        """Return each scope's settings, in order, in one read; all None where nothing is set."""

    async def save(self, scope: str, settings: ChatSettings) -> None: ...


class Usage(Protocol):
    """Counts of what was used today (UTC)."""

    async def take(self, quotas: Sequence[Quota], now: datetime) -> tuple[Quota | None, bool]:
        """Use one unit of each quota, or none if one is used up. Returns the exhausted quota, and
        whether this is the first refusal of the day. Deletes earlier days."""


class Memberships(Protocol):
    """Which server a channel is in, and since when the bot is not in it any more. A server's id
    begins with its platform: "discord:1". Forgetting a channel that was left deletes its row."""

    async def note(self, channel: str, server: str) -> None:
        """The channel belongs to the server, and the bot is in it."""

    async def leave(self, server: str, channels: Sequence[str], now: datetime) -> None:
        """The bot has left the server. `channels`: those of the server; they need not be noted, nor
        have a library."""

    async def join(self, server: str) -> None:
        """The bot is in the server again."""

    async def meet(self, platform: str, servers: Collection[str], now: datetime) -> None:
        """The bot is in these servers, and has left all others of the platform."""

    async def left(self, platform: str, before: datetime) -> list[str]:
        """List the channels whose server the bot left before then, and did not join again."""


@dataclass(frozen=True, slots=True)
class ChatRecords:
    """What the chat platforms keep in the store."""

    outbox_entries: OutboxEntries
    requests: Requests
    bindings: PlaceBindings
    buttons: Buttons
    settings: Settings
    usage: Usage
    memberships: Memberships


Clock = Callable[[], float]
"""Seconds that only grow, such as time.monotonic."""
Sleep = Callable[[float], Awaitable[None]]
