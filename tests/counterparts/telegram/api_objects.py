"""Serialise people, chats and messages as the Bot API does."""

from __future__ import annotations

from typing import Any

from tests.counterparts.telegram.api_check import description
from tests.counterparts.telegram.world import BOT, Chat, Media, Member, Post, User, World

Json = dict[str, Any]
_WIDTH, _HEIGHT = 320, 180


def user(of: User) -> Json:
    told: Json = {"id": of.id, "is_bot": of.is_bot, "first_name": of.name}
    told |= {"username": of.username} if of.username else {}
    return told | ({"language_code": of.language} if of.language else {})


def me(world: World) -> Json:
    told = user(world.users[BOT]) | {"can_read_all_group_messages": not world.privacy}
    never = ("supports_inline_queries", "can_connect_to_business", "has_main_web_app")
    never += ("has_topics_enabled", "allows_users_to_create_topics", "can_manage_bots")
    return told | {"can_join_groups": True} | dict.fromkeys(never, False)


def chat(world: World, of: Chat) -> Json:
    if of.kind == "private":
        person = user(world.users[of.id])
        kept = {key: person[key] for key in ("id", "first_name", "username") if key in person}
        return kept | {"type": "private"}
    told: Json = {"id": of.id, "title": of.title, "type": of.kind}
    return told | ({"is_forum": True} if of.is_forum else {})


def message(world: World, post: Post, *, nested: bool = False) -> Json:
    """Serialise a message. `nested`: inside another message, where a reply omits its own reply."""
    where = world.chats[post.chat]
    told: Json = {"message_id": post.id, "date": int(post.at), "chat": chat(world, where)}
    if post.author:
        told["from"] = user(world.users[post.author])
    if post.sender_chat:
        told["sender_chat"] = chat(world, world.chats[post.sender_chat])
    if post.thread:
        told["message_thread_id"] = post.thread
    if post.is_topic:
        told["is_topic_message"] = True
    replied = where.posts.get(post.reply_to) or where.posts.get(post.thread if post.is_topic else 0)
    if replied is not None and replied is not post and not nested:
        told["reply_to_message"] = message(world, replied, nested=True)
    if len(post.versions) > 1 and post.versions[-1].at > post.at:
        told["edit_date"] = int(post.now.at)
    return told | post.service | post.origin | _content(world, post)


def _content(world: World, post: Post) -> Json:
    now, told = post.now, {}
    text, entities = ("caption", "caption_entities") if now.media else ("text", "entities")
    told |= {text: now.text} if now.text else {}
    told |= {entities: now.entities} if now.entities else {}
    told |= {"link_preview_options": now.preview} if now.preview else {}
    told |= {"reply_markup": {"inline_keyboard": now.keyboard}} if now.keyboard else {}
    return told | (_media(world, now.media) if now.media else {})


def _media(world: World, media: Media) -> Json:
    stored = world.files[media.file_id]
    ids = {"file_id": stored.id, "file_unique_id": stored.id[12:18], "file_size": stored.size}
    if media.kind == "photo":
        return {"photo": [{**ids, "width": _WIDTH, "height": _HEIGHT}]}
    told: Json = {**ids, "mime_type": stored.mime}
    if media.kind != "document":
        told["duration"] = stored.duration
    if media.kind == "video_note":
        return {media.kind: {**ids, "length": _HEIGHT, "duration": stored.duration}}
    if media.kind != "voice":
        told["file_name"] = stored.name
    if media.kind == "video":
        told |= {"width": _WIDTH, "height": _HEIGHT}
    return {media.kind: told}


def member(world: World, of: Member, id: int) -> Json:
    """Serialise a member with all fields of their status, including whether they are anonymous."""
    told: Json = {"status": of.status, "user": user(world.users[id])}
    if of.status not in _MEMBERS:
        return told
    fields = description()["types"][_MEMBERS[of.status]]["fields"]
    for name, field in fields.items():
        if name in told or field["types"] not in (["Boolean"], ["Integer"]):
            continue
        if field.get("required") or name in of.rights:
            told[name] = name in of.rights if field["types"] == ["Boolean"] else 0
    return told | ({"is_member": True} if of.status == "restricted" else {})


_MEMBERS = {
    "creator": "ChatMemberOwner",
    "administrator": "ChatMemberAdministrator",
    "restricted": "ChatMemberRestricted",
    "kicked": "ChatMemberBanned",
}
