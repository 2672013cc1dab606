"""This file defines every error the program raises on purpose.

    CoreError
    ├── RequestError      the user can change it: another link, another file, another word
    ├── VideoError        permanent: this video will not work
    ├── BackendError      may work later: a service is away, busy, or broke
    └── ConfigError       the operator must act: a setting, a missing model, a folder

Facts stand in fields; bot/rendering/errors.py words them for users.
Backends raise only these, chained to what they caught. `str(error)` is for logs.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(eq=False)
class CoreError(Exception):
    """The root. `code` names the case, `permanent` says whether trying again can help."""

    permanent = True

    @property
    def code(self) -> str:
        """The class's name in lower case: `VideoPrivate` → `video_private`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()

    @property
    def facts(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.code} {self.facts}" if self.facts else self.code


def from_code(code: str, facts: dict[str, Any]) -> CoreError:
    """The error that another process described; an unknown code becomes `WorkerFailed`."""
    known = {kind.__name__: kind for kind in _descendants(CoreError)}
    name = "".join(word.capitalize() for word in code.split("_"))
    return known[name](**facts) if name in known else WorkerFailed("unknown", code)


def _descendants(kind: type[CoreError]) -> list[type[CoreError]]:
    return [below for child in kind.__subclasses__() for below in (child, *_descendants(child))]


@dataclass(eq=False)
class RequestError(CoreError):
    """The user can change it."""


@dataclass(eq=False)
class VideoError(CoreError):
    """This video will not work, now or later."""


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
    """A file sent in a chat that its platform does not hand out to us."""

    name: str
    max_megabytes: int


@dataclass(eq=False)
class UnknownVideo(RequestError):
    """A video the store does not hold, or not in this channel."""

    video_id: str


@dataclass(eq=False)
class NothingToAsk(RequestError):
    """A channel without a video."""

    channel: str


@dataclass(eq=False)
class EmptyQuestion(RequestError):
    """Nothing but blanks."""


@dataclass(eq=False)
class UnknownJob(RequestError):
    """No such job, or it is over."""

    job_id: str


@dataclass(eq=False)
class JobCancelled(RequestError):
    """Somebody stopped it."""


@dataclass(eq=False)
class CannotWrite(RequestError):
    """The file that was named cannot be written."""

    name: str


@dataclass(eq=False)
class NotABackup(RequestError):
    """Not a file that `backup` wrote, or one that is damaged."""

    name: str


@dataclass(eq=False)
class NoBackup(RequestError):
    """No copy is kept that could be put back."""


@dataclass(eq=False)
class BackupTooNew(RequestError):
    """A newer release wrote this copy."""

    name: str


@dataclass(eq=False)
class NotSqlite(RequestError):
    """The store is on PostgreSQL, which has its own programs to copy it."""


# What is wrong with the video


@dataclass(eq=False)
class VideoPrivate(VideoError):
    """Only its owner can see it."""


@dataclass(eq=False)
class MembersOnly(VideoError):
    """Only the channel's paying members can see it."""


@dataclass(eq=False)
class PremiumOnly(VideoError):
    """Only YouTube Music Premium members can hear it."""


@dataclass(eq=False)
class AgeRestricted(VideoError):
    """YouTube wants an age it cannot know."""


@dataclass(eq=False)
class VideoRemoved(VideoError):
    """Removed, terminated or never there."""


@dataclass(eq=False)
class VideoLive(VideoError):
    """On air now: it has no end yet."""


@dataclass(eq=False)
class NotYetAired(VideoError):
    """A premiere or a planned stream. `when`: YouTube's own words."""

    when: str = ""


@dataclass(eq=False)
class RecordingPending(BackendError):
    """The stream is over, its recording is not ready."""


@dataclass(eq=False)
class GeoBlocked(VideoError):
    """Not to be seen from this machine's country. `countries`: where it may be, if told."""

    countries: tuple[str, ...] = ()


@dataclass(eq=False)
class DrmProtected(VideoError):
    """Its media are encrypted."""


