"""The platform's state that the twin lacks: times, permissions, interactions.

The twin is authoritative for guilds, channels, threads, members and the current text of messages.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from discord import Permissions

from tests.counterparts.discord.error_codes import Refusal
from tests.counterparts.discord.twin import Twin

TEXT, DM, FORUM, PUBLIC_THREAD = 0, 1, 15, 11
THREADS = (10, 11, 12)
EPOCH_MS = 1420070400000
EVERYONE = Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    create_public_threads=True,
    embed_links=True,
    attach_files=True,
    read_message_history=True,
    add_reactions=True,
    use_application_commands=True,
)
"""Default permissions of a new guild, as far as a bot can tell; mentioning everyone is not among
them."""


@dataclass(frozen=True)
class Version:
    """A message's content from a point in time on."""

    at: float
    content: str
    embeds: list[dict[str, Any]]
    components: list[dict[str, Any]]
    attachments: list[dict[str, Any]]


@dataclass
class Post:
    """The part of a message that the twin drops."""

    id: str
    channel_id: str
    author_id: str
    at: float
    nonce: str | int | None = None
    kind: int = 0
    flags: int = 0
    is_gone: bool = False
    attachments: list[dict[str, Any]] = field(default_factory=list)
    reference: dict[str, Any] | None = None
    interaction: Interaction | None = None
    versions: list[Version] = field(default_factory=list)

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & 64)


@dataclass
class Interaction:
    """A component interaction or a command, and its responses."""

    id: str
    token: str
    kind: int
    user_id: str
    channel_id: str
    at: float
    data: dict[str, Any]
    message_id: str | None = None
    acked: int | None = None
    """The type of the first response: 4 message, 5 thinking, 6 deferred update, 7 update, 8
    choices."""
    acked_at: float = 0.0
    ephemeral: bool = False
    thinking: bool = False
    """Whether "… is thinking" is still shown."""
    original_id: str | None = None
    replies: list[str] = field(default_factory=list)
    choices: list[dict[str, Any]] = field(default_factory=list)
    modal: dict[str, Any] | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Ping:
    """A ping sent, or one that an edit would send. `target`: an id, or "everyone"."""

    message_id: str
    channel_id: str
    kind: Literal["user", "role", "everyone", "reply"]
    target: str
    by: Literal["send", "edit"]


@dataclass
class Overwrite:
    """Permission overwrite of a role (0) or a member (1) in one channel."""

    kind: int
    allow: int = 0
    deny: int = 0


