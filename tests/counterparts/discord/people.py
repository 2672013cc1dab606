"""Act as the people who are not the bot: write, press, give commands, delete, and read.

What a person cannot do in Discord's client (press a missing button, write without permission)
raises CannotDo.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from discord import Permissions

from tests.counterparts.discord import client_actions as pressing
from tests.counterparts.discord import directory, interactions, limits, messages, threads
from tests.counterparts.discord import message_view as showing
from tests.counterparts.discord.client_actions import CannotDo
from tests.counterparts.discord.gateway import Gateway
from tests.counterparts.discord.world import (
    EVERYONE,
    FORUM,
    TEXT,
    THREADS,
    Interaction,
    Overwrite,
    Post,
    Version,
    World,
    moment,
)

__all__ = ["CannotDo", "People", "Seen", "SeenThread"]
KINDS = {"text": TEXT, "forum": FORUM}


@dataclass(frozen=True)
class Seen:
    """A message as the platform shows it now. `buttons`: custom_id → label. `versions`: every
    content it has had with its time, oldest first. `kind`: 0 or 19 for a person's message."""

    id: str
    author: str
    text: str
    embeds: list[dict[str, Any]]
    buttons: dict[str, str]
    files: dict[str, bytes]
    ephemeral: bool
    kind: int
    reply_to: str | None
    versions: list[Version]
    raw: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class SeenThread:
    id: str
    name: str
    parent: str
    archived: bool
    locked: bool


