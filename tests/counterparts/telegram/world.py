"""The platform's state: people, chats, messages, files, time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.counterparts.telegram.html import Entity
from tests.counterparts.telegram.keyboards import Keyboard

TOKEN = "123456789:AAF-of-the-tests-and-of-nobody-else"
BOT = int(TOKEN.partition(":")[0])
BOT_NAME = "tubethread_bot"
TELEGRAM, ANONYMOUS = 777000, 1087968824
"""The user that forwards a channel's posts to its discussion group; the user that stands for
anonymous administrators."""
DRAFT_S = 30.0
PRESENT = ("creator", "administrator", "member", "restricted")


@dataclass
class User:
    id: int
    name: str
    username: str = ""
    language: str = ""
    is_bot: bool = False


@dataclass
class Member:
    """A member of a chat. `status`: Telegram's term. `rights`: those of an administrator, or the
    remaining ones of a restricted member."""

    status: str = "member"
    rights: set[str] = field(default_factory=set)

    @property
    def is_here(self) -> bool:
        return self.status in PRESENT

    def may(self, right: str) -> bool:
        return self.status == "creator" or (self.status == "administrator" and right in self.rights)


@dataclass
class Topic:
    id: int
    name: str
    creator: int
    is_closed: bool = False
    icon_color: int = 0x6FB9F0


@dataclass(frozen=True)
class Media:
    """A message's media. `kind`: document, photo, audio, voice, video, video_note. `source`:
    "file", "url" or "id"."""

    kind: str
    file_id: str
    source: str
    url: str = ""


@dataclass
class Stored:
    id: str
    name: str
    content: bytes
    size: int
    mime: str
    kind: str
    duration: int = 0
    path_until: float = 0.0


@dataclass(frozen=True)
class Version:
    """A message's content from `at` on."""

    at: float
    text: str
    entities: list[Entity]
    keyboard: Keyboard
    media: Media | None = None
    preview: dict[str, Any] = field(default_factory=dict)
    """The link_preview_options."""


@dataclass
class Post:
    """A message. `author` 0: not a user, only `sender_chat`. `thread`: the topic; elsewhere in a
    supergroup, the first message of the chain of replies. `is_ours`: sent by the bot. `meant`:
    visible to a bot in privacy mode."""

    chat: int
    id: int
    author: int
    at: float
    versions: list[Version]
    reply_to: int = 0
    thread: int = 0
    is_topic: bool = False
    sender_chat: int = 0
    service: dict[str, Any] = field(default_factory=dict)
    origin: dict[str, Any] = field(default_factory=dict)
    meant: bool = False

    @property
    def now(self) -> Version:
        return self.versions[-1]

    @property
    def is_ours(self) -> bool:
        return self.author == BOT


@dataclass
class Chat:
    """A chat. `kind`: Telegram's term. `bot_reads_all`: the bot's privacy mode was off when it
    joined. `linked`: a channel's discussion group, and vice versa. `spoke`: the last bot that
    wrote. `met`: whether a private chat was ever opened."""

    id: int
    kind: str
    title: str
    members: dict[int, Member] = field(default_factory=dict)
    posts: dict[int, Post] = field(default_factory=dict)
    topics: dict[int, Topic] = field(default_factory=dict)
    is_forum: bool = False
    linked: int = 0
    migrated_to: int = 0
    bot_reads_all: bool = False
    spoke: int = 0
    met: bool = True
    is_blocked: bool = False
    is_deleted: bool = False
    last_id: int = 0

    @property
    def bot(self) -> Member:
        return self.members.get(BOT, Member("left"))


@dataclass
class Draft:
    id: int
    text: str
    entities: list[Entity]
    at: float


@dataclass
class Press:
    """A pressed button. `answer`: the arguments of answerCallbackQuery, once it is called."""

    id: str
    chat: int
    message: int
    user: int
    data: str
    at: float
    answer: dict[str, Any] = field(default_factory=dict)
    answered: asyncio.Event = field(default_factory=asyncio.Event, repr=False)


@dataclass
class World:
    tell: Callable[[str, dict[str, Any]], None]
    """Send the bot an update: kind and content."""
    users: dict[int, User] = field(default_factory=dict)
    chats: dict[int, Chat] = field(default_factory=dict)
    files: dict[str, Stored] = field(default_factory=dict)
    presses: dict[str, Press] = field(default_factory=dict)
    drafts: dict[int, list[Draft]] = field(default_factory=dict)
    """Every draft that a private chat has shown, oldest first; the last may still be visible."""
    actions: list[tuple[float, int, int, str]] = field(default_factory=list)
    """(time, chat, topic, action)"""
    commands: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    """Scope and language → commands."""
    texts: dict[tuple[str, str], str] = field(default_factory=dict)
    """(what, language) → text set by setMyDescription and the like."""
    privacy: bool = True
    ahead_s: float = 0.0
    _last: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.users[BOT] = User(BOT, "Tubethread", BOT_NAME, is_bot=True)
        self.users[TELEGRAM] = User(TELEGRAM, "Telegram")
        anonymous = User(ANONYMOUS, "Group", "GroupAnonymousBot", is_bot=True)
        self.users[ANONYMOUS] = anonymous

    def now(self) -> float:
        return time.time() + self.ahead_s

    async def advance(self, seconds: float) -> None:
        """Advance the platform's clock."""
        self.ahead_s += seconds

    def next(self, what: str, first: int = 1) -> int:
        """The next id."""
        self._last[what] = self._last.get(what, first - 1) + 1
        return self._last[what]

    def next_message(self, chat: Chat) -> int:
        """The next message id. Supergroups and channels have counters of their own; all other chats
        of a bot share one."""
        if chat.kind in ("supergroup", "channel"):
            chat.last_id += 1
            return chat.last_id
        return self.next("message", 101)

    def store(self, name: str, content: bytes, kind: str, mime: str = "", size: int = 0) -> Stored:
        number = self.next("file")
        id = f"BQACAgIAAxkB{number:06}AAtests"
        made = Stored(id, name, content, size or len(content), mime, kind)
        self.files[id] = made
        return made
