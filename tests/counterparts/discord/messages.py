"""Handle requests about messages."""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Any, Literal

from tests.counterparts.discord import limits
from tests.counterparts.discord.call import Call
from tests.counterparts.discord.error_codes import Refusal
from tests.counterparts.discord.message_view import completed, gated, shown, stamp
from tests.counterparts.discord.world import (
    FORUM,
    THREADS,
    Interaction,
    Ping,
    Post,
    Version,
    World,
    moment,
)

EDITABLE_S = 3600
NONCE_S = 180
"""Discord documents 'the past few minutes'."""


async def create(world: World, call: Call) -> dict[str, Any]:
    channel = await world.channel(call.path["channel_id"])
    if channel["type"] == FORUM:
        raise Refusal(50008)
    _may_send(world, channel, call)
    nonce = call.body.get("nonce")
    if nonce is not None and call.body.get("enforce_nonce"):
        known = world.nonces.get(str(nonce), "")
        if known in world.posts and _is_recent(world, world.posts[known]):
            return await shown(world, known)
    await wake(world, channel)
    reference = _reference(world, channel, call)
    posted, made = await post(world, channel["id"], call.body, call.files, reference=reference)
    if nonce is not None:
        world.nonces[str(nonce)] = posted.id
    note_pings(world, posted, call.body, "send")
    return await completed(world, made)


async def update(world: World, call: Call) -> dict[str, Any]:
    channel = await world.channel(call.path["channel_id"])
    world.require(channel)
    _must_be_open(channel)
    post = _existing(world, call)
    if post.author_id != world.bot_id:
        raise Refusal(50005)
    if world.now() - moment(post.id) > EDITABLE_S:
        raise Refusal(30046)
    return await change(world, post, call.body, call.files)


async def get(world: World, call: Call) -> dict[str, Any]:
    channel = await world.channel(call.path["channel_id"])
    world.require(channel, "read_message_history")
    return gated(world, await shown(world, _existing(world, call).id))


async def many(world: World, call: Call) -> list[dict[str, Any]]:
    channel = await world.channel(call.path["channel_id"])
    world.require(channel, "read_message_history")
    query = "&".join(f"{key}={value}" for key, value in call.query.items())
    _, found = await world.twin.rest("GET", f"/channels/{channel['id']}/messages?{query}")
    seen = [one for one in found if not world.posts[one["id"]].ephemeral]
    return [gated(world, await completed(world, one)) for one in seen]


async def delete(world: World, call: Call) -> None:
    channel = await world.channel(call.path["channel_id"])
    post = _existing(world, call)
    world.require(channel, *([] if post.author_id == world.bot_id else ["manage_messages"]))
    _must_be_open(channel)
    await erase(world, post)


async def erase(world: World, post: Post) -> None:
    post.is_gone = True
    await world.twin.rest("DELETE", f"/channels/{post.channel_id}/messages/{post.id}")


async def react(world: World, call: Call) -> None:
    """Add or remove the bot's reaction."""
    channel = await world.channel(call.path["channel_id"])
    world.require(channel, "read_message_history", "add_reactions")
    _must_be_open(channel)
    post = _existing(world, call)
    at = f"/channels/{channel['id']}/messages/{post.id}/reactions/{call.path['emoji_name']}/@me"
    await world.twin.rest(call.method, at)


async def pins(world: World, call: Call) -> dict[str, Any]:
    channel = await world.channel(call.path["channel_id"])
    world.require(channel, "read_message_history")
    items = [
        {"pinned_at": stamp(world.now()), "message": await shown(world, one)}
        for one in world.pins.get(channel["id"], [])
    ]
    return {"items": items, "has_more": False}


async def pin(world: World, call: Call) -> None:
    channel = await world.channel(call.path["channel_id"])
    world.require(channel, "manage_messages")
    post = _existing(world, call)
    pinned = world.pins.setdefault(channel["id"], [])
    if call.method == "DELETE":
        pinned.remove(post.id)
    else:
        pinned.append(post.id)
    data = {"pinned": call.method == "PUT"}
    await world.twin.rows("message", "update", where={"id": post.id}, data=data)


async def post(
    world: World,
    channel_id: str,
    body: dict[str, Any],
    files: dict[int, tuple[str, bytes]],
    *,
    reference: dict[str, Any] | None = None,
    interaction: Interaction | None = None,
) -> tuple[Post, dict[str, Any]]:
    """Post a message as the bot; return it with the twin's answer."""
    _must_have_come(body.get("attachments") or [], {str(number) for number in files})
    said = {
        "content": (body.get("content") or "").strip(),
        "embeds": body.get("embeds") or [],
        "components": body.get("components") or [],
        "flags": body.get("flags") or 0,
        "message_reference": reference,
    }
    status, made = await world.twin.rest("POST", f"/channels/{channel_id}/messages", said)
    if status != 200:
        raise Refusal(10003)
    posted = Post(made["id"], channel_id, world.bot_id, world.now(), nonce=body.get("nonce"))
    posted.kind = 19 if reference else 0
    posted.flags, posted.reference, posted.interaction = said["flags"], reference, interaction
    posted.attachments = attach(world, posted, body.get("attachments") or [], files)
    world.posts[posted.id] = posted
    _look(world, posted, said)
    return posted, made


