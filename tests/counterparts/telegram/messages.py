"""Send, edit and delete the bot's messages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.counterparts.telegram import addressing as places
from tests.counterparts.telegram import api_objects as showing
from tests.counterparts.telegram import delivery as posting
from tests.counterparts.telegram import files, keyboards, texts
from tests.counterparts.telegram.call import Call
from tests.counterparts.telegram.html import Entity
from tests.counterparts.telegram.refusal import NOT_MODIFIED, Refusal, breach
from tests.counterparts.telegram.world import BOT, Chat, Draft, Media, Post, Version, World

Json = dict[str, Any]
DELETABLE_S = 48 * 3600


def send(world: World, call: Call) -> Json:
    """Handle sendMessage."""
    text, entities = _text(call, "text", "entities", texts.TEXT)
    if not text:
        raise breach("message text is empty")
    return _put(world, call, text, entities, None)


def send_media(world: World, call: Call) -> Json:
    """Handle sendPhoto, sendDocument, sendAudio, sendVideo and sendVoice."""
    text, entities = _text(call, "caption", "caption_entities", texts.CAPTION)
    keyboards.inline(call.given)
    places.writable(world, call)
    media = files.sent(world, call, call.method.removeprefix("send").lower())
    return _put(world, call, text, entities, media)


def _put(world: World, call: Call, text: str, entities: list[Entity], media: Media | None) -> Json:
    keyboard = keyboards.inline(call.given)
    chat = places.writable(world, call)
    topic, replied = places.thread(chat, call), places.replied(chat, call)
    reply_to = replied.id if replied else 0
    more: Json = {"keyboard": keyboard, "media": media, "reply_to": reply_to, "topic": topic}
    more["preview"] = _preview(call)
    if chat.kind == "channel":
        more["sender_chat"] = chat.id
    _forget_draft(world, chat)
    return showing.message(world, posting.put(world, chat, BOT, text, entities, **more))


def draft(world: World, call: Call) -> bool:
    """Handle sendMessageDraft: a draft shows for half a minute, or until a message replaces it."""
    text, entities = _text(call, "text", "entities", texts.TEXT)
    chat = places.writable(world, call)
    if chat.kind != "private":
        raise breach("TEXTDRAFT_PEER_INVALID")
    places.thread(chat, call)
    if not call.given["draft_id"]:
        raise breach("RANDOM_ID_INVALID")
    made = Draft(call.given["draft_id"], text, entities, world.now())
    world.drafts.setdefault(chat.id, []).append(made)
    return True


def edit_text(world: World, call: Call) -> Json:
    text, entities = _text(call, "text", "entities", texts.TEXT)
    if not text:
        raise breach("message text is empty")
    chat, post = _ours(world, call)
    if post.now.media:
        raise Refusal("there is no text in the message to edit")
    return _change(world, call, chat, post, text, entities)


def edit_caption(world: World, call: Call) -> Json:
    text, entities = _text(call, "caption", "caption_entities", texts.CAPTION)
    chat, post = _ours(world, call)
    if not post.now.media:
        raise Refusal("there is no caption in the message to edit")
    return _change(world, call, chat, post, text, entities)


def edit_keyboard(world: World, call: Call) -> Json:
    """Handle editMessageReplyMarkup."""
    chat, post = _ours(world, call)
    return _change(world, call, chat, post, post.now.text, post.now.entities)


def _change(
    world: World, call: Call, chat: Chat, post: Post, text: str, entities: list[Entity]
) -> Json:
    """Show a new version; a keyboard that the call omits is removed."""
    keyboard, media = keyboards.inline(call.given), post.now.media
    preview = _preview(call) if call.method == "editMessageText" else post.now.preview
    version = Version(world.now(), text, entities, keyboard, media, preview)
    if replace(version, at=post.now.at) == post.now:
        raise Refusal(NOT_MODIFIED)
    posting.change(world, chat, post, version)
    return showing.message(world, post)


def _ours(world: World, call: Call) -> tuple[Chat, Post]:
    if call.given.get("inline_message_id"):
        raise breach("inline messages are not served here")
    if "chat_id" not in call.given:
        raise breach("chat_id is empty")
    chat = places.writable(world, call)
    post = places.post(chat, call, "edit")
    if not post.is_ours or post.service or post.origin:
        raise Refusal("message can't be edited")
    return chat, post


def delete(world: World, call: Call) -> bool:
    """Handle deleteMessage."""
    chat = places.readable(world, call)
    post = places.post(chat, call, "delete")
    if not _deletable(world, chat, post):
        raise Refusal("message can't be deleted")
    del chat.posts[post.id]
    return True


def delete_many(world: World, call: Call) -> bool:
    """Handle deleteMessages: skip messages that cannot be found or deleted."""
    chat = places.readable(world, call)
    for id in call.given["message_ids"]:
        if id in chat.posts and _deletable(world, chat, chat.posts[id]):
            del chat.posts[id]
    return True


def _deletable(world: World, chat: Chat, post: Post) -> bool:
    if chat.bot.may("can_delete_messages") and chat.kind != "group":
        return True
    is_new = world.now() - post.at < DELETABLE_S
    return is_new and (post.is_ours or chat.kind == "private")


def act(world: World, call: Call) -> bool:
    """Handle sendChatAction."""
    chat = places.writable(world, call)
    if call.given["action"] not in _ACTIONS:
        raise breach("wrong parameter action in request")
    named = int(call.given.get("message_thread_id", 0))
    places.thread(chat, call)
    world.actions.append((world.now(), chat.id, named, call.given["action"]))
    return True


_ACTIONS = {
    *("typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice"),
    *("upload_document", "choose_sticker", "find_location", "record_video_note"),
    "upload_video_note",
}


def react(world: World, call: Call) -> bool:
    """Handle setMessageReaction: a bot may set one at most."""
    chat = places.readable(world, call)
    if call.given["message_id"] not in chat.posts:
        raise Refusal("message to react not found")
    if len(call.given.get("reaction", ())) > 1:
        raise breach("REACTIONS_TOO_MANY")
    return True


def _text(call: Call, text: str, entities: str, most: int) -> tuple[str, list[Entity]]:
    given = call.given
    mode = given.get("parse_mode")
    return texts.read(given.get(text, ""), mode, given.get(entities), most=most)


def _preview(call: Call) -> Json:
    return dict(call.given.get("link_preview_options", {}))


def _forget_draft(world: World, chat: Chat) -> None:
    """Remove the chat's draft: the bot's message replaces it."""
    shown = world.drafts.get(chat.id)
    if shown:
        shown.append(Draft(0, "", [], world.now()))
