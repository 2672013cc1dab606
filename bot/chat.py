"""The port to a chat platform: its calls, its values and its errors.

A place is where messages go: a channel, a thread, a topic or a private chat. Its id is written in
the platform's notation; only that platform's adapter parses it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core.export.document import Style


class ChatStyle(Style, Protocol):
    """Formats a message. What its parts are given is untrusted: no link and no mention in it can be
    pressed."""

    def ours(self, text: str) -> str:
        """Escape a text of the program itself; the commands in it can be pressed."""

    def unlinked(self, text: str) -> str:
        """Return the text, not escaped, with whatever the platform makes a link of broken."""


@dataclass(frozen=True, slots=True)
class Button:
    """A button of a message. A press returns only `id`; the store knows what it stands for."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class File:
    """A transcript or an export, attached to a message."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a person sent. `Chat.download` fetches it. `size`: bytes, 0 if unknown."""

    id: str
    name: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class Card:
    """A link preview with the video's thumbnail. `is_wide`: a large picture, where the message
    presents the video itself; a small one where the message only reports on it."""

    title: str
    url: str
    thumbnail_url: str = ""
    is_wide: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """The content of one message, in the platform's markup and within its limits. `reply_to`: the
    id of the message that it answers, for platforms that show it.

    The outbox stores drafts as JSON: keep the field names, give new fields a default."""

    blocks: tuple[str, ...]
    buttons: tuple[Button, ...] = ()
    file: File | None = None
    card: Card | None = None
    reply_to: str = ""

    @property
    def text(self) -> str:
        """The blocks, separated by empty lines."""
        return "\n\n".join(self.blocks)


@dataclass(frozen=True, slots=True)
class Person:
    """The author of an event. `is_moderator`: may manage messages at the event's place, according
    to the platform at the time of the event. `language`: a code, "" if the platform gives none."""

    id: str
    name: str
    is_moderator: bool = False
    language: str = ""


@dataclass(frozen=True, slots=True)
class Where:
    """Where an event happened. `place`: where to reply. `channel`: whose library it concerns; a
    thread uses its parent's. `server`: the server of the channel, "" in private chats."""

    place: str
    channel: str
    server: str = ""
    is_thread: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """A person wrote a message. `is_to_bot`: in private, with a mention, or as a reply to the bot.
    `reply_to`: the id of the message that it answers. `opens_thread`: it is the first message of
    its thread, such as a forum post."""

    where: Where
    id: str
    author: Person
    text: str
    is_to_bot: bool = False
    reply_to: str = ""
    opens_thread: bool = False
    file: Upload | None = None


@dataclass(frozen=True, slots=True)
class Press:
    """A person pressed a button. The message may be weeks old. `id`: the event's."""

    where: Where
    id: str
    message_id: str
    author: Person
    button_id: str


@dataclass(frozen=True, slots=True)
class Command:
    """A person used a command. `id`: the event's. `message_id`, `text`, `file`: those of the
    message that a context-menu command was used on."""

    where: Where
    id: str
    author: Person
    name: str
    options: Mapping[str, str]
    message_id: str = ""
    text: str = ""
    file: Upload | None = None


Event = Message | Press | Command
"""Each has a place, an author, and an id that stays the same when the event is delivered again."""


class Chat(Protocol):
    """A platform. Every call returns or raises within a minute, and raises only ChatError.

    `key` parameters are idempotency keys of at most 25 characters: sending the same thing again
    uses the same key. `deduplicates`: the platform shows a message once if its key was used within
    the last minutes. The repeated call may then return a message with the text of the first call.
    """

    name: str
    deduplicates: bool
    localised_commands: bool
    """Commands have a name in each language (`commands.*.name` of the locale), not only English."""
    edit_interval_s: float
    """Minimum time between two edits of one message."""
    text_limit: int
    """Maximum `length` of a message's text."""
    card_limit: int
    """Maximum `length` of the text of a message with a card."""

    @property
    def style(self) -> ChatStyle:
        """The platform's markup."""

    def length(self, text: str) -> int:
        """Length of a text in `style`, as the platform counts it."""

    async def post(self, place: str, draft: Draft, key: str) -> str:
        """Post a message and return its id."""

    async def edit(self, place: str, message_id: str, draft: Draft) -> None:
        """Replace a message's whole content. Not an error if it already shows the draft."""

    async def open_thread(self, place: str, message_id: str, title: str, key: str) -> str:
        """Open a thread on the message, or a standalone one if `message_id` is "". Return its
        place. A platform without threads returns its closest equivalent."""

    async def rename_thread(self, thread: str, title: str) -> None:
        """Rename a thread. Does nothing where the platform cannot."""

    def message_url(self, where: Where, message_id: str) -> str:
        """The address that opens a posted message, "" where the platform has none."""

    async def show_typing(self, place: str) -> None:
        """Show for a few seconds that the bot is writing."""

    async def preview(self, place: str, draft: Draft, key: str) -> bool:
        """Show unfinished text for some seconds without posting a message. Return False where the
        platform cannot, or not now. Raises nothing."""

    async def download(self, upload: Upload, target: Path) -> None:
        """Write the uploaded file to `target`."""


class Receiver(Protocol):
    """Takes a platform's events. Each call returns soon; long work continues in the background and
    replies through the outbox. Events may arrive twice, and several at once."""

    async def message(self, message: Message) -> None: ...

    async def press(self, press: Press) -> Draft | None:
        """Return a reply that only the author sees, if any."""

    async def command(self, command: Command) -> Draft | None:
        """Return a reply that only the author sees, if any."""

    async def suggest(self, command: Command, option: str, typed: str) -> Sequence[tuple[str, str]]:
        """Autocomplete an option that somebody is typing. Return (label, value) pairs."""

    async def place_gone(self, place: str) -> None:
        """A channel or a thread was deleted with all its messages."""

    async def removed(self, server: str, places: Sequence[str]) -> None:
        """The bot was removed from a server, a group or a private chat. `places`: its channels, as
        far as they are known."""

    async def joined(self, server: str) -> None:
        """The bot was added, perhaps again."""

    async def is_in(self, servers: Collection[str]) -> None:
        """The bot is in these servers and in no others. Called where the platform tells all."""


class ChatError(Exception):
    """A platform did not do what was asked. `str(error)` is for logs, never for people.

    ChatError
    ├── Busy          not now: try again
    ├── Refused       this draft is not accepted
    ├── MessageGone   the message was deleted
    ├── TooOld        the message can no longer be edited; a new one may be posted
    └── PlaceClosed   the bot may not write here
    """


class Busy(ChatError):
    """Rate limited, unreachable or failing temporarily. The call may have taken effect.
    `retry_after_s`: the delay that the platform asks for, if any. `edits_only`: new messages are
    still accepted."""

    def __init__(self, retry_after_s: float | None = None, *, edits_only: bool = False) -> None:
        super().__init__(retry_after_s)
        self.retry_after_s = retry_after_s
        self.edits_only = edits_only


class Refused(ChatError):
    """The platform will never accept this draft: too long, malformed, or against server rules."""


class MessageGone(ChatError):
    """The message was deleted."""


class TooOld(ChatError):
    """The message can no longer be edited (Discord's error 30046 after an hour)."""


class PlaceClosed(ChatError):
    """The place was deleted, or the bot was blocked, removed or lost the permission to write."""