async def change(
    world: World, post: Post, body: dict[str, Any], files: dict[int, tuple[str, bytes]]
) -> dict[str, Any]:
    """Edit only the fields that the body names; null clears a field."""
    texts = {"content": ("content", ""), "embeds": ("embeds", []), "components": ("components", [])}
    last = post.versions[-1]
    said = {key: getattr(last, key) for key in texts}
    said |= {key: body[key] or empty for key, (_, empty) in texts.items() if key in body}
    said["content"] = said["content"].strip()
    kept = body.get("attachments", [{"id": one["id"]} for one in post.attachments]) or []
    if limits.is_empty({**said, "attachments": []}, len(files) + len(kept)):
        raise Refusal(50006, breach="an edit that leaves nothing")
    if "attachments" in body or files:
        post.attachments = attach(world, post, kept, files)
    if body.get("flags") is not None:
        post.flags = body["flags"] | (post.flags & 64)
    at = f"/channels/{post.channel_id}/messages/{post.id}"
    status, changed = await world.twin.rest("PATCH", at, said)
    if status != 200:
        raise Refusal(10008)
    _look(world, post, said)
    note_pings(world, post, body, "edit")
    return await completed(world, changed)


def attach(
    world: World, post: Post, listed: list[dict[str, Any]], files: dict[int, tuple[str, bytes]]
) -> list[dict[str, Any]]:
    """The attachments after an edit: those that the list keeps, and all new files, listed or
    not."""
    had = {one["id"]: one for one in post.attachments}
    kept = [had[str(one["id"])] for one in listed if str(one["id"]) in had]
    _must_have_come(listed, had.keys() | {str(number) for number in files})
    told = {int(one["id"]): one for one in listed if str(one["id"]) not in had}
    for number, (name, content) in files.items():
        id = world.snowflake()
        name = told.get(number, {}).get("filename") or name
        world.files[id] = (name, content)
        url = f"{world.cdn}/attachments/{post.channel_id}/{id}/{name}"
        size = {"size": len(content), "content_type": "text/plain; charset=utf-8"}
        kept.append({"id": id, "filename": name, "url": url, "proxy_url": url, **size})
    return kept


def note_pings(world: World, post: Post, body: dict[str, Any], by: Literal["send", "edit"]) -> None:
    """Record whom a message pings: by default, everyone it mentions and the author it replies
    to."""
    content = body.get("content") or ""
    allowed = body.get("allowed_mentions")
    parse = ["users", "roles", "everyone"] if allowed is None else allowed.get("parse") or []
    found: list[tuple[Any, str]] = []
    for kind, key, pattern in (
        ("user", "users", r"<@!?(\d+)>"),
        ("role", "roles", r"<@&(\d+)>"),
    ):
        listed = [str(one) for one in (allowed or {}).get(key) or []]
        named = re.findall(pattern, content)
        found += [(kind, one) for one in named if key in parse or one in listed]
    if "everyone" in parse and re.search("@(everyone|here)", content):
        found.append(("everyone", "everyone"))
    replied = (post.reference or {}).get("message_id")
    if replied in world.posts and (allowed is None or allowed.get("replied_user")):
        found.append(("reply", world.posts[replied].author_id))
    world.pings += [Ping(post.id, post.channel_id, kind, target, by) for kind, target in found]


async def wake(world: World, channel: dict[str, Any]) -> None:
    """Un-archive the thread before sending, unless it is locked. Raises Refusal."""
    state = channel.get("thread_metadata") or {}
    if state.get("locked"):
        raise Refusal(50083 if state["archived"] else 160005)
    if state.get("archived"):
        await world.twin.rest("PATCH", f"/channels/{channel['id']}", {"archived": False})


def _is_recent(world: World, post: Post) -> bool:
    return not post.is_gone and world.now() - post.at < NONCE_S


def _must_have_come(listed: list[dict[str, Any]], known: Set[str]) -> None:
    if unknown := {str(one["id"]) for one in listed} - known:
        raise Refusal(50035, breach=f"attachments: no file {sorted(unknown)}")


def _must_be_open(channel: dict[str, Any]) -> None:
    if (channel.get("thread_metadata") or {}).get("archived"):
        raise Refusal(50083)


def _may_send(world: World, channel: dict[str, Any], call: Call) -> None:
    threaded = channel["type"] in THREADS
    world.require(channel, "send_messages_in_threads" if threaded else "send_messages")
    if call.files:
        world.require(channel, "attach_files")
    if call.body.get("embeds"):
        world.require(channel, "embed_links")


def _reference(world: World, channel: dict[str, Any], call: Call) -> dict[str, Any] | None:
    reference = call.body.get("message_reference")
    if not reference:
        return None
    if not world.permissions(world.bot_id, channel).read_message_history:
        raise Refusal(160002)
    id = str(reference["message_id"])
    if id not in world.posts or world.posts[id].is_gone:
        if reference.get("fail_if_not_exists", True):
            raise Refusal(50035)  # not the bot's fault: somebody deleted the message
        return None
    whole = {"message_id": id, "channel_id": channel["id"], "guild_id": channel.get("guild_id")}
    return whole if whole["guild_id"] else {**whole, "guild_id": None}


def _existing(world: World, call: Call) -> Post:
    """Find the named message. Raises Refusal; ephemeral messages are never found."""
    found = world.posts.get(call.path["message_id"])
    if found is None or found.channel_id != call.path["channel_id"]:
        raise Refusal(10008)
    if found.is_gone or found.ephemeral:
        raise Refusal(10008)
    return found


def _look(world: World, post: Post, said: dict[str, Any]) -> None:
    shows = {key: said[key] for key in ("content", "embeds", "components")}
    post.versions.append(Version(world.now(), **shows, attachments=list(post.attachments)))
