"""Handle requests about interactions while their tokens are valid."""

from __future__ import annotations

from typing import Any

from tests.counterparts.discord import limits, messages
from tests.counterparts.discord import message_view as showing
from tests.counterparts.discord.call import Call
from tests.counterparts.discord.error_codes import Refusal
from tests.counterparts.discord.world import Interaction, Post, World

ACK_S = 3
TOKEN_S = 15 * 60
MESSAGE, THINKING, NOTHING_YET, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9


async def respond(world: World, call: Call) -> dict[str, Any] | None:
    """Handle the first response: within three seconds, and only once."""
    of = world.interactions.get(call.path["interaction_token"])
    if of is None or of.id != call.path["interaction_id"] or _too_late(world, of):
        raise Refusal(10062)
    if of.acked is not None:
        raise Refusal(40060)
    kind, data = call.body["type"], call.body.get("data") or {}
    _must_suit(of, kind)
    of.ephemeral = bool((data.get("flags") or 0) & 64)
    if kind == MESSAGE:
        of.original_id = (await _reply(world, of, data, call.files)).id
    elif kind == UPDATE:
        await messages.change(world, world.posts[of.message_id or ""], data, call.files)
        of.original_id = of.message_id
    elif kind == NOTHING_YET:
        of.original_id = of.message_id
    of.choices = data.get("choices") or []
    of.modal = data if kind == MODAL else None
    of.thinking = kind == THINKING
    of.acked, of.acked_at = kind, world.now()
    of.answered.set()
    return await _told(world, of) if call.query.get("with_response") in ("1", "true") else None


async def follow_up(world: World, call: Call) -> dict[str, Any]:
    """Send a follow-up message. After "… is thinking" it replaces that message and keeps its
    visibility."""
    of = _alive(world, call)
    if of.thinking:
        return await _instead_of_thinking(world, of, call)
    posted = await _reply(world, of, call.body, call.files)
    return await showing.shown(world, posted.id)


async def get(world: World, call: Call) -> dict[str, Any]:
    return await showing.shown(world, _meant(world, call).id)


async def update(world: World, call: Call) -> dict[str, Any]:
    of = _alive(world, call)
    if of.thinking and "message_id" not in call.path:
        return await _instead_of_thinking(world, of, call)
    return await messages.change(world, _meant(world, call), call.body, call.files)


async def delete(world: World, call: Call) -> None:
    of = _alive(world, call)
    if of.thinking and "message_id" not in call.path:
        of.thinking = False
        return
    post = _meant(world, call)
    await messages.erase(world, post)


def _alive(world: World, call: Call) -> Interaction:
    of = world.interactions.get(call.path["webhook_token"])
    if of is None or call.path["webhook_id"] != world.bot_id:
        raise Refusal(10015)
    if world.now() - of.at > TOKEN_S:
        raise Refusal(50027)
    if of.acked is None:
        raise Refusal(10015)
    return of


def _meant(world: World, call: Call) -> Post:
    of = _alive(world, call)
    id = call.path.get("message_id", of.original_id)
    known = {*of.replies, of.original_id}
    if id not in known or id not in world.posts:
        raise Refusal(10008)
    return world.posts[id]


async def _instead_of_thinking(world: World, of: Interaction, call: Call) -> dict[str, Any]:
    of.thinking = False
    if limits.is_empty(call.body, len(call.files)):
        raise Refusal(50006, breach="an answer that shows nothing")
    posted = await _reply(world, of, call.body, call.files)
    of.original_id = posted.id
    return await showing.shown(world, posted.id)


async def _reply(
    world: World, of: Interaction, body: dict[str, Any], files: dict[int, tuple[str, bytes]]
) -> Post:
    flags = (body.get("flags") or 0) | (64 if of.ephemeral else 0)
    said = {**body, "flags": flags}
    posted, _ = await messages.post(world, of.channel_id, said, files, interaction=of)
    if of.kind == 2:
        posted.kind = 23 if of.data.get("type") == 3 else 20
    of.replies.append(posted.id)
    if not posted.ephemeral:
        messages.note_pings(world, posted, said, "send")
    return posted


def _too_late(world: World, of: Interaction) -> bool:
    return of.acked is None and world.now() - of.at > ACK_S


def _must_suit(of: Interaction, kind: int) -> None:
    """Refuse a response type that does not suit the interaction: choices answer only an
    autocomplete, and an update needs a message."""
    if (kind == CHOICES) != (of.kind == 4):
        raise Refusal(50035, breach=f"type: {kind} for an interaction of type {of.kind}")
    if kind in (NOTHING_YET, UPDATE) and of.message_id is None:
        raise Refusal(50035, breach=f"type: {kind} without a message")


async def _told(world: World, of: Interaction) -> dict[str, Any]:
    told: dict[str, Any] = {"id": of.id, "type": of.kind}
    told["response_message_ephemeral"] = of.ephemeral
    told["response_message_loading"] = of.thinking
    resource: dict[str, Any] = {"type": of.acked}
    if of.original_id and of.acked in (MESSAGE, UPDATE):
        told["response_message_id"] = of.original_id
        resource["message"] = await showing.shown(world, of.original_id)
    return {"interaction": told, "resource": resource}
