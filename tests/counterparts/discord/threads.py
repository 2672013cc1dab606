"""Handle requests about threads and channels."""

from __future__ import annotations

from typing import Any

from tests.counterparts.discord import message_view as showing
from tests.counterparts.discord import messages
from tests.counterparts.discord.call import Call
from tests.counterparts.discord.error_codes import Refusal
from tests.counterparts.discord.world import FORUM, PUBLIC_THREAD, THREADS, Post, World


async def from_message(world: World, call: Call) -> dict[str, Any]:
    channel = await world.channel(call.path["channel_id"])
    world.require(channel, "create_public_threads", "read_message_history")
    if channel["type"] in (*THREADS, FORUM):
        raise Refusal(50024)
    message_id = call.path["message_id"]
    await showing.shown(world, message_id) if message_id in world.posts else _no_message()
    if message_id in world.renamed.values():
        raise Refusal(160004)
    await _room(world, channel)
    return await hang(world, channel, message_id, world.bot_id, call.body)


async def create(world: World, call: Call) -> dict[str, Any]:
    """Create a thread: in a forum with its first message, elsewhere without a message."""
    channel = await world.channel(call.path["channel_id"])
    forum = channel["type"] == FORUM
    if forum != ("message" in call.body) or channel["type"] in THREADS:
        raise Refusal(50024 if channel["type"] in THREADS else 50035, breach="message")
    world.require(channel, "send_messages" if forum else "create_public_threads")
    await _room(world, channel)
    kind = PUBLIC_THREAD if forum else call.body.get("type", 12)
    if kind == 12:
        world.require(channel, "create_private_threads")
    body = {key: call.body[key] for key in call.body if key in _SETTINGS} | {"type": kind}
    _, made = await world.twin.rest("POST", f"/channels/{channel['id']}/threads", body)
    if not forum:
        if kind == PUBLIC_THREAD:
            await announce(world, channel["id"], world.bot_id, 18, call.body["name"], made["id"])
        return world.complete_channel(made)
    first = await _first_message(world, made["id"], call)
    return {**world.complete_channel(made), "message": await showing.shown(world, first)}


async def hang(
    world: World, channel: dict[str, Any], message_id: str, owner_id: str, body: dict[str, Any]
) -> dict[str, Any]:
    """Start a thread on a message. It gets the message's id in place of the one that the twin
    gave it."""
    at = f"/channels/{channel['id']}/messages/{message_id}/threads"
    _, made = await world.twin.rest("POST", at, {k: body[k] for k in body if k in _SETTINGS})
    world.renamed[made["id"]] = message_id
    data = {"id": message_id, "ownerId": owner_id}
    await world.twin.rows("channel", "update", where={"id": made["id"]}, data=data)
    await announce(world, message_id, owner_id, 21, "", channel["id"], message_id)
    return world.complete_channel({**made, "id": message_id, "owner_id": owner_id})


async def post_by(world: World, forum_id: str, user_id: str, name: str, text: str) -> str:
    """Create a person's forum post; it and its first message share one id."""
    _, made = await world.twin.rest("POST", f"/channels/{forum_id}/threads", {"name": name})
    owner = {"ownerId": user_id}
    await world.twin.rows("channel", "update", where={"id": made["id"]}, data=owner)
    given = {"channelId": made["id"], "userId": user_id, "content": text}
    wrote = (await world.twin.do("write", **given))["id"]
    await _take_its_id(world, wrote, made["id"])
    world.posts[made["id"]] = Post(made["id"], made["id"], user_id, world.now())
    return str(made["id"])


async def announce(
    world: World,
    channel_id: str,
    author_id: str,
    kind: int,
    content: str,
    about: str,
    message_id: str | None = None,
) -> None:
    """Post one of the platform's own messages: 18 announces a thread, 21 begins one."""
    given = {"channelId": channel_id, "userId": author_id, "content": content}
    made = await world.twin.do("write", **given)
    post = Post(made["id"], channel_id, author_id, world.now(), kind=kind)
    post.reference = {"channel_id": about, "guild_id": made.get("guild_id")}
    post.reference |= {"message_id": message_id} if message_id else {}
    world.posts[post.id] = post


