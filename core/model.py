"""The values that travel through the program: frozen, with no behaviour beyond their own fields.

Times are seconds from the start of the video.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import PurePath
from typing import Literal
from urllib.parse import quote

TranscriptSource = Literal["whisper", "captions", "file"]
"""Where a transcript comes from: Whisper, YouTube's captions, or a subtitle file."""

EXTRACTIVE = "extractive"
"""The engine of a summary or answer made of the video's own sentences, without a language model."""

Stage = Literal[
    "wait", "youtube", "resolve", "download", "transcribe", "summarise", "index", "load"
]
"""What the user sees while waiting. `wait`: in the queue. `youtube`: until YouTube, which refused
requests of this machine, is asked again. `load`: a model is being loaded."""


def partly_quoted(model: str) -> str:
    """Name the engine of a summary by `model` whose gaps are the video's own sentences."""
    return f"{model}+{EXTRACTIVE}"


def writer_of(engine: str) -> tuple[str, bool]:
    """Return the model's name, and whether the video's own sentences fill its gaps.

    >>> writer_of(partly_quoted("qwen3:8b")), writer_of("qwen3:8b")
    (('qwen3:8b', True), ('qwen3:8b', False))
    """
    model = engine.removesuffix(f"+{EXTRACTIVE}")
    return model, model != engine


@dataclass(frozen=True, slots=True)
class CaptionTrack:
    """One caption track. `key` is yt-dlp's name for it, which is not always a language code."""

    key: str
    language: str
    automatic: bool


@dataclass(frozen=True, slots=True)
class ChapterMark:
    """A chapter as the uploader set it: a title and where it starts."""

    title: str
    start_s: float


@dataclass(frozen=True, slots=True)
class Video:
    """One video. `id` is YouTube's 11 characters, or `file-` and a hash of a file's bytes.

    A file has a title and a `file_name` only as one channel knows it: see `named`."""

    id: str
    title: str
    channel_name: str = ""
    duration_s: float = 0.0
    description: str = ""
    hashtags: tuple[str, ...] = ()
    marks: tuple[ChapterMark, ...] = ()
    thumbnail_url: str = ""
    caption_tracks: tuple[CaptionTrack, ...] = ()
    language: str = ""
    file_name: str = ""

    @property
    def url(self) -> str:
        """Where to open it: its YouTube page, or a file's own name, quoted."""
        return quote(self.file_name or self.id) if self.is_file else f"https://youtu.be/{self.id}"

    def url_at(self, second: float) -> str:
        """The address that opens at `second`; for a file a W3C media fragment.

        >>> Video("dQw4w9WgXcQ", "A song").url_at(62.9)
        'https://youtu.be/dQw4w9WgXcQ?t=62'
        """
        return f"{self.url}{'#' if self.is_file else '?'}t={int(second)}"

    @property
    def is_file(self) -> bool:
        return bool(self.file_name) or is_file_id(self.id)

    def named(self, file_name: str) -> Video:
        """The same file as a channel knows it, whose people call it `file_name`. "": as it is.

        >>> Video("file-0123456789ab", "").named("bees.mp3").title
        'bees'
        """
        title = PurePath(file_name).stem
        return replace(self, title=title, file_name=file_name) if file_name else self


FILE_ID = "file-"
_YOUTUBE_ID_CHARACTERS = 11


def is_file_id(video_id: str) -> bool:
    """Return whether the id is of a file. YouTube's ids may begin alike, but are shorter."""
    return video_id.startswith(FILE_ID) and len(video_id) > _YOUTUBE_ID_CHARACTERS


@dataclass(frozen=True, slots=True)
class Segment:
    """What was said from `start_s` to `end_s`."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Window:
    """A transcribed stretch of audio. `heard_s`: how far the transcription has come."""

    heard_s: float
    duration_s: float
    language: str = ""
    segments: tuple[Segment, ...] = ()


LIGHTEST_COMPUTE = "lightest"
"""The compute type that needs the least memory on the device."""
SPEECH_LIGHTER = "speech_lighter"
"""A note's code: transcription continues with less than the settings ask for."""


@dataclass(frozen=True, slots=True)
class SpeechCompute:
    """The device, compute type and batch size of transcription, as in config.yaml."""

    device: str
    compute_type: str
    batch_size: int


@dataclass(frozen=True, slots=True)
class Subtitles:
    """A subtitle file's words, in order of time. `language`: a code, "" if unknown."""

    segments: tuple[Segment, ...]
    language: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """A video's words, in order of time. `recipe` names the settings that made them."""

    video_id: str
    language: str
    source: TranscriptSource
    segments: tuple[Segment, ...]
    recipe: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """One statement of a summary and the start of the segment it comes from."""

    text: str
    start_s: float


