"""Handle calls about the bot itself, chats, members and commands."""

from __future__ import annotations

import re
from typing import Any

from tests.counterparts.telegram import addressing as places
from tests.counterparts.telegram import api_objects as showing
from tests.counterparts.telegram.call import Call
from tests.counterparts.telegram.refusal import OLD_QUERY, Refusal, breach
from tests.counterparts.telegram.world import BOT, Chat, Member, World

Json = dict[str, Any]
ANSWER_S = 15.0
"""How long a pressed button waits for an answer; Telegram does not document it."""
_GIFTS = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription")


def me(world: World, call: Call) -> Json:
    return showing.me(world)


def chat(world: World, call: Call) -> Json:
    of = places.readable(world, call)
    gifts = dict.fromkeys((*_GIFTS, "gifts_from_channels"), False)
    told = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": gifts}
    told |= {"linked_chat_id": of.linked} if of.linked else {}
    return showing.chat(world, of) | told


def administrators(world: World, call: Call) -> list[Json]:
    """The chat's administrators, except other bots."""
    of = places.readable(world, call)
    if of.kind == "private":
        raise Refusal("there are no administrators in the private chat")
    return [
        showing.member(world, member, id)
        for id, member in of.members.items()
        if member.status in ("creator", "administrator")
        and (id == BOT or not world.users[id].is_bot)
    ]


def member(world: World, call: Call) -> Json:
    of, user = places.readable(world, call), call.given["user_id"]
    if user not in world.users:
        raise Refusal("user not found")
    if of.kind == "private":
        return showing.member(world, Member(), user)
    return showing.member(world, of.members.get(user, Member("left")), user)


def member_count(world: World, call: Call) -> int:
    of = places.readable(world, call)
    return sum(one.is_here for one in of.members.values())


def leave(world: World, call: Call) -> bool:
    of = places.readable(world, call)
    if of.kind == "private":
        raise Refusal("chat member status can't be changed in private chats")
    of.members[BOT].status = "left"
    return True


def answer_press(world: World, call: Call) -> bool:
    """Handle answerCallbackQuery: only once, within ANSWER_S."""
    pressed = world.presses.get(call.given["callback_query_id"])
    late = pressed is None or world.now() - pressed.at > ANSWER_S
    if pressed is None or late or pressed.answered.is_set():
        raise Refusal(OLD_QUERY)
    pressed.answer = dict(call.given)
    pressed.answered.set()
    return True


def set_commands(world: World, call: Call) -> bool:
    for one in call.given["commands"]:
        if not re.fullmatch(r"/?[a-z0-9_]{1,32}", one["command"]):
            raise breach("BOT_COMMAND_INVALID")
        if not one["description"].strip():
            raise breach("BOT_COMMAND_DESCRIPTION_INVALID")
    world.commands[_scope(world, call)] = [
        {**one, "command": one["command"].removeprefix("/")} for one in call.given["commands"]
    ]
    return True


def get_commands(world: World, call: Call) -> list[dict[str, str]]:
    return world.commands.get(_scope(world, call), [])


def delete_commands(world: World, call: Call) -> bool:
    world.commands.pop(_scope(world, call), None)
    return True


def _scope(world: World, call: Call) -> str:
    scope, language = call.given.get("scope") or {"type": "default"}, _language(call)
    if "chat_id" in scope:
        of = Call(call.method, call.at, {"chat_id": scope["chat_id"]})
        places.readable(world, of)
    return key(scope["type"], scope.get("chat_id", 0), scope.get("user_id", 0), language)


def key(kind: str, chat: int = 0, user: int = 0, language: str = "") -> str:
    return f"{kind} {chat or ''} {user or ''} {language}"


def _language(call: Call) -> str:
    language = call.given.get("language_code", "")
    if language and not re.fullmatch("[a-z]{2}", language):
        raise breach("LANG_CODE_INVALID")
    return str(language)


def commands_for(world: World, of: Chat, user: int) -> list[dict[str, str]]:
    """The commands that this person is offered: the first list found, from the narrowest scope to
    the widest, in their language before none (core.telegram.org/bots/api#botcommandscope)."""
    status = of.members.get(user, Member("left")).status
    administers = status in ("creator", "administrator")
    if of.kind == "private":
        scopes = [("chat", of.id, 0), ("all_private_chats", 0, 0)]
    else:
        scopes = [("chat_member", of.id, user)]
        scopes += [("chat_administrators", of.id, 0)] if administers else []
        scopes += [("chat", of.id, 0)]
        scopes += [("all_chat_administrators", 0, 0)] if administers else []
        scopes += [("all_group_chats", 0, 0)]
    for scope in [*scopes, ("default", 0, 0)]:
        for language in (world.users[user].language[:2], ""):
            if found := world.commands.get(key(*scope, language)):
                return found
    return []


def set_text(world: World, call: Call) -> bool:
    """Handle setMyDescription and the like."""
    what = call.method.removeprefix("setMy")
    value = next((call.given[one] for one in _TEXTS if one in call.given), "")
    world.texts[what, _language(call)] = value
    return True


def get_text(world: World, call: Call) -> Json:
    what = call.method.removeprefix("getMy")
    value = world.texts.get((what, _language(call))) or world.texts.get((what, ""), "")
    name = {"Name": "name", "Description": "description"}.get(what, "short_description")
    return {name: value or ("Tubethread" if what == "Name" else "")}


_TEXTS = ("name", "description", "short_description")
