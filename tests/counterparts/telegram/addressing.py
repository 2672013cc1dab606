"""Find the chat and topic of a call, or refuse it in the words of tdlib's Client.cpp."""

from __future__ import annotations

from tests.counterparts.telegram.call import Call
from tests.counterparts.telegram.refusal import Refusal
from tests.counterparts.telegram.world import BOT, Chat, Post, World

GENERAL = 1
_SEND_RIGHTS = {
    "sendPhoto": ("can_send_photos", "photos"),
    "sendDocument": ("can_send_documents", "documents"),
    "sendAudio": ("can_send_audios", "audios"),
    "sendVideo": ("can_send_videos", "videos"),
    "sendVoice": ("can_send_voice_notes", "voice notes"),
}
_TEXT_RIGHT = ("can_send_messages", "text messages")


def readable(world: World, call: Call) -> Chat:
    """Find a chat that the bot is in. Raises Refusal."""
    chat = world.chats.get(call.chat)
    if chat is None:
        raise Refusal("chat not found")
    if chat.migrated_to:
        words = "group chat was upgraded to a supergroup chat"
        raise Refusal(words, migrate_to_chat_id=chat.migrated_to)
    if chat.kind == "private":
        return chat
    if chat.is_deleted:
        raise Refusal("the group chat was deleted", 403)
    if chat.bot.status == "kicked":
        raise Refusal(f"bot was kicked from the {chat.kind} chat", 403)
    if not chat.bot.is_here:
        raise Refusal(f"bot is not a member of the {chat.kind} chat", 403)
    return chat


def writable(world: World, call: Call) -> Chat:
    """Find a chat that the bot may post in. Raises Refusal."""
    chat = readable(world, call)
    if chat.kind == "private":
        if not chat.met:
            raise Refusal("bot can't initiate conversation with a user", 403)
        if chat.is_blocked:
            raise Refusal("bot was blocked by the user", 403)
        return chat
    right, things = _SEND_RIGHTS.get(call.method, _TEXT_RIGHT)
    if chat.kind == "channel" and not chat.bot.may("can_post_messages"):
        raise Refusal("need administrator rights in the channel chat")
    if chat.bot.status == "restricted" and right not in chat.bot.rights:
        raise Refusal(f"not enough rights to send {things} to the chat")
    return chat


def thread(chat: Chat, call: Call) -> int:
    """The topic that the call names, or 0. Raises Refusal."""
    named = int(call.given.get("message_thread_id", 0))
    if not named:
        return 0
    if named == GENERAL and call.method == "sendChatAction" and chat.is_forum:
        return 0  # only typing accepts the general topic's id; sending omits it
    if named not in chat.topics:
        raise Refusal("message thread not found")
    if chat.topics[named].is_closed and not may_manage_topics(chat, named):
        raise Refusal("TOPIC_CLOSED")
    return named


def may_manage_topics(chat: Chat, topic: int) -> bool:
    return chat.bot.may("can_manage_topics") or chat.topics[topic].creator == BOT


def replied(chat: Chat, call: Call) -> Post | None:
    """The message that the call replies to. Raises Refusal."""
    asked = call.given.get("reply_parameters")
    if asked is None:
        return None
    if asked.get("chat_id", chat.id) != chat.id:
        raise Refusal("replies to another chat are not served here", breach=True)
    post = chat.posts.get(asked["message_id"])
    if post is None and not asked.get("allow_sending_without_reply"):
        raise Refusal("message to be replied not found")
    if post and asked.get("quote") and asked["quote"] not in post.now.text:
        raise Refusal("QUOTE_TEXT_INVALID", breach=True)
    return post


def post(chat: Chat, call: Call, doing: str) -> Post:
    """The message that the call names. `doing`: "edit" or "delete". Raises Refusal."""
    found = chat.posts.get(call.given.get("message_id", 0))
    if found is None:
        raise Refusal(f"message to {doing} not found")
    return found
