"""This file holds what is remembered of people on the chat platforms: what they asked for, where,
by which buttons, what they have set and used, and what they see of us. Frozen and plain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class RequestOrigin:
    """Who made a request, and where. `place`: where the reply belongs. `language`: of the reply."""

    platform: str
    place: str
    channel: str
    server: str
    person: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """A video to summarise in a chat: a link, or a file that somebody sent.

    `id`: the platform and its event, so that an event delivered twice is one request.
    `video_id`: "" for a file until it is downloaded. `message_id`: the message that the new thread
    hangs on. `thread`: the thread in which it was requested, if any. `job_id`: set once the job is
    submitted. `file_id`, `file_name`: of the file, on its platform."""

    id: str
    origin: RequestOrigin
    video_id: str = ""
    message_id: str = ""
    thread: str = ""
    job_id: str = ""
    file_id: str = ""
    file_name: str = ""
    done: bool = False


@dataclass(frozen=True, slots=True)
class AskRequest:
    """A question asked in a chat.

    `id`: as in WatchRequest. `video_id`: the video in question, "" for all videos of the channel.
    `thread`: the conversation's name. `message_id`: the message to reply to. `asker`: the name to
    show the question under, where nobody else has seen it; else ""."""

    id: str
    origin: RequestOrigin
    question: str
    video_id: str
    thread: str
    message_id: str
    asker: str = ""
    done: bool = False


Request = WatchRequest | AskRequest


@dataclass(frozen=True, slots=True)
class PlaceBinding:
    """A place, or one message in it, that is about a video: what people say there is asked of it.
    `thread`: the conversation's name."""

    channel: str
    video_id: str
    thread: str


@dataclass(frozen=True, slots=True)
class StoredButton:
    """What a button stands for: `action` such as "ask", with the question as `text`."""

    id: str
    channel: str
    video_id: str
    action: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """What a server or a channel has set; None: as the wider one has it."""

    links: bool | None = None
    """Whether a pasted link is watched by itself."""
    mention_only: bool | None = None
    """Whether only what is said to us is a question."""
    language: str | None = None
    watch: str | None = None
    """Who may: "everyone" or "moderators". So for `ask` and `forget`."""
    ask: str | None = None
    forget: str | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """How often `scope` may do `kind` a day."""

    scope: str
    kind: str
    most: int


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One message that people shall see: how it shall look, and what is known to be seen of it.

    `key` names it for good: whoever asks for it again gets the same. `draft` is in the words of
    whoever sends it, `revision` counts its changes, `shown` is the one that the platform has.
    `target`: the platform's id, once there is one. `attempt` counts the messages that were posted
    for it, as an old one may not be edited any more. `number`: its place in the order.
    """

    platform: str
    key: str
    place: str
    draft: str
    kind: Literal["message", "thread"] = "message"
    owner: str = ""
    parent: str = ""
    """The message that a thread hangs on."""
    target: str = ""
    attempt: int = 0
    revision: int = 1
    shown: int = 0
    finished: bool = True
    number: int = 0

    @property
    def pending(self) -> bool:
        """The platform does not show it as it shall look."""
        return self.shown != self.revision

    @property
    def over(self) -> bool:
        """Nothing will happen to it any more."""
        return self.finished and not self.pending