@dataclass
class World:
    twin: Twin
    message_content: bool = True
    """Whether the application may request the message content intent."""
    max_active_threads: int = 1000
    ahead_s: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the twin is queried and its answer completed, so that its events find both."""
    posts: dict[str, Post] = field(default_factory=dict)
    nonces: dict[str, str] = field(default_factory=dict)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    pins: dict[str, list[str]] = field(default_factory=dict)
    overwrites: dict[str, dict[str, Overwrite]] = field(default_factory=dict)
    roles: dict[str, dict[str, int]] = field(default_factory=dict)
    """Guild → role → permissions."""
    member_roles: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """(guild, user) → roles."""
    owners: dict[str, str] = field(default_factory=dict)
    locales: dict[str, str] = field(default_factory=dict)
    recipients: dict[str, str] = field(default_factory=dict)
    """Direct-message channel → its person."""
    tags: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    commands: dict[str | None, list[dict[str, Any]]] = field(default_factory=dict)
    """Guild, or None for global → registered commands."""
    interactions: dict[str, Interaction] = field(default_factory=dict)
    """Token → interaction."""
    renamed: dict[str, str] = field(default_factory=dict)
    """The twin's id of a thread → the id of the message it belongs to, as the platform uses it."""
    silenced: set[str] = field(default_factory=set)
    """Channels deleted with their parent; their twin events are suppressed."""
    pings: list[Ping] = field(default_factory=list)
    typing: list[tuple[str, float]] = field(default_factory=list)
    """(channel, time) of each typing indicator."""
    cdn: str = ""
    """Base address of files."""
    _numbers: Iterator[int] = field(default_factory=count)

    @property
    def bot_id(self) -> str:
        return self.twin.bot_id

    def now(self) -> float:
        return time.time() + self.ahead_s

    def snowflake(self) -> str:
        """A new id; the twin's own ids carry another worker number."""
        since = round(self.now() * 1000) - EPOCH_MS
        return str(since << 22 | 1 << 17 | next(self._numbers) & 0xFFF)

    async def advance(self, seconds: float) -> None:
        """Advance the platform's clock, and archive inactive threads."""
        self.ahead_s += seconds
        await self.twin.do("ahead", ms=round(self.ahead_s * 1000))
        threads = {"type": {"in": list(THREADS)}, "archived": False}
        for thread in await self.twin.rows("channel", "findMany", where=threads):
            ids = [post.id for post in self.posts.values() if post.channel_id == thread["id"]]
            quiet_since = max(map(moment, [*ids, thread["id"]]))
            if self.now() - quiet_since > 60 * thread["autoArchiveDuration"]:
                await self.twin.rest("PATCH", f"/channels/{thread['id']}", {"archived": True})

    async def channel(self, channel_id: str) -> dict[str, Any]:
        """The channel as the twin has it. Raises Refusal."""
        status, channel = await self.twin.rest("GET", f"/channels/{channel_id}")
        if status != 200:
            raise Refusal(10003)
        return dict(channel)

    async def user(self, user_id: str) -> dict[str, Any] | None:
        status, user = await self.twin.rest("GET", f"/users/{user_id}")
        return dict(user) if status == 200 else None

    def complete_channel(self, channel: dict[str, Any]) -> dict[str, Any]:
        """The channel as the platform shows it."""
        shown = {**channel, "id": self.renamed.get(channel["id"], channel["id"])}
        shown["flags"] = shown.get("flags", 0)
        if shown["type"] in THREADS:
            shown["thread_metadata"] = {**shown["thread_metadata"], "invitable": True}
            shown["applied_tags"] = []
            return shown
        if shown["type"] == DM:
            return shown
        shown["permission_overwrites"] = [
            {"id": id, "type": of.kind, "allow": str(of.allow), "deny": str(of.deny)}
            for id, of in self.overwrites.get(shown["id"], {}).items()
        ]
        shown |= {"nsfw": False, "topic": shown.get("topic"), "parent_id": shown.get("parent_id")}
        if shown["type"] == FORUM:
            shown["available_tags"] = self.tags.get(shown["id"], [])
        return shown

    def permissions(self, user_id: str, channel: dict[str, Any]) -> Permissions:
        """A member's permissions in a channel, computed by the rules of Discord's documentation; a
        thread has its parent's."""
        guild_id = channel.get("guild_id")
        if guild_id is None:
            return Permissions.all()
        mine = [guild_id, *self.member_roles.get((guild_id, user_id), [])]
        granted = Permissions.none()
        for role in mine:
            granted |= Permissions(self.roles[guild_id][role])
        if self.owners[guild_id] == user_id or granted.administrator:
            return Permissions.all()
        place = channel["parent_id"] if channel["type"] in THREADS else channel["id"]
        return self._overwritten(granted, self.overwrites.get(place, {}), guild_id, mine, user_id)

    @staticmethod
    def _overwritten(
        granted: Permissions,
        overwrites: dict[str, Overwrite],
        guild_id: str,
        roles: list[str],
        user_id: str,
    ) -> Permissions:
        value = granted.value
        layers = [[guild_id], [role for role in roles if role != guild_id], [user_id]]
        for layer in layers:
            there = [overwrites[one] for one in layer if one in overwrites]
            for of in there:
                value &= ~of.deny
            for of in there:
                value |= of.allow
        seen = Permissions(value)
        return seen if seen.view_channel else Permissions.none()

    def require(self, channel: dict[str, Any], *names: str) -> None:
        """Raise Refusal unless the bot has these permissions."""
        mine = self.permissions(self.bot_id, channel)
        if not mine.view_channel:
            raise Refusal(50001)
        if not all(getattr(mine, name) for name in names):
            raise Refusal(50013)

    async def give_role(self, guild_id: str, name: str, permissions: int, *users: str) -> str:
        body = {"name": name, "permissions": str(permissions)}
        _, role = await self.twin.rest("POST", f"/guilds/{guild_id}/roles", body)
        self.roles[guild_id][role["id"]] = permissions
        for user in users:
            mine = self.member_roles.setdefault((guild_id, user), [])
            mine.append(role["id"])
            where = {"guildId_userId": {"guildId": guild_id, "userId": user}}
            data = {"roles": json.dumps(mine)}
            await self.twin.rows("guildMember", "update", where=where, data=data)
        return str(role["id"])


def moment(snowflake: str) -> float:
    """The snowflake's creation time, in seconds since 1970."""
    return ((int(snowflake) >> 22) + EPOCH_MS) / 1000
