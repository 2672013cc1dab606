"""Create interactions as Discord's client does: people can press only components that exist, call
only registered commands, and need the permission for both."""

from __future__ import annotations

from typing import Any

from discord import Permissions

from tests.counterparts.discord import limits
from tests.counterparts.discord import message_view as showing
from tests.counterparts.discord.world import Interaction, World

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL = 2, 3, 4, 5
SLASH, MESSAGE_MENU = 1, 3
_TYPES: dict[int, tuple[type, ...]] = {3: (str,), 4: (int,), 5: (bool,), 10: (int, float)}


class CannotDo(Exception):
    """Discord's client does not offer this action."""


async def interact(
    world: World,
    kind: int,
    channel_id: str,
    user_id: str,
    data: dict[str, Any],
    message_id: str | None = None,
) -> Interaction:
    channel = await world.channel(channel_id)
    if not world.permissions(user_id, channel).view_channel:
        raise CannotDo(f"{user_id} does not see {channel_id}")
    given = {"type": kind, "channelId": channel_id, "userId": user_id, "data": data}
    given |= {"guildId": channel["guild_id"]} if channel.get("guild_id") else {}
    given |= {"messageId": message_id} if message_id else {}
    async with world.lock:
        made = await world.twin.do("interact", **given)
        of = Interaction(made["id"], made["token"], kind, user_id, channel_id, world.now(), data)
        of.message_id = message_id
        world.interactions[of.token] = of
    return of


async def press(
    world: World, message_id: str, custom_id: str, user_id: str, values: list[str] | None
) -> Interaction:
    """Press a button or, with `values`, choose from a select."""
    message = await showing.shown(world, message_id)
    every = limits.components_in(message["components"])
    control = next((one for one in every if one.get("custom_id") == custom_id), None)
    if control is None or control.get("disabled"):
        raise CannotDo(f"nothing to press as {custom_id!r}")
    data = {"custom_id": custom_id, "component_type": control["type"]}
    if values is not None:
        offered = {option["value"] for option in control["options"]}
        if not set(values) <= offered:
            raise CannotDo(f"{values} of {offered}")
        data["values"] = values
    channel_id = world.posts[message_id].channel_id
    return await interact(world, COMPONENT, channel_id, user_id, data, message_id)


async def slash(
    world: World, channel_id: str, name: str, user_id: str, options: dict[str, Any]
) -> Interaction:
    command = await registered(world, channel_id, name, SLASH, user_id)
    known = {option["name"]: option for option in command["options"]}
    missing = [one for one, of in known.items() if of.get("required") and one not in options]
    if missing or options.keys() - known.keys():
        raise CannotDo(f"/{name} has {sorted(known)}, and {missing} are missing")
    given = [_option(known[one], value) for one, value in options.items()]
    data = {"id": command["id"], "name": name, "type": SLASH, "options": given}
    return await interact(world, COMMAND, channel_id, user_id, data)


async def type_into(
    world: World, channel_id: str, name: str, option: str, typed: str, user_id: str
) -> Interaction:
    command = await registered(world, channel_id, name, SLASH, user_id)
    known = {one["name"]: one for one in command["options"]}
    if not known.get(option, {}).get("autocomplete"):
        raise CannotDo(f"/{name} {option} offers nothing while one types")
    given = {"name": option, "type": known[option]["type"], "value": typed, "focused": True}
    data = {"id": command["id"], "name": name, "type": SLASH, "options": [given]}
    return await interact(world, AUTOCOMPLETE, channel_id, user_id, data)


async def context_menu(world: World, message_id: str, name: str, user_id: str) -> Interaction:
    channel_id = world.posts[message_id].channel_id
    command = await registered(world, channel_id, name, MESSAGE_MENU, user_id)
    target = await showing.shown(world, message_id)
    data = {"id": command["id"], "name": name, "type": MESSAGE_MENU, "target_id": message_id}
    data["resolved"] = {"messages": {message_id: target}}
    return await interact(world, COMMAND, channel_id, user_id, data)


async def submit(
    world: World, modal: Interaction, values: dict[str, str], user_id: str
) -> Interaction:
    """Submit the modal that an interaction opened."""
    if modal.modal is None:
        raise CannotDo("no form was opened")
    rows = [_field(one, values) for one in modal.modal["components"]]
    data = {"custom_id": modal.modal["custom_id"], "components": rows}
    return await interact(world, MODAL, modal.channel_id, user_id, data, modal.message_id)


async def registered(
    world: World, channel_id: str, name: str, kind: int, user_id: str
) -> dict[str, Any]:
    """Find the command as registered for this person in this channel. Raises CannotDo."""
    channel = await world.channel(channel_id)
    guild_id = channel.get("guild_id")
    found = [*world.commands.get(guild_id, []), *world.commands.get(None, [])]
    command = next((one for one in found if (one["name"], one["type"]) == (name, kind)), None)
    if command is None:
        raise CannotDo(f"no command {name!r}")
    allowed = command.get("contexts")
    if not guild_id and (command.get("dm_permission") is False or (allowed and 1 not in allowed)):
        raise CannotDo(f"{name!r} is for servers")
    theirs = world.permissions(user_id, channel)
    needed = command["default_member_permissions"]
    wanted = Permissions(int(needed or 0))
    if not theirs.use_application_commands or not theirs.is_superset(wanted):
        raise CannotDo(f"{user_id} may not use {name!r}")
    return dict(command)


def _option(of: dict[str, Any], value: Any) -> dict[str, Any]:
    right = _TYPES.get(of["type"])
    if right and (not isinstance(value, right) or isinstance(value, bool) != (of["type"] == 5)):
        raise CannotDo(f"{of['name']}: {value!r}")
    choices = [choice["value"] for choice in of.get("choices") or []]
    if choices and value not in choices:
        raise CannotDo(f"{of['name']}: {value!r} of {choices}")
    return {"name": of["name"], "type": of["type"], "value": value}


def _field(of: dict[str, Any], values: dict[str, str]) -> dict[str, Any]:
    """A modal's row or label with its only input filled in."""
    inner = of["component"] if of["type"] == 18 else of["components"][0]
    value = values.get(inner["custom_id"], inner.get("value", ""))
    told = {"type": inner["type"], "custom_id": inner["custom_id"], "value": value}
    inside = {"component": told} if of["type"] == 18 else {"components": [told]}
    return {"type": of["type"], **inside}