@dataclass(eq=False)
class VideoTooLong(VideoError):
    """Longer than limits.max_minutes."""

    minutes: int
    max_minutes: int


@dataclass(eq=False)
class VideoTooLarge(VideoError):
    """Its audio has more bytes than limits.max_megabytes."""

    max_megabytes: int


@dataclass(eq=False)
class NoAudio(VideoError):
    """Pictures only."""


@dataclass(eq=False)
class NotMedia(VideoError):
    """No audio, video or subtitles that we can read."""

    name: str


@dataclass(eq=False)
class NoSpeech(VideoError):
    """Sound, but nobody speaks."""


@dataclass(eq=False)
class NoCaptions(VideoError):
    """No caption track that serves."""


# What went wrong around it: YouTube


@dataclass(eq=False)
class BotCheck(BackendError):
    """YouTube wants proof that we are no bot."""


@dataclass(eq=False)
class RateLimited(BackendError):
    """YouTube asks for a pause."""


@dataclass(eq=False)
class YouTubeUnreachable(BackendError):
    """No connection."""


@dataclass(eq=False)
class YouTubeChanged(BackendError):
    """YouTube answers in a way yt-dlp does not understand; usually an update helps."""

    detail: str = ""


@dataclass(eq=False)
class DownloadFailed(BackendError):
    """The audio was refused, cut short or never came."""

    detail: str = ""


@dataclass(eq=False)
class CaptionsBlocked(BackendError):
    """There are captions, but YouTube does not hand them out."""


# What went wrong around it: this machine


@dataclass(eq=False)
class WorkerFailed(BackendError):
    """A child process broke. `role`: fetch, speech or index."""

    role: str
    detail: str = ""


@dataclass(eq=False)
class WorkerOutOfMemory(WorkerFailed):
    """A child process asked for more memory than there is for it."""


@dataclass(eq=False)
class WorkerTimeout(BackendError):
    """A child process took too long. `seconds`: how long we waited."""

    role: str
    seconds: int


@dataclass(eq=False)
class JobFailed(BackendError):
    """A job broke in a way nobody foresaw, or broke the whole program too often."""

    detail: str = ""


@dataclass(eq=False)
class SpeechDeviceFailed(BackendError):
    """The graphics card, or what drives it, broke off hearing."""

    detail: str = ""


@dataclass(eq=False)
class SpeechModelMissing(ConfigError):
    """The speech model is not here and cannot be fetched."""

    model: str


@dataclass(eq=False)
class EmbedderMissing(ConfigError):
    """The embedding model is not here and cannot be fetched."""

    model: str


@dataclass(eq=False)
class IndexBroken(BackendError):
    """A channel's cache cannot be read; it will be rebuilt."""

    detail: str = ""


@dataclass(eq=False)
class StoreBroken(BackendError):
    """The store refused to read or write. `copy`: the day of the newest copy of it, if told."""

    detail: str = ""
    copy: str = ""


@dataclass(eq=False)
class StoreInUse(BackendError):
    """Another process has open what is to be replaced."""


@dataclass(eq=False)
class DiskFull(BackendError):
    """No space left."""


# What went wrong around it: the language model


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
    """Ollama is there, the model is not pulled."""

    model: str


@dataclass(eq=False)
class ModelBusy(BackendError):
    """Ollama's queue is full."""


@dataclass(eq=False)
class ModelFailed(BackendError):
    """Ollama reported an error."""

    detail: str = ""


@dataclass(eq=False)
class ModelStalled(BackendError):
    """The model stopped talking, or never started. `seconds`: how long we waited."""

    seconds: int


@dataclass(eq=False)
class PromptTooLong(BackendError):
    """The model refused the prompt's length, or would have cut it. Split and go on."""

    tokens: int
    num_ctx: int


@dataclass(eq=False)
class BadModelOutput(BackendError):
    """Twice not the JSON we asked for."""

    detail: str = ""


# What the operator set


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
    """The database does not open."""

    detail: str = ""
