"""This file names what a chat platform does for us, in our words: the port, its values, and what
it may refuse.

A place is where messages go: a channel, a thread, a topic, a private chat. It is written in its
platform's notation, which nobody else reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core.export.document import Style


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
class Upload:
    """A file that a person sent: `Chat.download` fetches it. `size`: in bytes, 0 if unknown."""

    id: str
    name: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class Card:
    """What a message is about, shown as the platform shows a link: with its picture, which is wide
    where the message brings the video itself and small where it tells of it."""

    title: str
    url: str
    thumbnail_url: str = ""
    is_wide: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """One message as it shall look: in the platform's markup and within its limits. `reply_to`: the
    id of the message that it answers, for platforms that show it."""

    blocks: tuple[str, ...]
    buttons: tuple[Button, ...] = ()
    file: File | None = None
    card: Card | None = None
    reply_to: str = ""

    @property
    def text(self) -> str:
        """The blocks with an empty line between them."""
        return "\n\n".join(self.blocks)


@dataclass(frozen=True, slots=True)
class Person:
    """Who did something. `is_moderator`: may manage messages where it was done, as the platform
    has it now. `language`: a code, as far as the platform tells."""

    id: str
    name: str
    is_moderator: bool = False
    language: str = ""


@dataclass(frozen=True, slots=True)
class Where:
    """Where something was done. `place`: where an answer belongs. `channel`: whose library it is
    about; a thread's is its parent's. `server`: what the channel belongs to, or ""."""

    place: str
    channel: str
    server: str = ""
    is_thread: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """What a person wrote. `to_us`: in private, by a mention, or as a reply to us. `opens`: its
    thread was opened with it, as a forum's post is."""

    where: Where
    id: str
    author: Person
    text: str
    to_us: bool = False
    reply_to: str = ""
    opens: bool = False
    file: Upload | None = None


@dataclass(frozen=True, slots=True)
class Press:
    """A person pressed a button of a message that may be weeks old. `id`: the event's."""

    where: Where
    id: str
    message_id: str
    author: Person
    button_id: str


@dataclass(frozen=True, slots=True)
class Command:
    """A person gave a command. `id`: the event's. `message_id`, `text`, `file`: of the message that
    it is about, if it was given on one."""

    where: Where
    id: str
    author: Person
    name: str
    options: Mapping[str, str]
    message_id: str = ""
    text: str = ""
    file: Upload | None = None


Event = Message | Press | Command
"""Each has a place, a person, and an id by which it is known when it comes again."""


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
    text_limit: int
    """The longest text of a message, in the platform's way of counting (`length`)."""
    card_limit: int
    """The same for a message with a card."""

    @property
    def style(self) -> Style:
        """Its markup."""

    def length(self, text: str) -> int:
        """How much of a limit the text takes, written in `style`."""

    async def post(self, place: str, draft: Draft, key: str) -> str:
        """The new message's id."""

    async def edit(self, place: str, message_id: str, draft: Draft) -> None:
        """It shows the draft and nothing else. Showing it already is no error."""

    async def open_thread(self, place: str, message_id: str, title: str, key: str) -> str:
        """The place of a conversation that hangs on the message, or, with "", stands alone. Where
        a platform has no threads: a place as near to one as it gets."""

    async def rename_thread(self, thread: str, title: str) -> None:
        """Does nothing where that cannot be."""

    async def show_typing(self, place: str) -> None:
        """For a few seconds people see that an answer is being written."""

    async def sketch(self, place: str, draft: Draft, key: str) -> bool:
        """Shows for some seconds what is being written, without a message. False where that cannot
        be, or not now; raises nothing."""

    async def download(self, upload: Upload, target: Path) -> None:
        """Writes the file to `target`."""


class Receiver(Protocol):
    """What hears people: our side of a platform. Each call comes back soon, and what takes long
    goes on by itself and speaks through the outbox. Events may come twice, and several at once."""

    async def message(self, message: Message) -> None: ...

    async def press(self, press: Press) -> Draft | None:
        """What only the person shall see, if anything; so for `command`."""

    async def command(self, command: Command) -> Draft | None: ...

    async def suggest(self, command: Command, option: str, typed: str) -> Sequence[tuple[str, str]]:
        """While somebody types an option of a command: (label, value) of what it may become."""

    async def place_gone(self, place: str) -> None:
        """A channel or a thread was deleted, with all that was said there."""


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
    `retry_after_s`: what the platform asks for, if it does. `edits_only`: until then it takes new
    messages."""

    def __init__(self, retry_after_s: float | None = None, *, edits_only: bool = False) -> None:
        super().__init__(retry_after_s)
        self.retry_after_s = retry_after_s
        self.edits_only = edits_only


class Refused(ChatError):
    """The platform will never take this draft: too long, malformed, against a server's rules."""


class MessageGone(ChatError):
    """Deleted."""


class TooOld(ChatError):
    """It cannot be edited any more (Discord's 30046 after an hour)."""


class PlaceClosed(ChatError):
    """Deleted, or we may not write there: blocked, removed, without the right to."""
