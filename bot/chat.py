"""This file names what a chat platform does for us, in our words: the port, its values, and what
it may refuse.

A place is where messages go: a channel, a thread, a topic, a private chat. It is written in its
platform's notation, which nobody else reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Button:
    """`id` is all that comes back when it is pressed: what it stands for lives in the store."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class File:
    """A transcript or an export, to be saved by whoever wants it."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Draft:
    """One message as it shall look: in the platform's markup and within its limits."""

    blocks: tuple[str, ...]
    buttons: tuple[Button, ...] = ()
    file: File | None = None

    @property
    def text(self) -> str:
        """The blocks with an empty line between them."""
        return "\n\n".join(self.blocks)


@dataclass(frozen=True, slots=True)
class Message:
    """What a person wrote."""

    place: str
    id: str
    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Press:
    """A person pressed a button, of a message that may be weeks old."""

    place: str
    message_id: str
    author: str
    button_id: str


class Chat(Protocol):
    """A platform. Every call returns or raises within a minute, and raises only ChatError.

    `key`: at most 25 characters, the same whenever the same thing is sent again. `keyed`: the
    platform takes a key that it saw minutes ago for the same message, and shows it once. What it
    then returns may show the text of the first time.
    """

    name: str
    keyed: bool
    edit_interval_s: float
    """The least time between two edits of one message."""

    async def post(self, place: str, draft: Draft, key: str) -> str:
        """The new message's id."""

    async def edit(self, place: str, message_id: str, draft: Draft) -> None:
        """It shows the draft and nothing else. Showing it already is no error."""

    async def open_thread(self, place: str, message_id: str, title: str, key: str) -> str:
        """The place of a conversation that hangs on the message, or, with "", stands alone. Where
        a platform has no threads: a place as near to one as it gets."""


class ChatError(Exception):
    """What a platform does not do. Nobody is told in these words; `str(error)` is for logs.

    ChatError
    ├── Busy          not now
    ├── Refused       not this
    ├── MessageGone   not this message: somebody deleted it
    ├── TooOld        not this message any more: a new one may still be posted
    └── PlaceClosed   not here
    """


class Busy(ChatError):
    """Rate limited, unreachable, or broken for the moment: nobody knows whether it was done.
    `retry_after_s`: what the platform asks for, if it does."""

    def __init__(self, retry_after_s: float | None = None) -> None:
        super().__init__(retry_after_s)
        self.retry_after_s = retry_after_s


class Refused(ChatError):
    """The platform will never take this draft: too long, malformed, against a server's rules."""


class MessageGone(ChatError):
    """Deleted."""


class TooOld(ChatError):
    """It cannot be edited any more (Discord's 30046 after an hour)."""


class PlaceClosed(ChatError):
    """Deleted, or we may not write there: blocked, removed, without the right to."""