async def change(world: World, call: Call) -> dict[str, Any]:
    channel = await world.channel(call.path["channel_id"])
    own = channel.get("owner_id") == world.bot_id and "locked" not in call.body
    manage = "manage_threads" if channel["type"] in THREADS else "manage_channels"
    world.require(channel, *([] if own else [manage]))
    state = channel.get("thread_metadata") or {}
    if state.get("archived") and call.body.get("archived") is not False:
        raise Refusal(50083)
    _, changed = await world.twin.rest("PATCH", f"/channels/{channel['id']}", call.body)
    return world.complete_channel(changed)


async def get(world: World, call: Call) -> dict[str, Any]:
    channel = await world.channel(call.path["channel_id"])
    world.require(channel)
    return world.complete_channel(channel)


async def delete(world: World, call: Call) -> dict[str, Any]:
    channel = await world.channel(call.path["channel_id"])
    manage = "manage_threads" if channel["type"] in THREADS else "manage_channels"
    world.require(channel, manage)
    await remove(world, channel)
    return world.complete_channel(channel)


async def remove(world: World, channel: dict[str, Any]) -> None:
    """Delete a channel and its threads; the threads' events are suppressed."""
    threads = await world.twin.rows("channel", "findMany", where={"parentId": channel["id"]})
    for thread in threads:
        world.silenced.add(thread["id"])
        await world.twin.rest("DELETE", f"/channels/{thread['id']}")
    await world.twin.rest("DELETE", f"/channels/{channel['id']}")


async def join(world: World, call: Call) -> None:
    channel = await world.channel(call.path["channel_id"])
    world.require(channel)
    user_id = call.path.get("user_id", world.bot_id)
    await world.twin.rest("PUT", f"/channels/{channel['id']}/thread-members/{user_id}")


async def members(world: World, call: Call) -> list[dict[str, Any]]:
    _, found = await world.twin.rest("GET", f"/channels/{call.path['channel_id']}/thread-members")
    return list(found)


async def active(world: World, call: Call) -> dict[str, Any]:
    _, found = await world.twin.rest("GET", f"/guilds/{call.path['guild_id']}/threads/active")
    visible = [one for one in found["threads"] if may_see(world, one)]
    mine = [one for one in found["members"] if one["user_id"] == world.bot_id]
    return {"threads": [world.complete_channel(one) for one in visible], "members": mine}


async def archived(world: World, call: Call) -> dict[str, Any]:
    where = {"parentId": call.path["channel_id"], "archived": True}
    rows = await world.twin.rows("channel", "findMany", where=where)
    threads = [world.complete_channel(await world.channel(row["id"])) for row in rows]
    return {"threads": threads, "members": [], "has_more": False}


async def typing(world: World, call: Call) -> None:
    channel = await world.channel(call.path["channel_id"])
    threaded = channel["type"] in THREADS
    world.require(channel, "send_messages_in_threads" if threaded else "send_messages")
    world.typing.append((channel["id"], world.now()))
    await world.twin.rest("POST", f"/channels/{channel['id']}/typing")


def may_see(world: World, channel: dict[str, Any]) -> bool:
    return world.permissions(world.bot_id, channel).view_channel


async def _first_message(world: World, thread_id: str, call: Call) -> str:
    """Post a forum thread's first message; it shares the thread's id."""
    made, _ = await messages.post(world, thread_id, call.body["message"], call.files)
    await _take_its_id(world, made.id, thread_id)
    world.posts[thread_id] = world.posts.pop(made.id)
    made.id = thread_id
    messages.note_pings(world, made, call.body["message"], "send")
    return thread_id


async def _take_its_id(world: World, message_id: str, thread_id: str) -> None:
    data = {"id": thread_id}
    await world.twin.rows("message", "update", where={"id": message_id}, data=data)
    world.renamed[message_id] = thread_id


async def _room(world: World, channel: dict[str, Any]) -> None:
    where = {"guildId": channel["guild_id"], "type": {"in": list(THREADS)}, "archived": False}
    if await world.twin.rows("channel", "count", where=where) >= world.max_active_threads:
        raise Refusal(160006)


def _no_message() -> None:
    raise Refusal(10008)


_SETTINGS = ("name", "auto_archive_duration", "rate_limit_per_user")
