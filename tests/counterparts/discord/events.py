"""Complete the twin's events as Discord sends them, or drop them."""

from __future__ import annotations

from typing import Any

from tests.counterparts.discord import directory
from tests.counterparts.discord import message_view as showing
from tests.counterparts.discord.error_codes import Refusal
from tests.counterparts.discord.world import Post, World, moment

Event = tuple[str, dict[str, Any]]
GUILDS, GUILD_MESSAGES, GUILD_REACTIONS, DIRECT_MESSAGES, MESSAGE_CONTENT = 0, 9, 10, 12, 15
_INTENTS = {
    "MESSAGE_CREATE": GUILD_MESSAGES,
    "MESSAGE_UPDATE": GUILD_MESSAGES,
    "MESSAGE_DELETE": GUILD_MESSAGES,
    "MESSAGE_REACTION_ADD": GUILD_REACTIONS,
    "MESSAGE_REACTION_REMOVE": GUILD_REACTIONS,
    "INTERACTION_CREATE": None,
}


async def completed(world: World, event: str, data: dict[str, Any]) -> Event | None:
    """Complete an event; None if no session receives it."""
    channel_id = data.get("channel_id") or data.get("id", "")
    if channel_id in world.silenced:
        return None
    if event in ("MESSAGE_CREATE", "MESSAGE_UPDATE"):
        return await _message(world, event, data)
    if event == "INTERACTION_CREATE":
        return event, await _interaction(world, data)
    if event.startswith("MESSAGE_REACTION"):
        return event, {**data, "type": 0, "burst": False}
    if event == "THREAD_DELETE":
        return event, {**data, "id": world.renamed.get(data["id"], data["id"])}
    if event.startswith(("CHANNEL_", "THREAD_")) and "type" in data:
        return event, world.complete_channel(data)
    return event, data


def wanted(event: str, data: dict[str, Any], intents: int) -> bool:
    needed = _INTENTS.get(event, GUILDS)
    if needed == GUILD_MESSAGES and not data.get("guild_id"):
        needed = DIRECT_MESSAGES
    return needed is None or bool(intents >> needed & 1)


def gated(world: World, data: dict[str, Any], intents: int) -> dict[str, Any]:
    """Strip a message's content if the session lacks the message content intent."""
    if intents >> MESSAGE_CONTENT & 1 or "author" not in data:
        return data
    mine = data["author"]["id"] == world.bot_id
    called = any(user["id"] == world.bot_id for user in data.get("mentions", ()))
    if mine or called or not data.get("guild_id"):
        return data
    return {**data, "content": "", "embeds": [], "attachments": [], "components": []}


async def is_visible(world: World, data: dict[str, Any]) -> bool:
    """Whether the bot can see the channel of the event."""
    if not world.overwrites:
        return True  # most tests hide nothing, and the look-up is slow
    try:
        channel = await world.channel(data.get("channel_id") or data["id"])
    except (KeyError, Refusal):
        return True  # not about a channel, or about a deleted one
    return world.permissions(world.bot_id, channel).view_channel


async def _message(world: World, event: str, data: dict[str, Any]) -> Event | None:
    id = world.renamed.get(data["id"], data["id"])
    channel_id = data["channel_id"]
    post = world.posts.setdefault(id, Post(id, channel_id, data["author"]["id"], moment(id)))
    if post.ephemeral:
        return None
    whole = await showing.completed(world, {**data, "id": id})
    guild_id = data.get("guild_id")
    if guild_id:
        whole["guild_id"] = guild_id
        whole["member"] = data.get("member") or await _member(world, guild_id, post.author_id)
    return event, whole


async def _member(world: World, guild_id: str, user_id: str) -> dict[str, Any]:
    _, member = await world.twin.rest("GET", f"/guilds/{guild_id}/members/{user_id}")
    return {key: value for key, value in member.items() if key != "user"}


async def _interaction(world: World, data: dict[str, Any]) -> dict[str, Any]:
    channel = await world.channel(data["channel_id"])
    whole = {**data, "channel": world.complete_channel(channel), "version": 1}
    of = world.interactions[data["token"]]
    if data.get("message"):
        whole["message"] = await showing.shown(world, data["message"]["id"])
    whole["locale"] = world.locales.get(of.user_id, "en-US")
    mine = world.permissions(world.bot_id, channel)
    whole["app_permissions"] = str(mine.value)
    if not channel.get("guild_id"):
        for key in ("guild_id", "member", "guild_locale"):
            whole.pop(key, None)
        return {**whole, "user": await world.user(of.user_id), "context": 1}
    theirs = world.permissions(of.user_id, channel)
    whole["member"] = {**data["member"], "permissions": str(theirs.value)}
    whole["member"]["roles"] = world.member_roles.get((data["guild_id"], of.user_id), [])
    return whole


async def ready(world: World, session_id: str, url: str) -> tuple[dict[str, Any], list[Any]]:
    """The first events of a new session: READY and one GUILD_CREATE per guild."""
    state = await world.twin.do("state")
    guilds = [one["id"] for one in state["guilds"] if one["id"] in world.owners]
    flags = 1 << 19 if world.message_content else 0
    told = {
        "v": 10,
        "user": {**state["botUser"], "verified": True, "email": None},
        "guilds": [{"id": id, "unavailable": True} for id in guilds],
        "session_id": session_id,
        "session_type": "normal",
        "resume_gateway_url": url,
        "private_channels": [],
        "application": {"id": world.bot_id, "flags": flags},
        "shard": [0, 1],
    }
    return told, [await directory.payload(world, state, id) for id in guilds]