@dataclass(frozen=True, slots=True)
class Chapter:
    """A stretch about one thing. Chapters touch: each ends where the next one starts."""

    title: str
    start_s: float
    end_s: float
    points: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """A video's summary. `covered_s`: up to which second the engine has read; shown to users."""

    topic: str
    points: tuple[Point, ...]
    chapters: tuple[Chapter, ...]
    hashtags: tuple[str, ...]
    questions: tuple[str, ...]
    language: str
    covered_s: float
    engine: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole neighbouring segments, the unit of finding. `heading`: title, channel and chapter,
    indexed with the text but never quoted. `first`, `last`: indexes of its segments, inclusive.
    """

    video_id: str
    number: int
    start_s: float
    end_s: float
    first: int
    last: int
    heading: str
    text: str

    @property
    def segments(self) -> tuple[str, int, int]:
        """Its video's id, and the numbers of its first and last segment."""
        return self.video_id, self.first, self.last

    @property
    def key(self) -> str:
        """Unique over all videos."""
        return f"{self.video_id}:{self.number}"

    @property
    def indexed(self) -> str:
        """What is embedded and searched."""
        return f"{self.heading}\n{self.text}" if self.heading else self.text


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that was found. Scores order the hits of one search and mean nothing beyond it."""

    chunk: Chunk
    score: float


@dataclass(frozen=True, slots=True)
class Passage:
    """Neighbouring segments of one video, in order: what an answer may rest on. `first`: the index
    of the first one in its transcript."""

    video: Video
    segments: tuple[Segment, ...]
    first: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Adjacent sentences that may answer a question.

    `nearness`: how close they are to it. 0: as close as any text; 1: the same words."""

    video: Video
    segments: tuple[Segment, ...]
    nearness: float

    @property
    def text(self) -> str:
        """What is said there."""
        return " ".join(segment.text.strip() for segment in self.segments)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Sentences found by a search, best first.

    `said`: sentences with the query's words, `nearness` the share of the words they have, the same
    for all. `nearest`: others near in meaning. `unsaid`: words of the query that no sentence has.
    `notes`: codes of what the user should know, such as `keyword_only`."""

    said: tuple[Place, ...] = ()
    nearest: tuple[Place, ...] = ()
    unsaid: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Citation:
    """Marker `[n]` of an answer, resolved by code to a real segment."""

    n: int
    video_id: str
    start_s: float
    end_s: float
    quote: str
    url: str


@dataclass(frozen=True, slots=True)
class CitedPlace:
    """What a citation rests on, in the speaker's words: `said`, and the sentences around it."""

    citation: Citation
    video: Video
    said: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """The places behind the answer to `question`, in the order of its markers; at least one."""

    question: str
    places: tuple[CitedPlace, ...]


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds. `load_ms`: waiting for a model to come up, in none of the others."""

    load_ms: int = 0
    retrieval_ms: int = 0
    first_token_ms: int = 0
    total_ms: int = 0


LLM_AWAY = "llm_away"
"""A note's code: the language model that the settings want was unavailable, or failed."""
ELSEWHERE = "elsewhere"
"""A note's code: the video asked about says nothing, other videos of the channel do."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` holds markers `[1]` … that `citations` resolve.

    `grounded`: it rests on the videos. `partly`: only in part, or these are only the places nearest
    to the question. An answer that is not grounded has no text; its citations are the nearest
    places, if any is near."""

    question: str
    text: str
    citations: tuple[Citation, ...]
    questions: tuple[str, ...]
    grounded: bool
    engine: str
    timings: Timings = field(default_factory=Timings)
    notes: tuple[str, ...] = ()
    """Codes of what the user should know, such as `keyword_only`."""
    partly: bool = False

    @property
    def grounding(self) -> Literal["grounded", "partly", "none"]:
        """How much of it rests on the videos."""
        if not self.grounded:
            return "none"
        return "partly" if self.partly else "grounded"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks a question: in which `language`, "" for the configured one. `person`: as
    "platform:id", "" if nobody needs to be known. `request`: the id of the chat's request, if any.
    """

    language: str = ""
    person: str = ""
    request: str = ""


ANYBODY = Asker()


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and its answer in a thread."""

    question: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the current stage is. `fraction`: 0 to 1. `eta_s`: seconds left, if known. `note`: a
    code of what the user should know."""

    stage: Stage
    fraction: float = 0.0
    eta_s: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Ready:
    """A video that can be asked about. `notes`: codes of what the user should know."""

    video: Video
    transcript: Transcript
    summary: Summary
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """A channel's wish for a video. Orders with the same `key` need the same work: the same video
    with the same settings. `file`: its path on this machine, "" for a link. `file_name`: the name
    that the channel's people gave it."""

    key: str
    video_id: str
    file: str
    channel: str
    language: str
    file_name: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """An order in progress, or waiting (`stage` "wait")."""

    id: str
    order: Order
    progress: Progress


@dataclass(frozen=True, slots=True)
class EndedJob:
    """An order that is over. `error`: what it failed with, JobCancelled if it was cancelled, None
    if it is done. `waited_s`: until work on it began, None if it is not known or never began."""

    id: str
    order: Order
    ordered_at: datetime
    ended_at: datetime
    error: BaseException | None = None
    waited_s: float | None = None


Fact = str | int | float


@dataclass(frozen=True, slots=True)
class Check:
    """One result of `doctor`. `case` names its text, which `facts` fill in; an `error` has its
    own text."""

    name: str
    status: Literal["ok", "warn", "fail"]
    case: str = "ok"
    facts: Mapping[str, Fact] = field(default_factory=dict)
    error: BaseException | None = None
