"""Convert Telegram's updates into the values of bot/chat.py."""

from __future__ import annotations

import mimetypes
import re
from pathlib import PurePath

from telegram import Chat, Message, MessageEntity, User
from telegram.constants import ChatType

from bot.chat import Message as ChatMessage
from bot.chat import Person, Upload, Where
from bot.telegram_adapter.group_migrations import GroupMigrations
from bot.telegram_adapter.place_ids import Place, message_id
from core.links import find_video_ids
from core.sources import SUBTITLES

SUFFIXES = (*SUBTITLES, ".mp3", ".m4a", ".flac", ".ogg", ".opus", ".wav", ".mp4", ".mkv", ".webm")


def where(chat: Chat, topic: int | None, migrations: GroupMigrations) -> Where:
    """Return the place of an event. A topic shares its group's library. A migrated group keeps its
    original id, under which its conversations are stored."""
    first = migrations.original_id(chat.id)
    server = "" if chat.type == ChatType.PRIVATE else str(first)
    return Where(str(Place(first, topic)), f"telegram:{first}", server)


def topic(message: Message) -> int | None:
    """Return the message's topic. Outside topics Telegram uses the same field for reply chains."""
    return message.message_thread_id if message.is_topic_message else None


def is_from_a_person(message: Message) -> bool:
    """Accept people, channels and anonymous administrators; reject bots."""
    sender = message.from_user
    return message.sender_chat is not None or (sender is not None and not sender.is_bot)


def author(message: Message, *, is_moderator: bool) -> Person:
    """Return the author. `is_moderator` applies to people who write under their own name.
    Anonymous administrators and the channel linked to the group are always moderators."""
    chat = message.sender_chat
    if chat is not None:
        is_admin = chat.id == message.chat.id or bool(message.is_automatic_forward)
        return Person(str(chat.id), chat.title or "", is_admin)
    assert message.from_user
    return person(message.from_user, is_moderator=is_moderator)


def person(user: User, *, is_moderator: bool) -> Person:
    language = (user.language_code or "").partition("-")[0]
    return Person(str(user.id), user.full_name, is_moderator, language)


def read_message(
    message: Message, bot_user: User, migrations: GroupMigrations, author: Person
) -> ChatMessage:
    at = where(message.chat, topic(message), migrations)
    replied = replied_to(message)
    is_reply_to_bot = bool(replied and replied.from_user and replied.from_user.id == bot_user.id)
    text, is_mentioned = _strip_mention(text_of(message), bot_user)
    return ChatMessage(
        at,
        message_id(message.chat.id, message.message_id),
        author,
        text.strip(),
        is_to_bot=not at.server or is_mentioned or is_reply_to_bot,
        reply_to=message_id(message.chat.id, replied.message_id) if replied else "",
        file=upload(message),
    )


def replied_to(message: Message) -> Message | None:
    """Return the message that this one answers. In a topic, messages that answer none refer to the
    notice that opened it."""
    replied = message.reply_to_message
    if replied is None or replied.forum_topic_created or replied.chat.id != message.chat.id:
        return None
    return replied


def text_of(message: Message) -> str:
    """Return the text, plus the video links that are hidden behind words."""
    text = message.text or message.caption or ""
    entities = message.entities if message.text else message.caption_entities
    hidden = [e.url for e in entities if e.type == MessageEntity.TEXT_LINK and e.url]
    return "\n".join([text, *(url for url in hidden if find_video_ids(url))])


def upload(message: Message) -> Upload | None:
    """Return the attached audio, video or subtitle file."""
    kinds = ("audio", "video", "voice", "video_note", "document")
    kind, file = next(((k, f) for k in kinds if (f := getattr(message, k))), ("", None))
    if file is None:
        return None
    mime = getattr(file, "mime_type", None) or ("video/mp4" if kind == "video_note" else "")
    name = getattr(file, "file_name", None) or f"{kind}{_suffix(mime)}"
    is_media = mime.startswith(("audio/", "video/"))
    if kind == "document" and not is_media and PurePath(name).suffix.lower() not in SUFFIXES:
        return None
    return Upload(file.file_id, PurePath(name).name, file.file_size or 0)


def _suffix(mime: str) -> str:
    return ".ogg" if mime == "audio/ogg" else mimetypes.guess_extension(mime) or ".bin"


def _strip_mention(text: str, bot_user: User) -> tuple[str, bool]:
    mention = re.compile(rf"(?<!\w)@{re.escape(bot_user.username or '')}(?!\w)", re.IGNORECASE)
    without, count = mention.subn(" ", text)
    return without, count > 0
