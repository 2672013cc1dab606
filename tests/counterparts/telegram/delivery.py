"""Post messages to chats, and send the bot updates about those it may see."""

from __future__ import annotations

from typing import Any

from tests.counterparts.telegram import api_objects as showing
from tests.counterparts.telegram import privacy_mode as seeing
from tests.counterparts.telegram.html import Entity
from tests.counterparts.telegram.keyboards import Keyboard
from tests.counterparts.telegram.world import BOT, Chat, Media, Post, Version, World


def put(
    world: World,
    chat: Chat,
    author: int,
    text: str = "",
    entities: list[Entity] | None = None,
    *,
    keyboard: Keyboard | None = None,
    media: Media | None = None,
    preview: dict[str, Any] | None = None,
    reply_to: int = 0,
    topic: int = 0,
    **more: Any,
) -> Post:
    """Post a message. `more`: a Post's service, origin or sender_chat."""
    at = world.now()
    post = Post(chat.id, world.next_message(chat), author, at, [], reply_to, **more)
    post.versions.append(Version(at, text, entities or [], keyboard or [], media, preview or {}))
    _thread(chat, post, topic)
    post.meant = seeing.is_meant(world, chat, post)
    chat.posts[post.id] = post
    if not post.service and author and world.users[author].is_bot and not post.sender_chat:
        chat.spoke = author
    if seeing.sees(world, chat, post):
        kind = "channel_post" if chat.kind == "channel" else "message"
        world.tell(kind, showing.message(world, post))
    return post


def change(world: World, chat: Chat, post: Post, version: Version) -> None:
    """Show a new version of the message from now on. The bot gets no update about its own edits."""
    post.versions.append(version)
    if seeing.sees(world, chat, post):
        kind = "edited_channel_post" if chat.kind == "channel" else "edited_message"
        world.tell(kind, showing.message(world, post))


def _thread(chat: Chat, post: Post, topic: int) -> None:
    """Set the post's thread: in a forum the topic; elsewhere in a supergroup, and in the forum's
    general topic, the first message of the chain of replies."""
    replied = chat.posts.get(post.reply_to)
    if "forum_topic_created" in post.service:
        topic = post.id
    elif replied is not None and replied.is_topic and not topic:
        topic = replied.thread
    if topic:
        post.thread, post.is_topic = topic, True
    elif replied is not None and chat.kind == "supergroup":
        post.thread = replied.thread or replied.id


def membership(world: World, chat: Chat, by: int, who: int, before: dict[str, Any]) -> None:
    """Send the update about a member who joined, left, or got other permissions."""
    kind = "my_chat_member" if who == BOT else "chat_member"
    content = {"chat": showing.chat(world, chat), "date": int(world.now())}
    content["from"] = showing.user(world.users[by])
    content["old_chat_member"] = before
    member = chat.members[who]
    content["new_chat_member"] = showing.member(world, member, who)
    administers = chat.bot.status == "administrator"
    if kind == "my_chat_member" or administers:
        world.tell(kind, content)
