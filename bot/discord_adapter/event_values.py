"""This file turns what discord.py reports into our values."""

from __future__ import annotations

from typing import Any

import discord

from bot.chat import Command, Message, Person, Press, Where
from bot.discord_adapter.slash_commands import MESSAGE_COMMAND, SUMMARISE


def where(channel: Any) -> Where:
    """A thread shares the library of the channel it belongs to."""
    is_thread = isinstance(channel, discord.Thread)
    library = channel.parent_id if is_thread else channel.id
    server = "" if is_private(channel) else str(channel.guild.id)
    return Where(str(channel.id), f"discord:{library}", server, is_thread)


def is_private(channel: Any) -> bool:
    return isinstance(channel, discord.DMChannel | discord.GroupChannel)


def read_message(message: discord.Message, channel: Any, us: discord.abc.User) -> Message:
    """`channel`: the whole of it, where the message has but its id."""
    text = message.content
    for name in _bot_mentions(message, us):
        text = text.replace(name, " ")
    return Message(
        where(channel),
        str(message.id),
        author(message, channel),
        text.strip(),
        is_to_bot=is_private(channel) or _is_to_us(message, us),
        reply_to=_replied_to(message),
        opens_thread=isinstance(channel, discord.Thread) and channel.id == message.id,
    )


def is_from_a_person(message: discord.Message) -> bool:
    """Not a bot, ourselves among them, and not a notice such as "… joined"."""
    said = message.type in (discord.MessageType.default, discord.MessageType.reply)
    return said and not message.author.bot and message.webhook_id is None


def author(message: discord.Message, channel: Any) -> Person:
    """In private everybody is their own moderator."""
    member = message.author
    may_moderate = is_private(channel)
    if isinstance(member, discord.Member) and getattr(channel, "parent", channel) is not None:
        may_moderate = _moderates(channel.permissions_for(member))
    return Person(str(member.id), member.display_name, may_moderate)


def person(interaction: discord.Interaction) -> Person:
    """With the rights that Discord says they have there now."""
    user = interaction.user
    may_moderate = is_private(interaction.channel) or _moderates(interaction.permissions)
    language = str(interaction.locale).partition("-")[0]
    return Person(str(user.id), user.display_name, may_moderate, language)


def press(interaction: discord.Interaction, button_id: str) -> Press:
    assert interaction.message
    return Press(
        where(interaction.channel),
        str(interaction.id),
        str(interaction.message.id),
        person(interaction),
        button_id,
    )


def command(interaction: discord.Interaction) -> Command:
    data: Any = interaction.data
    target = str(data.get("target_id", ""))
    about = data.get("resolved", {}).get("messages", {}).get(target, {})
    given = {option["name"]: _option_text(option["value"]) for option in data.get("options", ())}
    return Command(
        where(interaction.channel),
        str(interaction.id),
        person(interaction),
        # People see another name for the one that is given on a message.
        SUMMARISE if data["type"] == MESSAGE_COMMAND else data["name"],
        given,
        message_id=target,
        text=about.get("content", ""),
    )


def focused_option(interaction: discord.Interaction) -> tuple[str, str]:
    """The option that somebody is just filling in, and what stands in it."""
    data: Any = interaction.data
    for option in data.get("options", ()):
        if option.get("focused"):
            return option["name"], str(option["value"])
    return "", ""


def _option_text(value: str | int | float | bool) -> str:
    """`true` and `false` for yes and no."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bot_mentions(message: discord.Message, us: discord.abc.User) -> list[str]:
    role = message.guild.self_role if message.guild else None
    return [f"<@{us.id}>", f"<@!{us.id}>", *([f"<@&{role.id}>"] if role else [])]


def _is_to_us(message: discord.Message, us: discord.abc.User) -> bool:
    """People also choose our role where they mean us."""
    if us.id in {user.id for user in message.mentions}:
        return True
    replied = message.reference.resolved if message.reference else None
    if isinstance(replied, discord.Message) and replied.author.id == us.id:
        return True
    return any(name in message.content for name in _bot_mentions(message, us))


def _replied_to(message: discord.Message) -> str:
    """A forwarded message refers to one as well, and replies to none."""
    if message.type is not discord.MessageType.reply or message.reference is None:
        return ""
    return str(message.reference.message_id or "")


def _moderates(permissions: discord.Permissions) -> bool:
    return permissions.manage_messages or permissions.manage_guild or permissions.administrator
