"""Open, rename, close and delete a forum's topics, if the bot or person has the right."""

from __future__ import annotations

from typing import Any

from tests.counterparts.telegram import addressing as places
from tests.counterparts.telegram import delivery as posting
from tests.counterparts.telegram.call import Call
from tests.counterparts.telegram.refusal import Refusal, breach
from tests.counterparts.telegram.world import BOT, Chat, Topic, World

_COLOURS = {7322096, 16766590, 13338331, 9367192, 16749490, 16478047}


def create(world: World, call: Call) -> dict[str, Any]:
    """Handle createForumTopic."""
    chat = _forum(world, call)
    if not chat.bot.may("can_manage_topics"):
        raise Refusal("not enough rights to create a topic")
    colour = call.given.get("icon_color", 7322096)
    if colour not in _COLOURS:
        raise breach("TOPIC_ICON_COLOR_INVALID")
    topic = open_by(world, chat, BOT, call.given["name"], colour)
    return {"message_thread_id": topic.id, "name": topic.name, "icon_color": colour}


def open_by(world: World, chat: Chat, author: int, name: str, colour: int = 7322096) -> Topic:
    """Open a topic. It begins with a service message, whose id it shares."""
    told = {"forum_topic_created": {"name": name, "icon_color": colour}}
    post = posting.put(world, chat, author, service=told)
    topic = chat.topics[post.id] = Topic(post.id, name, author, icon_color=colour)
    return topic


def edit(world: World, call: Call) -> bool:
    """Handle editForumTopic."""
    chat, topic = _managed(world, call)
    name = call.given.get("name") or topic.name
    if name == topic.name:
        raise Refusal("TOPIC_NOT_MODIFIED")
    topic.name = name
    _say(world, chat, topic, BOT, {"forum_topic_edited": {"name": name}})
    return True


def close(world: World, call: Call) -> bool:
    """Handle closeForumTopic and reopenForumTopic."""
    chat, topic = _managed(world, call)
    closed = call.method == "closeForumTopic"
    if topic.is_closed == closed:
        raise Refusal("TOPIC_NOT_MODIFIED")
    shut(world, chat, topic, BOT, closed=closed)
    return True


def shut(world: World, chat: Chat, topic: Topic, author: int, *, closed: bool) -> None:
    topic.is_closed = closed
    _say(world, chat, topic, author, {f"forum_topic_{'closed' if closed else 'reopened'}": {}})


def delete(world: World, call: Call) -> bool:
    """Handle deleteForumTopic."""
    chat, topic = _found(world, call)
    if not chat.bot.may("can_delete_messages"):
        raise Refusal("not enough rights to delete a topic")
    remove(chat, topic)
    return True


def remove(chat: Chat, topic: Topic) -> None:
    """Delete the topic and its messages; nobody gets an update."""
    del chat.topics[topic.id]
    for post in list(chat.posts.values()):
        if post.is_topic and post.thread == topic.id:
            del chat.posts[post.id]


def _say(world: World, chat: Chat, topic: Topic, author: int, told: dict[str, Any]) -> None:
    posting.put(world, chat, author, topic=topic.id, service=told)


def _forum(world: World, call: Call) -> Chat:
    chat = places.readable(world, call)
    if chat.kind != "supergroup" or not chat.is_forum:
        raise Refusal("the chat is not a forum")
    return chat


def _found(world: World, call: Call) -> tuple[Chat, Topic]:
    chat = _forum(world, call)
    topic = chat.topics.get(call.given["message_thread_id"])
    if topic is None:
        raise Refusal("TOPIC_ID_INVALID")
    return chat, topic


def _managed(world: World, call: Call) -> tuple[Chat, Topic]:
    chat, topic = _found(world, call)
    if not places.may_manage_topics(chat, topic.id):
        raise Refusal("not enough rights to manage topics")
    return chat, topic
