"""Handle requests about the application, its commands, people and guilds."""

from __future__ import annotations

from typing import Any

from tests.counterparts.discord import limits
from tests.counterparts.discord.call import Call
from tests.counterparts.discord.error_codes import Refusal
from tests.counterparts.discord.world import DM, TEXT, World

_CONTENT_INTENT = 1 << 18
_CONTENT_INTENT_LIMITED = 1 << 19


async def application(world: World, call: Call) -> dict[str, Any]:
    _, told = await world.twin.rest("GET", "/applications/@me")
    owner = await world.user(next(iter(world.owners.values())))
    flags = _CONTENT_INTENT_LIMITED if world.message_content else 0
    whole = {**told, "owner": owner, "flags": flags, "bot_public": True, "rpc_origins": []}
    return {**whole, "install_params": None, "integration_types_config": {"0": {}}}


async def me(world: World, call: Call) -> dict[str, Any]:
    return {**(await world.user(world.bot_id) or {}), "verified": True, "email": None}


async def user(world: World, call: Call) -> dict[str, Any]:
    found = await world.user(call.path["user_id"])
    if found is None:
        raise Refusal(10013)
    return found


async def register(world: World, call: Call) -> list[dict[str, Any]]:
    """Replace all commands, globally or of one guild."""
    found = limits.commands_breaches(call.body)
    if found:
        raise Refusal(50035, breach=found[0])
    at = call.operation.template.format(**call.path)
    # Omit the permissions: the twin expects text, the OpenAPI file a number, and the twin needs
    # neither.
    hidden = {"default_member_permissions": None}
    plain = [{"description": "", **command, **hidden} for command in call.body]
    _, made = await world.twin.rest("PUT", at, plain)
    guild_id = call.path.get("guild_id")
    known = {(one["type"], one["name"]): one for one in world.commands.get(guild_id, [])}
    registered = []
    for command, row in zip(call.body, made, strict=True):
        old = known.get((row["type"], row["name"]), row)
        fixed = {"id": old["id"], "application_id": world.bot_id, "version": row["version"]}
        whole = {"type": 1, "options": [], "nsfw": False, "default_member_permissions": None}
        registered.append({**whole, "description": "", **command, **fixed})
        if old is not row:
            await _keep_id(world, row["id"], old["id"])
    world.commands[guild_id] = registered
    return [_told(one, guild_id) for one in registered]


async def commands(world: World, call: Call) -> list[dict[str, Any]]:
    guild_id = call.path.get("guild_id")
    return [_told(one, guild_id) for one in world.commands.get(guild_id, [])]


async def open_dm(world: World, call: Call) -> dict[str, Any]:
    person = str(call.body.get("recipient_id"))
    told = await world.user(person)
    if told is None:
        raise Refusal(10013)
    return {**await private_channel(world, person), "recipients": [told]}


async def private_channel(world: World, person: str) -> dict[str, Any]:
    """The direct-message channel between the bot and a person."""
    id = next((id for id, who in world.recipients.items() if who == person), "")
    if not id:
        id = world.snowflake()
        await world.twin.rows("channel", "create", data={"id": id, "type": DM})
        world.recipients[id] = person
    return await world.channel(id)


async def guild(world: World, call: Call) -> dict[str, Any]:
    _known(world, call)
    _, told = await world.twin.rest("GET", f"/guilds/{call.path['guild_id']}")
    return dict(told)


async def guilds(world: World, call: Call) -> list[dict[str, Any]]:
    state = await world.twin.do("state")
    told = []
    for one in state["guilds"]:
        if one["id"] in world.owners:
            anywhere = {"guild_id": one["id"], "id": "", "type": TEXT}
            mine = world.permissions(world.bot_id, anywhere)
            told.append({**one["apiGuild"], "owner": False, "permissions": str(mine.value)})
    return told


async def channels(world: World, call: Call) -> list[dict[str, Any]]:
    _known(world, call)
    _, found = await world.twin.rest("GET", f"/guilds/{call.path['guild_id']}/channels")
    return [world.complete_channel(one) for one in found]


async def roles(world: World, call: Call) -> list[dict[str, Any]]:
    _known(world, call)
    _, found = await world.twin.rest("GET", f"/guilds/{call.path['guild_id']}/roles")
    return list(found)


async def member(world: World, call: Call) -> dict[str, Any]:
    _known(world, call)
    who = call.path.get("user_id", world.bot_id)
    status, told = await world.twin.rest("GET", f"/guilds/{call.path['guild_id']}/members/{who}")
    if status != 200:
        raise Refusal(10007)
    return dict(told)


async def payload(world: World, state: dict[str, Any], guild_id: str) -> dict[str, Any]:
    """The GUILD_CREATE payload of an application without the members intent."""
    of = next(one for one in state["guilds"] if one["id"] == guild_id)
    shown = [one for one in of["channels"] if world.permissions(world.bot_id, one).view_channel]
    channels = [world.complete_channel(one) for one in shown]
    mine = [one for one in of["members"] if one["user"]["id"] == world.bot_id]
    lists = ("voice_states", "presences", "stage_instances", "guild_scheduled_events")
    return {
        **of["apiGuild"],
        "joined_at": of["joinedAt"],
        "large": False,
        "unavailable": False,
        "member_count": len(of["members"]),
        "members": mine,
        "channels": [one for one in channels if "thread_metadata" not in one],
        "threads": [one for one in channels if _is_active_thread(one)],
        "soundboard_sounds": [],
        **{key: [] for key in lists},
    }


def _is_active_thread(channel: dict[str, Any]) -> bool:
    return not channel.get("thread_metadata", {"archived": True})["archived"]


def _known(world: World, call: Call) -> None:
    if call.path["guild_id"] not in world.owners:
        raise Refusal(10004)


def _told(command: dict[str, Any], guild_id: str | None) -> dict[str, Any]:
    """The command as the API returns it: permissions are text, whatever type they were sent as."""
    needed = command["default_member_permissions"]
    told = {**command, "default_member_permissions": None if needed is None else str(needed)}
    return {**told, "guild_id": guild_id} if guild_id else told


async def _keep_id(world: World, made: str, old: str) -> None:
    """Keep the old id of a command that is registered again under its name."""
    await world.twin.rows("applicationCommand", "update", where={"id": made}, data={"id": old})
