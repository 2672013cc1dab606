"""Every error the program raises on purpose.

    CoreError
    ├── RequestError      the user can change it: another link, another file, another word
    ├── VideoError        permanent: this video will not work
    ├── BackendError      may work later: a service is away, busy, or broke
    └── ConfigError       the operator must act: a setting, a missing model, a folder

Fields hold the facts; bot/rendering/errors.py writes the text for users. Backends raise only these
errors, chained to the original. `str(error)` is for logs, and tells nothing that people typed.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

_TYPED = {"text", "name", "video_id", "job_id"}
"""Facts that a person typed, or the name of a file. People name a video or a job in any words."""


@dataclass(eq=False)
class CoreError(Exception):
    """The root of the tree. `permanent`: trying again cannot help."""

    permanent = True

    @property
    def code(self) -> str:
        """Return the class's name in snake case: `VideoPrivate` → `video_private`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()

    @property
    def facts(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)

    def __str__(self) -> str:
        facts = {name: fact for name, fact in self.facts.items() if name not in _TYPED}
        return f"{self.code} {facts}" if facts else self.code


def from_code(code: str, facts: dict[str, Any]) -> CoreError:
    """Rebuild an error from another process. An unknown code becomes `WorkerFailed`."""
    known = {kind.__name__: kind for kind in _descendants(CoreError)}
    name = "".join(word.capitalize() for word in code.split("_"))
    return known[name](**facts) if name in known else WorkerFailed("unknown", code)


def _descendants(kind: type[CoreError]) -> list[type[CoreError]]:
    return [below for child in kind.__subclasses__() for below in (child, *_descendants(child))]


@dataclass(eq=False)
class RequestError(CoreError):
    """The user can fix it."""


@dataclass(eq=False)
class VideoError(CoreError):
    """This video cannot be processed, now or later."""


@dataclass(eq=False)
class BackendError(CoreError):
    """It may work later."""

    permanent = False


@dataclass(eq=False)
class ConfigError(CoreError):
    """The operator must act."""


# What the user asked for


@dataclass(eq=False)
class NotALink(RequestError):
    """Neither a YouTube link nor a file that exists."""

    text: str


@dataclass(eq=False)
class FileEmpty(RequestError):
    """Zero bytes."""

    name: str


@dataclass(eq=False)
class FileTooLarge(RequestError):
    """A file sent in a chat that the platform does not let a bot download."""

    name: str
    max_megabytes: int


@dataclass(eq=False)
class UnknownVideo(RequestError):
    """A video the store does not hold, or not in this channel."""

    video_id: str


@dataclass(eq=False)
class NothingToAsk(RequestError):
    """The channel has no videos."""

    channel: str


@dataclass(eq=False)
class EmptyQuestion(RequestError):
    """The question has no text."""


@dataclass(eq=False)
class UnknownJob(RequestError):
    """No such job, or it has ended."""

    job_id: str


@dataclass(eq=False)
class QuestionForgotten(RequestError):
    """Who asked was forgotten while the answer was being written."""


@dataclass(eq=False)
class JobCancelled(RequestError):
    """Somebody cancelled the job."""


@dataclass(eq=False)
class CannotWrite(RequestError):
    """The output file cannot be written."""

    name: str


@dataclass(eq=False)
class NotABackup(RequestError):
    """Not a file that `backup` wrote, or one that is damaged."""

    name: str


@dataclass(eq=False)
class NoBackup(RequestError):
    """There is no automatic backup to restore."""


@dataclass(eq=False)
class BackupTooNew(RequestError):
    """A newer release wrote this backup."""

    name: str


@dataclass(eq=False)
class NotSqlite(RequestError):
    """The store is on PostgreSQL, which has its own backup programs."""


# What is wrong with the video


@dataclass(eq=False)
class VideoPrivate(VideoError):
    """Only its owner can see it."""


@dataclass(eq=False)
class MembersOnly(VideoError):
    """Only the channel's paying members can see it."""


@dataclass(eq=False)
class PremiumOnly(VideoError):
    """Only YouTube Music Premium members can play it."""


@dataclass(eq=False)
class AgeRestricted(VideoError):
    """YouTube requires a signed-in adult."""


@dataclass(eq=False)
class VideoRemoved(VideoError):
    """Removed, or it never existed."""


@dataclass(eq=False)
class VideoLive(VideoError):
    """The stream is still live."""


@dataclass(eq=False)
class NotYetAired(VideoError):
    """A premiere or a planned stream. `when`: YouTube's own words."""

    when: str = ""


@dataclass(eq=False)
class RecordingPending(BackendError):
    """The stream is over, but its recording is not ready."""


@dataclass(eq=False)
class GeoBlocked(VideoError):
    """Blocked in this machine's country. `countries`: where it is available, if known."""

    countries: tuple[str, ...] = ()


@dataclass(eq=False)
class DrmProtected(VideoError):
    """Its media is encrypted (DRM)."""


@dataclass(eq=False)
class VideoTooLong(VideoError):
    """Longer than limits.max_minutes."""

    minutes: int
    max_minutes: int


@dataclass(eq=False)
class TooMuchText(VideoError):
    """More characters than anybody says in its time."""

    minutes: int
    characters: int


@dataclass(eq=False)
class VideoTooLarge(VideoError):
    """Its audio has more bytes than limits.max_megabytes."""

    max_megabytes: int


