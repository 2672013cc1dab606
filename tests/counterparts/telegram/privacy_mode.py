"""Decide which messages a bot receives (core.telegram.org/bots/features#privacy-mode).

In a group, a bot in privacy mode receives service messages, commands that name it, other commands
unless another bot was the last to write, mentions, and replies to its own messages or to messages
meant for it. It does not receive a plain link. An administrator receives everything, and so does a
bot whose privacy mode was off when it joined the group. No bot receives another bot's messages.
"""

from __future__ import annotations

from tests.counterparts.telegram import texts
from tests.counterparts.telegram.world import ANONYMOUS, BOT, BOT_NAME, Chat, Post, World


def sees(world: World, chat: Chat, post: Post) -> bool:
    if post.is_ours or (chat.kind == "private" and chat.is_blocked):
        return False
    if chat.kind == "private":
        return True
    if not chat.bot.is_here:
        return False
    if post.service or chat.kind == "channel":
        return True
    if post.author not in (0, ANONYMOUS) and world.users[post.author].is_bot:
        return False
    return chat.bot_reads_all or chat.bot.status == "administrator" or post.meant


def is_meant(world: World, chat: Chat, post: Post) -> bool:
    """Whether the message addresses the bot. A reply to another bot addresses only that one."""
    replied = chat.posts.get(post.reply_to)
    if replied is not None:
        if replied.is_ours or replied.meant:
            return True
        if replied.author not in (0, ANONYMOUS) and world.users[replied.author].is_bot:
            return False
    return any(_speaks_to_it(chat, post, entity) for entity in post.now.entities)


def _speaks_to_it(chat: Chat, post: Post, entity: texts.Entity) -> bool:
    said = texts.part(post.now.text, entity).lower()
    if entity["type"] == "bot_command":
        _, _, named = said.partition("@")
        general = entity["offset"] == 0 and chat.spoke in (0, BOT)
        return named == BOT_NAME if named else general
    if entity["type"] == "mention":
        return said == f"@{BOT_NAME}"
    return entity["type"] == "text_mention" and entity["user"]["id"] == BOT
