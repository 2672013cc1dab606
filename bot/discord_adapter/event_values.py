"""Convert discord.py's events into the values of bot/chat.py."""

from __future__ import annotations

from typing import Any

import discord

from bot.chat import Command, Message, Person, Press, Where
from bot.discord_adapter.slash_commands import MESSAGE_COMMAND, SUMMARISE


def where(channel: Any) -> Where:
    """Return the place of an event. A thread shares the library of its parent channel."""
    is_thread = isinstance(channel, discord.Thread)
    library = channel.parent_id if is_thread else channel.id
    server = "" if is_private(channel) else str(channel.guild.id)
    return Where(str(channel.id), f"discord:{library}", server, is_thread)


def is_private(channel: Any) -> bool:
    return isinstance(channel, discord.DMChannel | discord.GroupChannel)


def read_message(message: discord.Message, channel: Any, bot_user: discord.abc.User) -> Message:
    """Convert a message. `channel`: the full channel; the message may hold only its id."""
    text = message.content
    for name in _bot_mentions(message, bot_user):
        text = text.replace(name, " ")
    return Message(
        where(channel),
        str(message.id),
        author(message, channel),
        text.strip(),
        is_to_bot=is_private(channel) or _is_to_bot(message, bot_user),
        reply_to=_replied_to(message),
        opens_thread=isinstance(channel, discord.Thread) and channel.id == message.id,
    )


def is_from_a_person(message: discord.Message) -> bool:
    """Reject bots, including this one, and system messages such as "… joined"."""
    is_written = message.type in (discord.MessageType.default, discord.MessageType.reply)
    return is_written and not message.author.bot and message.webhook_id is None


def author(message: discord.Message, channel: Any) -> Person:
    """Return the author. Everybody moderates their private chat."""
    member = message.author
    is_moderator = is_private(channel)
    if isinstance(member, discord.Member) and getattr(channel, "parent", channel) is not None:
        is_moderator = _is_moderator(channel.permissions_for(member))
    return Person(str(member.id), member.display_name, is_moderator)


def person(interaction: discord.Interaction) -> Person:
    """Return the person with the permissions that the interaction states."""
    user = interaction.user
    is_moderator = is_private(interaction.channel) or _is_moderator(interaction.permissions)
    language = str(interaction.locale).partition("-")[0]
    return Person(str(user.id), user.display_name, is_moderator, language)


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
        # The context-menu command has a localized display name.
        SUMMARISE if data["type"] == MESSAGE_COMMAND else data["name"],
        given,
        message_id=target,
        text=about.get("content", ""),
    )


def focused_option(interaction: discord.Interaction) -> tuple[str, str]:
    """Return the option that the person is typing, and its text so far."""
    data: Any = interaction.data
    for option in data.get("options", ()):
        if option.get("focused"):
            return option["name"], str(option["value"])
    return "", ""


def _option_text(value: str | int | float | bool) -> str:
    """Return the value as text, booleans as `true` and `false`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bot_mentions(message: discord.Message, bot_user: discord.abc.User) -> list[str]:
    role = message.guild.self_role if message.guild else None
    return [f"<@{bot_user.id}>", f"<@!{bot_user.id}>", *([f"<@&{role.id}>"] if role else [])]


def _is_to_bot(message: discord.Message, bot_user: discord.abc.User) -> bool:
    """Detect a mention of the bot or its role, which people pick by mistake, or a reply to it."""
    if bot_user.id in {user.id for user in message.mentions}:
        return True
    replied = message.reference.resolved if message.reference else None
    if isinstance(replied, discord.Message) and replied.author.id == bot_user.id:
        return True
    return any(name in message.content for name in _bot_mentions(message, bot_user))


def _replied_to(message: discord.Message) -> str:
    """Return the id of the answered message. A forwarded message also has a reference."""
    if message.type is not discord.MessageType.reply or message.reference is None:
        return ""
    return str(message.reference.message_id or "")


def _is_moderator(permissions: discord.Permissions) -> bool:
    return permissions.manage_messages or permissions.manage_guild or permissions.administrator