@dataclass(eq=False)
class NoAudio(VideoError):
    """It has no audio track."""


@dataclass(eq=False)
class NotMedia(VideoError):
    """Not a readable audio, video or subtitle file."""

    name: str


@dataclass(eq=False)
class NoSpeech(VideoError):
    """It has audio, but nobody speaks."""


@dataclass(eq=False)
class NoCaptions(VideoError):
    """It has no usable caption track."""


# YouTube


@dataclass(eq=False)
class BotCheck(BackendError):
    """YouTube asks for proof that this is not a bot. `until`: see RateLimited."""

    until: float = 0.0


@dataclass(eq=False)
class RateLimited(BackendError):
    """YouTube limits the requests of this machine. `until`: no request is made before this Unix
    time; 0 where it is not known."""

    until: float = 0.0


@dataclass(eq=False)
class YouTubeUnreachable(BackendError):
    """YouTube does not respond."""


@dataclass(eq=False)
class YouTubeChanged(BackendError):
    """YouTube sent a response that yt-dlp does not understand; an update usually helps."""

    detail: str = ""


@dataclass(eq=False)
class DownloadFailed(BackendError):
    """The audio was refused, cut short or never came."""

    detail: str = ""


@dataclass(eq=False)
class CaptionsBlocked(BackendError):
    """There are captions, but YouTube does not serve them."""


# This machine


@dataclass(eq=False)
class WorkerFailed(BackendError):
    """A child process failed. `role`: fetch, speech or index."""

    role: str
    detail: str = ""


@dataclass(eq=False)
class WorkerOutOfMemory(WorkerFailed):
    """A child process exceeded its memory limit."""


@dataclass(eq=False)
class WorkerTimeout(BackendError):
    """A child process did not respond within `seconds`."""

    role: str
    seconds: int


@dataclass(eq=False)
class JobFailed(BackendError):
    """A job failed unexpectedly, or crashed the whole program too often."""

    detail: str = ""


@dataclass(eq=False)
class SpeechDeviceFailed(BackendError):
    """The GPU or its driver failed during transcription."""

    detail: str = ""


@dataclass(eq=False)
class SpeechModelMissing(ConfigError):
    """The speech model is not installed and cannot be downloaded."""

    model: str


@dataclass(eq=False)
class EmbedderMissing(ConfigError):
    """The embedding model is not installed and cannot be downloaded."""

    model: str


@dataclass(eq=False)
class IndexBroken(BackendError):
    """A channel's cache cannot be read; it will be rebuilt."""

    detail: str = ""


@dataclass(eq=False)
class StoreBroken(BackendError):
    """The store cannot be read or written. `copy`: the day of its newest backup, if known."""

    detail: str = ""
    copy: str = ""


@dataclass(eq=False)
class StoreInUse(BackendError):
    """Another process has the database open that a restore would replace."""


@dataclass(eq=False)
class DiskFull(BackendError):
    """No space left."""


# The language model


@dataclass(eq=False)
class OllamaUnreachable(BackendError):
    """Ollama does not answer at `url`."""

    url: str


@dataclass(eq=False)
class OllamaTooOld(ConfigError):
    """Below the first version without known remote code execution."""

    version: str
    minimum: str


@dataclass(eq=False)
class ModelMissing(ConfigError):
    """Ollama responds, but the model is not pulled."""

    model: str


@dataclass(eq=False)
class ModelServerUnreachable(BackendError):
    """The OpenAI-compatible server does not answer at `url`."""

    url: str


@dataclass(eq=False)
class ModelKeyRefused(ConfigError):
    """The server at `url` refused llm.api_key, or wants one."""

    url: str


@dataclass(eq=False)
class ModelNotServed(ConfigError):
    """The server at `url` does not have the model. `served`: those it has."""

    model: str
    url: str
    served: tuple[str, ...] = ()


@dataclass(eq=False)
class ModelBusy(BackendError):
    """The model's server has too many requests waiting."""


@dataclass(eq=False)
class ReplyBroken(BackendError):
    """A reply that broke off or is of no use. `text`: what came of it; no field, because neither
    users nor logs see it."""

    text = ""


@dataclass(eq=False)
class ModelFailed(ReplyBroken):
    """The model's server reported an error, or its connection broke."""

    detail: str = ""


@dataclass(eq=False)
class ModelStalled(ReplyBroken):
    """The model sent nothing for `seconds`."""

    seconds: int


@dataclass(eq=False)
class ModelTooSlow(ReplyBroken):
    """The reply had no end after `seconds`."""

    seconds: int


@dataclass(eq=False)
class PromptTooLong(BackendError):
    """The prompt exceeds the context; the server refused it or would have cut it.

    The caller splits the text and goes on."""

    tokens: int
    num_ctx: int


@dataclass(eq=False)
class BadModelOutput(ReplyBroken):
    """The reply is of no use: not the requested JSON, cut off, endless or empty."""

    detail: str = ""


# Settings


@dataclass(eq=False)
class ConfigInvalid(ConfigError):
    """A key of config.yaml or the environment. `key` is dotted."""

    key: str
    problem: str


@dataclass(eq=False)
class DataUnwritable(ConfigError):
    """The data folder cannot be written."""


@dataclass(eq=False)
class StoreUnreachable(ConfigError):
    """The database cannot be opened."""

    detail: str = ""