class People:
    """The people and their actions. There is one guild, `guild`, with one text channel, `channel`;
    its members are `mina`, the owner `olga`, and the bot, `bot`. Mina acts unless `author` is
    given."""

    def __init__(self, world: World, gateway: Gateway) -> None:
        self._world = world
        self._gateway = gateway
        self._away: dict[str, str] = {}
        """The owners of guilds that the bot is not in."""
        self.guild = self.channel = self.mina = self.olga = self.bot = ""

    async def settle(self) -> None:
        """Create the initial guild before anybody logs in."""
        state = await self._world.twin.do("state")
        self.guild, self.bot = state["guilds"][0]["id"], self._world.bot_id
        self.olga = await self._person("olga")
        await self._found(self.guild)
        self.channel = await self.make_channel("general")
        self.mina = await self.join("mina")

    async def make_guild(self, name: str) -> str:
        """Create another guild that olga owns and the bot is in."""
        id = self._world.snowflake()
        data = {"id": id, "name": name, "ownerId": self.olga}
        await self._world.twin.rows("guild", "create", data=data)
        role = {"id": id, "guildId": id, "name": "@everyone"}
        await self._world.twin.rows("role", "create", data=role)
        await self._enter(self.bot, id)
        await self._found(id)
        state = await self._world.twin.do("state")
        await self._gateway.dispatch(
            "GUILD_CREATE", await directory.payload(self._world, state, id)
        )
        return id

    async def remove_bot(self, guild: str) -> None:
        """Take the bot out of the guild."""
        self._away[guild] = self._world.owners.pop(guild)
        await self._gateway.say("GUILD_DELETE", {"id": guild})

    async def invite_bot(self, guild: str) -> None:
        """Let the bot back into the guild."""
        self._world.owners[guild] = self._away.pop(guild)
        state = await self._world.twin.do("state")
        told = await directory.payload(self._world, state, guild)
        del told["unavailable"]  # it is there after an outage only
        await self._gateway.say("GUILD_CREATE", told)

    async def make_channel(self, name: str, kind: str = "text", *, guild: str = "") -> str:
        """Create a channel. `kind`: text or forum."""
        body = {"name": name, "type": KINDS[kind]}
        at = f"/guilds/{guild or self.guild}/channels"
        _, made = await self._world.twin.rest("POST", at, body)
        return str(made["id"])

    async def join(self, name: str, *, guild: str = "", locale: str = "en-US") -> str:
        """Add a new member to a guild."""
        id = await self._person(name)
        self._world.locales[id] = locale
        await self._enter(id, guild or self.guild)
        return id

    async def allow(self, channel: str, whom: str, **permissions: bool) -> None:
        """Set permissions in one channel, for a member, a role, or (by its id) the whole guild:
        True allows, False denies: `allow(general, mina, send_messages=False)`."""
        told = await self._world.channel(channel)
        is_role = whom in self._world.roles[told["guild_id"]]
        overwrites = self._world.overwrites.setdefault(channel, {})
        of = overwrites.setdefault(whom, Overwrite(0 if is_role else 1))
        for name, value in permissions.items():
            bit = Permissions(**{name: True}).value
            of.allow = of.allow | bit if value else of.allow & ~bit
            of.deny = of.deny & ~bit if value else of.deny | bit
        await self._world.twin.do("broadcast", event="CHANNEL_UPDATE", data=told)

    async def grant(self, user: str, *, guild: str = "", **permissions: bool) -> str:
        """Give the user a new role with these permissions in the whole guild; return its id."""
        value = Permissions(**permissions).value
        return await self._world.give_role(guild or self.guild, "granted", value, user)

    async def write(
        self, channel: str, text: str, *, author: str = "", reply_to: str | None = None
    ) -> str:
        """Write a message and return its id. Un-archives a thread."""
        told, author = await self._world.channel(channel), author or self.mina
        may = self._world.permissions(author, told)
        threaded = told["type"] in THREADS
        if not (may.send_messages_in_threads if threaded else may.send_messages):
            raise CannotDo(f"{author} may not write in {channel}")
        given = {"channelId": channel, "userId": author, "content": text}
        reference = {"message_id": reply_to, "channel_id": channel} if reply_to else None
        async with self._world.lock:
            await messages.wake(self._world, told)
            made = await self._world.twin.do("write", **given)
            post = Post(made["id"], channel, author, self._world.now())
            post.kind, post.reference = (19 if reply_to else 0), reference
            post.versions.append(Version(post.at, text, [], [], []))
            self._world.posts[post.id] = post
        return post.id

    async def write_privately(self, text: str, *, author: str = "") -> tuple[str, str]:
        """Send the bot a direct message; return (channel, message)."""
        channel = await directory.private_channel(self._world, author or self.mina)
        return channel["id"], await self.write(channel["id"], text, author=author)

    async def edit(self, message: str, text: str) -> None:
        post = self._world.posts[message]
        post.versions.append(Version(self._world.now(), text, [], [], []))
        given = {"messageId": message, "channelId": post.channel_id, "content": text}
        await self._world.twin.do("edit", **given)

    async def make_thread(self, message: str, name: str) -> str:
        """Start a thread on a message, as mina; it shares the message's id."""
        channel = await self._world.channel(self._world.posts[message].channel_id)
        async with self._world.lock:
            await threads.hang(self._world, channel, message, self.mina, {"name": name})
        return message

    async def make_post(self, forum: str, name: str, text: str) -> str:
        """Create a forum post, as mina; its thread and its first message share the returned id."""
        async with self._world.lock:
            return await threads.post_by(self._world, forum, self.mina, name, text)

    async def press(self, message: str, custom_id: str, *, author: str = "") -> Interaction:
        """Press a button."""
        return await pressing.press(self._world, message, custom_id, author or self.mina, None)

    async def select(
        self, message: str, custom_id: str, values: list[str], *, author: str = ""
    ) -> Interaction:
        return await pressing.press(self._world, message, custom_id, author or self.mina, values)

    async def slash(
        self, channel: str, name: str, *, author: str = "", **options: Any
    ) -> Interaction:
        """Give a slash command with its registered options."""
        return await pressing.slash(self._world, channel, name, author or self.mina, options)

    async def autocomplete(
        self, channel: str, name: str, option: str, typed: str, *, author: str = ""
    ) -> list[dict[str, Any]]:
        """The autocomplete choices for what is typed; empty if they do not arrive in time."""
        author = author or self.mina
        of = await pressing.type_into(self._world, channel, name, option, typed, author)
        return (await self.answered(of)).choices

    async def context_menu(self, message: str, name: str, *, author: str = "") -> Interaction:
        """Give a message command."""
        return await pressing.context_menu(self._world, message, name, author or self.mina)

    async def submit(
        self, modal: Interaction, values: dict[str, str], *, author: str = ""
    ) -> Interaction:
        """Fill in and submit the modal that an interaction opened."""
        return await pressing.submit(self._world, modal, values, author or self.mina)

    async def answered(self, of: Interaction) -> Interaction:
        """Wait for the first response, at most three seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(of.answered.wait(), interactions.ACK_S)
        return of

    async def delete_message(self, message: str) -> None:
        await messages.erase(self._world, self._world.posts[message])

    async def delete_channel(self, channel: str) -> None:
        """Delete a thread, or a channel with its threads."""
        await threads.remove(self._world, await self._world.channel(channel))

    async def archive(self, thread: str, *, locked: bool = False) -> None:
        body = {"archived": True, "locked": locked}
        await self._world.twin.rest("PATCH", f"/channels/{thread}", body)

    async def lock(self, thread: str) -> None:
        """Lock a thread without archiving it."""
        await self._world.twin.rest("PATCH", f"/channels/{thread}", {"locked": True})

    async def messages(self, channel: str) -> list[Seen]:
        """The channel's current messages, oldest first, including ephemeral ones."""
        rows = await self._world.twin.rows("message", "findMany", where={"channelId": channel})
        ids = sorted((row["id"] for row in rows), key=int)
        return [await self.message(id) for id in ids]

    async def message(self, message: str) -> Seen:
        """The current message. Raises Refusal if it is deleted."""
        raw = await showing.shown(self._world, message)
        post = self._world.posts[message]
        controls = limits.components_in(raw["components"])
        reference = post.reference or {}
        return Seen(
            id=message,
            author=post.author_id,
            text=raw["content"],
            embeds=raw["embeds"],
            buttons={
                one["custom_id"]: one.get("label", "") for one in controls if "custom_id" in one
            },
            files={one["filename"]: self._world.files[one["id"]][1] for one in raw["attachments"]},
            ephemeral=post.ephemeral,
            kind=post.kind,
            reply_to=reference.get("message_id"),
            versions=list(post.versions),
            raw=raw,
        )

    async def threads(self, channel: str) -> list[SeenThread]:
        """The channel's threads, oldest first, including archived ones."""
        async with self._world.lock:  # a thread has another id while it is being created
            rows = await self._world.twin.rows("channel", "findMany", where={"parentId": channel})
        rows.sort(key=lambda row: moment(row["id"]))
        names = ("id", "name", "parentId", "archived", "locked")
        return [SeenThread(*(row[name] for name in names)) for row in rows]

    async def _person(self, name: str) -> str:
        id = self._world.snowflake()
        data = {"id": id, "username": name, "globalName": name.capitalize()}
        await self._world.twin.rows("user", "create", data=data)
        return id

    async def _enter(self, user: str, guild: str) -> None:
        data = {"guildId": guild, "userId": user}
        await self._world.twin.rows("guildMember", "create", data=data)

    async def _found(self, guild: str) -> None:
        """Set up a guild's owner, the default permissions, and the bot's role."""
        world = self._world
        world.owners[guild], world.roles[guild] = self.olga, {guild: EVERYONE.value}
        where, data = {"id": guild}, {"ownerId": self.olga}
        await world.twin.rows("guild", "update", where=where, data=data)
        rights = {"permissions": str(EVERYONE.value)}
        await world.twin.rows("role", "update", where=where, data=rights)
        await self._enter(self.olga, guild)
        await world.give_role(guild, "Tubethread", EVERYONE.value, self.bot)
