"""What the store keeps about the chat platforms: requests, bindings, buttons, settings, quotas, and
the messages on their way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    show the question under, where nobody else has seen it; else "". `link_request`: the id of the
    WatchRequest for the link that the question stands beside: it is answered after the summary.
    `is_in_thread`: asked in a thread, so that the link opens none."""

    id: str
    origin: RequestOrigin
    question: str
    video_id: str
    thread: str
    message_id: str
    asker: str = ""
    link_request: str = ""
    is_in_thread: bool = False
    done: bool = False


@dataclass(frozen=True, slots=True)
class SummaryRequest:
    """A summary that was made without the language model, to be made again once that is back.

    `id`: also the owner of the messages that show it. `place`: where they are. `key`, `file`,
    `language`: of the `Order`. `reply_to`: of the first message. `since_s`: Unix time."""

    id: str
    origin: RequestOrigin
    video_id: str
    place: str
    key: str
    file: str
    language: str
    since_s: float
    reply_to: str = ""
    done: bool = False


Request = WatchRequest | AskRequest | SummaryRequest


@dataclass(frozen=True, slots=True)
class PlaceBinding:
    """What a place, or the replies to one message, is about: questions there are about this video.

    `video_id`: "" for all videos of the channel. `thread`: the conversation's name."""

    channel: str
    video_id: str
    thread: str


@dataclass(frozen=True, slots=True)
class StoredButton:
    """What a button does: an `action` such as "ask", with the question as `text`."""

    id: str
    channel: str
    video_id: str
    action: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """The settings of a server or a channel. None: the wider scope's setting applies.

    The store keeps them as JSON: keep the field names."""

    links: bool | None = None
    """Whether pasted links are summarised without a command."""
    mention_only: bool | None = None
    """Whether only messages addressed to the bot are questions."""
    language: str | None = None
    watch: str | None = None
    """Who may: "everyone" or "moderators". The same for `ask` and `forget`."""
    ask: str | None = None
    forget: str | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """How often `scope` may use `kind` ("videos" or "questions") per day: `most` times."""

    scope: str
    kind: str
    most: int


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One message in the outbox: its wanted content, and what the platform is known to show.

    `key`: identifies the message; adding it again changes nothing. `draft`: the serialised content,
    "" once it is over and was stored.
    `revision`: counts the changes of the draft; `shown`: the revision that the platform shows.
    `target`: the platform's id of the message, once posted. `attempt`: counts the messages posted
    for it, since old ones can no longer be edited. `number`: its position in the order of adding.
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
        """The platform does not show the newest revision."""
        return self.shown != self.revision

    @property
    def over(self) -> bool:
        """Finished, and nothing is left to send."""
        return self.finished and not self.pending

    @property
    def stored(self) -> OutboxEntry:
        """What the store keeps of it: no words once the platform shows them for good."""
        return replace(self, draft="") if self.over else self
