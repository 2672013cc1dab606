"""Show a message as Discord does, including the fields that the twin drops."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from tests.counterparts.discord.error_codes import Refusal
from tests.counterparts.discord.world import Interaction, Post, World


async def shown(world: World, message_id: str) -> dict[str, Any]:
    """The message as the API returns it. Raises Refusal."""
    channel_id = world.posts[message_id].channel_id
    at = f"/channels/{channel_id}/messages/{message_id}"
    status, message = await world.twin.rest("GET", at)
    if status != 200:
        raise Refusal(10008)
    return await completed(world, message)


async def completed(world: World, message: dict[str, Any]) -> dict[str, Any]:
    """The twin's message with every field that the twin drops."""
    post = world.posts[message["id"]]
    whole = {**message, "flags": post.flags, "type": post.kind, "attachments": post.attachments}
    for key in ("member", "guild_id", "nonce"):
        whole.pop(key, None)
    whole["components"] = message.get("components", [])
    whole["embeds"] = [{"type": "rich", **embed} for embed in message["embeds"]]
    whole["mention_everyone"] = bool(re.search("@(everyone|here)", message["content"]))
    whole["mention_roles"] = re.findall(r"<@&(\d+)>", message["content"])
    named = dict.fromkeys(re.findall(r"<@!?(\d+)>", message["content"]))
    whole["mentions"] = [user for one in named if (user := await world.user(one))]
    if post.nonce is not None:
        whole["nonce"] = post.nonce
    if post.reference:
        whole["message_reference"] = {"type": 0, **post.reference}
        whole["referenced_message"] = await _referenced(world, post)
    if post.interaction:
        whole |= await _metadata(world, post.interaction)
    return await _with_thread(world, whole)


def gated(world: World, message: dict[str, Any]) -> dict[str, Any]:
    """The message as an application without the message content intent receives it."""
    mine = message["author"]["id"] == world.bot_id
    called = any(user["id"] == world.bot_id for user in message["mentions"])
    private = message["channel_id"] in world.recipients
    if world.message_content or mine or called or private:
        return message
    return {**message, "content": "", "embeds": [], "attachments": [], "components": []}


async def _referenced(world: World, post: Post) -> dict[str, Any] | None:
    id = (post.reference or {}).get("message_id", "")
    if id not in world.posts:
        return None
    at = f"/channels/{world.posts[id].channel_id}/messages/{id}"
    status, message = await world.twin.rest("GET", at)
    return await completed(world, message) if status == 200 else None


async def _metadata(world: World, of: Interaction) -> dict[str, Any]:
    told = {"id": of.id, "type": of.kind, "user": await world.user(of.user_id)}
    return {
        "application_id": world.bot_id,
        "webhook_id": world.bot_id,
        "interaction_metadata": {**told, "authorizing_integration_owners": {}},
    }


async def _with_thread(world: World, message: dict[str, Any]) -> dict[str, Any]:
    if message["id"] not in world.renamed.values():
        return message
    status, thread = await world.twin.rest("GET", f"/channels/{message['id']}")
    if status != 200:
        return message
    hung = {"thread": world.complete_channel(thread), "flags": message["flags"] | 32}
    return {**message, **hung}


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
